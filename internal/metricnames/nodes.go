package metricnames

// Names of node_exporter.
const (
	NodeCPU             = "node_cpu_seconds_total"
	NodeMemTotal        = "node_memory_MemTotal_bytes"
	NodeMemAvailable    = "node_memory_MemAvailable_bytes"
	NodeMemFree         = "node_memory_MemFree_bytes"
	NodeReceiveBytes    = "node_network_receive_bytes_total"
	NodeTransmitBytes   = "node_network_transmit_bytes_total"
	NodeReceivePackets  = "node_network_receive_packets_total"
	NodeTransmitPackets = "node_network_transmit_packets_total"
	NodeReads           = "node_disk_reads_completed_total"
	NodeWrites          = "node_disk_writes_completed_total"
	NodeReadBytes       = "node_disk_read_bytes_total"
	NodeWrittenBytes    = "node_disk_written_bytes_total"
	NodeFilesystemSize  = "node_filesystem_size_bytes"
	NodeFilesystemFree  = "node_filesystem_free_bytes"
	NodeFilesystemAvail = "node_filesystem_avail_bytes"
	NodeBootTime        = "node_boot_time_seconds"
)

var nodes = []Metric{
	{NodeBootTime, Gauge, "seconds since 1970", []string{"instance", "node"}, NodeExporter, "When a node booted."},
	{NodeCPU, Counter, "core-seconds", []string{"instance", "node", "cpu", "mode"}, NodeExporter, "Time that a CPU spent in each mode."},
	{NodeReadBytes, Counter, "bytes", []string{"instance", "node", "device"}, NodeExporter, "Bytes read from a disk."},
	{NodeReads, Counter, "", []string{"instance", "node", "device"}, NodeExporter, "Reads from a disk that were completed."},
	{NodeWrites, Counter, "", []string{"instance", "node", "device"}, NodeExporter, "Writes to a disk that were completed."},
	{NodeWrittenBytes, Counter, "bytes", []string{"instance", "node", "device"}, NodeExporter, "Bytes written to a disk."},
	{NodeFilesystemAvail, Gauge, "bytes", []string{"instance", "node", "device", "fstype", "mountpoint"}, NodeExporter, "Room on a file system for those who are not root."},
	{NodeFilesystemFree, Gauge, "bytes", []string{"instance", "node", "device", "fstype", "mountpoint"}, NodeExporter, "Room on a file system."},
	{NodeFilesystemSize, Gauge, "bytes", []string{"instance", "node", "device", "fstype", "mountpoint"}, NodeExporter, "Size of a file system."},
	{NodeMemAvailable, Gauge, "bytes", []string{"instance", "node"}, NodeExporter, "Memory that programs can still get."},
	{NodeMemFree, Gauge, "bytes", []string{"instance", "node"}, NodeExporter, "Memory that nobody uses."},
	{NodeMemTotal, Gauge, "bytes", []string{"instance", "node"}, NodeExporter, "Memory of a node."},
	{NodeReceiveBytes, Counter, "bytes", []string{"instance", "node", "device"}, NodeExporter, "Bytes that a node received."},
	{NodeReceivePackets, Counter, "packets", []string{"instance", "node", "device"}, NodeExporter, "Packets that a node received."},
	{NodeTransmitBytes, Counter, "bytes", []string{"instance", "node", "device"}, NodeExporter, "Bytes that a node sent."},
	{NodeTransmitPackets, Counter, "packets", []string{"instance", "node", "device"}, NodeExporter, "Packets that a node sent."},
}
