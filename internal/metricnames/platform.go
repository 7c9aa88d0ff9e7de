package metricnames

// Names of what Prometheus, the ingress and cAdvisor expose.
const (
	Up              = "up"
	IngressRequests = "nginx_ingress_controller_requests"

	ContainerCPU             = "container_cpu_usage_seconds_total"
	ContainerMemory          = "container_memory_working_set_bytes"
	ContainerReceiveBytes    = "container_network_receive_bytes_total"
	ContainerTransmitBytes   = "container_network_transmit_bytes_total"
	ContainerReceivePackets  = "container_network_receive_packets_total"
	ContainerTransmitPackets = "container_network_transmit_packets_total"
	ContainerReads           = "container_fs_reads_total"
	ContainerWrites          = "container_fs_writes_total"
	ContainerReadBytes       = "container_fs_reads_bytes_total"
	ContainerWrittenBytes    = "container_fs_writes_bytes_total"
)

// The values of the label job: one for each kind of target.
const (
	JobApp              = "app"
	JobCAdvisor         = "cadvisor"
	JobIngress          = "ingress-nginx"
	JobKubeStateMetrics = "kube-state-metrics"
	JobNodeExporter     = "node-exporter"
	JobScaler           = "hindcast"
)

var platform = []Metric{
	{Up, Gauge, "", []string{"instance", "job"}, Prometheus, "1 where the last scrape of a target succeeded, 0 where it failed. The job is app, cadvisor, hindcast, ingress-nginx, kube-state-metrics or node-exporter; a target of app has the labels namespace and pod too."},
	{IngressRequests, Counter, "", []string{"namespace", "ingress"}, Ingress, "Requests that arrived at the ingress, whatever became of them: no scaling changes it."},

	{ContainerCPU, Counter, "core-seconds", []string{"namespace", "pod", "container"}, CAdvisor, "CPU time used by a container since it started."},
	{ContainerReadBytes, Counter, "bytes", []string{"namespace", "pod", "container", "device"}, CAdvisor, "Bytes that a container read from disk."},
	{ContainerReads, Counter, "", []string{"namespace", "pod", "container", "device"}, CAdvisor, "Reads from disk that a container completed."},
	{ContainerWrittenBytes, Counter, "bytes", []string{"namespace", "pod", "container", "device"}, CAdvisor, "Bytes that a container wrote to disk."},
	{ContainerWrites, Counter, "", []string{"namespace", "pod", "container", "device"}, CAdvisor, "Writes to disk that a container completed."},
	{ContainerMemory, Gauge, "bytes", []string{"namespace", "pod", "container"}, CAdvisor, "Working set of a container."},
	{ContainerReceiveBytes, Counter, "bytes", []string{"namespace", "pod", "interface"}, CAdvisor, "Bytes received over a pod's network."},
	{ContainerReceivePackets, Counter, "packets", []string{"namespace", "pod", "interface"}, CAdvisor, "Packets received over a pod's network."},
	{ContainerTransmitBytes, Counter, "bytes", []string{"namespace", "pod", "interface"}, CAdvisor, "Bytes sent over a pod's network."},
	{ContainerTransmitPackets, Counter, "packets", []string{"namespace", "pod", "interface"}, CAdvisor, "Packets sent over a pod's network."},
}
