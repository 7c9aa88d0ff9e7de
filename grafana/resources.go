package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func resources() board {
	return board{
		file: "resources.json", uid: "hindcast-resources", title: "hindcast / Resources", from: "now-6h",
		about:     "What the pods of a Deployment and the nodes of the cluster use and have.",
		variables: []cog.Builder[dashboard.VariableModel]{datasource(), namespace(), deployment(), policies()},
		rows: []row{
			{"CPU and memory of the pods", computePanels()}, {"Network and disk of the pods", trafficPanels()},
			{"Life of the pods", lifePanels()}, {"Capacity of the cluster", capacityPanels()}, {"Nodes", nodePanels()},
		},
	}
}

// ofContainers leaves out the sum of a pod and its pause container, which cAdvisor of a
// real node has too.
const ofContainers = `{@pod,container!="",container!="POD"}`

func computePanels() []panel {
	used := `rate(container_cpu_usage_seconds_total` + ofContainers + `[$__rate_interval])`
	return []panel{
		{
			title: "CPU", unit: "short", min: zero, about: "Cores used by all pods, and what they request and may use at most.",
			queries: []query{
				{expr: `sum by (policy) (` + used + `)`, legend: "{{policy}} used"},
				{expr: `sum by (policy) (kube_pod_container_resource_requests{@pod,resource="cpu"}` + unfinished + `)`, legend: "{{policy}} requested", dashed: true},
				{expr: `sum by (policy) (kube_pod_container_resource_limits{@pod,resource="cpu"}` + unfinished + `)`, legend: "{{policy}} limit", dashed: true},
			},
		},
		{
			title: "CPU of a pod", unit: "short", min: zero, about: "Cores used by the busiest, the median and the idlest pod. At its limit a pod is throttled, and its CPU no longer shows the demand.",
			queries: []query{
				{expr: `max by (policy) (` + used + `)`, legend: "{{policy}} busiest"},
				{expr: `quantile by (policy) (0.5, ` + used + `)`, legend: "{{policy}} median"},
				{expr: `min by (policy) (` + used + `)`, legend: "{{policy}} idlest"},
				{expr: `max by (policy) (kube_pod_container_resource_limits{@pod,resource="cpu"}` + unfinished + `)`, legend: "{{policy}} limit", dashed: true},
			},
		},
		{
			title: "Memory", unit: "bytes", min: zero, about: "Working set of all pods, and what they request.",
			queries: []query{
				{expr: `sum by (policy) (container_memory_working_set_bytes` + ofContainers + `)`, legend: "{{policy}} used"},
				{expr: `sum by (policy) (kube_pod_container_resource_requests{@pod,resource="memory"}` + unfinished + `)`, legend: "{{policy}} requested", dashed: true},
			},
		},
		{
			title: "Memory of a pod", unit: "bytes", min: zero, about: "Working set of the largest and the median pod. Above its limit a container is killed.",
			queries: []query{
				{expr: `max by (policy) (container_memory_working_set_bytes` + ofContainers + `)`, legend: "{{policy}} largest"},
				{expr: `quantile by (policy) (0.5, container_memory_working_set_bytes` + ofContainers + `)`, legend: "{{policy}} median"},
				{expr: `min by (policy) (kube_pod_container_resource_limits{@pod,resource="memory"}` + unfinished + `)`, legend: "{{policy}} limit", dashed: true},
			},
		},
	}
}

// inAndOut are two counters of the pods as rates.
func inAndOut(in, out, inWord, outWord, matchers string) []query {
	rate := func(metric string) string {
		return `sum by (policy) (rate(` + metric + matchers + `[$__rate_interval]))`
	}
	return []query{{expr: rate(in), legend: "{{policy}} " + inWord}, {expr: rate(out), legend: "{{policy}} " + outWord}}
}

func trafficPanels() []panel {
	return []panel{
		{
			title: "Network", unit: "Bps", min: zero, about: "Bytes a second that all pods receive and send.",
			queries: inAndOut("container_network_receive_bytes_total", "container_network_transmit_bytes_total", "received", "sent", "{@pod}"),
		},
		{
			title: "Packets", unit: "pps", min: zero, about: "Packets a second that all pods receive and send.",
			queries: inAndOut("container_network_receive_packets_total", "container_network_transmit_packets_total", "received", "sent", "{@pod}"),
		},
		{
			title: "Disk", unit: "Bps", min: zero, about: "Bytes a second that all pods read and write.",
			queries: inAndOut("container_fs_reads_bytes_total", "container_fs_writes_bytes_total", "read", "written", ofContainers),
		},
		{
			title: "Disk operations", unit: "iops", min: zero, about: "Reads and writes a second of all pods.",
			queries: inAndOut("container_fs_reads_total", "container_fs_writes_total", "reads", "writes", ofContainers),
		},
	}
}

func lifePanels() []panel {
	return []panel{
		{
			title: "Pods by phase", kind: stack, unit: "short", min: zero, width: 8,
			about:   "Pods that stay Pending wait for a node, an image, or their turn.",
			queries: []query{{expr: `sum by (policy, phase) (kube_pod_status_phase{@pod}) > 0`, legend: "{{policy}} {{phase}}"}},
		},
		{
			title: "Scheduling time", unit: "s", min: zero, width: 8,
			about: "From a pod's creation until it had a node, of the pods that exist now.",
			marks: slowStart,
			queries: []query{
				{expr: `max by (policy) (kube_pod_status_scheduled_time{@pod} - kube_pod_created{@pod})`, legend: "{{policy}} slowest"},
				{expr: `quantile by (policy) (0.5, kube_pod_status_scheduled_time{@pod} - kube_pod_created{@pod})`, legend: "{{policy}} median"},
			},
		},
		{
			title: "Restarts", unit: "short", min: zero, width: 8, about: "Restarts of containers within the last hour.",
			marks:   []mark{{0, "transparent"}, {1, "red"}},
			queries: []query{{expr: `sum by (policy) (increase(kube_pod_container_status_restarts_total{@pod}[1h]))`, legend: byPolicy}},
		},
	}
}

func capacityPanels() []panel {
	capacity := func(resource string) []query {
		return []query{
			{expr: `sum by (policy) (kube_pod_container_resource_requests{@policy,resource="` + resource + `",node!=""}` + unfinished + `)`, legend: "{{policy}} requested by pods"},
			{expr: `sum by (policy) (kube_node_status_allocatable{@policy,resource="` + resource + `"})`, legend: "{{policy}} for pods", dashed: true},
			{expr: `sum by (policy) (kube_node_status_capacity{@policy,resource="` + resource + `"})`, legend: "{{policy}} of the nodes", dashed: true},
		}
	}
	return []panel{
		{
			title: "Requested cores", unit: "short", min: zero, width: 8, about: "What all pods of the cluster request, of what its nodes have. What does not fit stays Pending.",
			queries: capacity("cpu"),
		},
		{
			title: "Requested memory", unit: "bytes", min: zero, width: 8, about: "What all pods of the cluster request, of what its nodes have.",
			queries: capacity("memory"),
		},
		{
			title: "Nodes", kind: steps, unit: "short", min: zero, width: 8, about: "Nodes that exist, and those that are ready.",
			queries: []query{
				{expr: `count by (policy) (kube_node_info{@policy})`, legend: "{{policy}} exist"},
				{expr: `sum by (policy) (kube_node_status_condition{@policy,condition="Ready",status="true"})`, legend: "{{policy}} ready", dashed: true},
			},
		},
	}
}

func nodePanels() []panel {
	const labels = "{{policy}} {{node}}"
	return []panel{
		{
			title: "CPU of nodes", unit: "percentunit", min: zero, width: 8, about: "Share of each node's cores that is not idle.",
			marks:   nearlyFull,
			queries: []query{{expr: `1 - sum by (policy, node) (rate(node_cpu_seconds_total{@policy,mode="idle"}[$__rate_interval])) / sum by (policy, node) (rate(node_cpu_seconds_total{@policy}[$__rate_interval]))`, legend: labels}},
		},
		{
			title: "Memory of nodes", unit: "percentunit", min: zero, max: new(1.0), width: 8, about: "Share of each node's memory that programs cannot get any more.",
			marks:   nearlyFull,
			queries: []query{{expr: `1 - node_memory_MemAvailable_bytes{@policy} / node_memory_MemTotal_bytes{@policy}`, legend: labels}},
		},
		{
			title: "File systems of nodes", unit: "percentunit", min: zero, max: new(1.0), width: 8, about: "Share of each node's file systems that is full.",
			marks:   []mark{{0, "transparent"}, {0.85, "red"}},
			queries: []query{{expr: `1 - node_filesystem_avail_bytes{@policy,fstype!~"tmpfs|overlay"} / node_filesystem_size_bytes{@policy,fstype!~"tmpfs|overlay"}`, legend: labels + " {{mountpoint}}"}},
		},
		{
			title: "Network of nodes", unit: "Bps", min: zero, width: 8, about: "Bytes a second that all nodes receive and send.",
			queries: inAndOut("node_network_receive_bytes_total", "node_network_transmit_bytes_total", "received", "sent", `{@policy,device!="lo"}`),
		},
		{
			title: "Disk of nodes", unit: "Bps", min: zero, width: 8, about: "Bytes a second that all nodes read and write.",
			queries: inAndOut("node_disk_read_bytes_total", "node_disk_written_bytes_total", "read", "written", `{@policy}`),
		},
		{
			title: "Disk operations of nodes", unit: "iops", min: zero, width: 8, about: "Reads and writes a second of all nodes.",
			queries: inAndOut("node_disk_reads_completed_total", "node_disk_writes_completed_total", "reads", "writes", `{@policy}`),
		},
		{
			title: "Targets that cannot be scraped", unit: "short", min: zero, width: 24, about: "Of each job. What is not scraped is missing everywhere else.",
			marks:   []mark{{0, "transparent"}, {1, "red"}},
			queries: []query{{expr: `count by (policy, job) (up{@policy}) - sum by (policy, job) (up{@policy})`, legend: "{{policy}} {{job}}"}},
		},
	}
}
