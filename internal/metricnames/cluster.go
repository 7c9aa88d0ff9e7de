package metricnames

// Names of kube-state-metrics.
const (
	PodInfo          = "kube_pod_info"
	PodCreated       = "kube_pod_created"
	PodStartTime     = "kube_pod_start_time"
	PodPhase         = "kube_pod_status_phase"
	PodReady         = "kube_pod_status_ready"
	PodReadyTime     = "kube_pod_status_ready_time"
	PodScheduled     = "kube_pod_status_scheduled"
	PodScheduledTime = "kube_pod_status_scheduled_time"
	PodRestarts      = "kube_pod_container_status_restarts_total"
	PodRequests      = "kube_pod_container_resource_requests"
	PodLimits        = "kube_pod_container_resource_limits"

	DeploymentCreated     = "kube_deployment_created"
	DeploymentSpec        = "kube_deployment_spec_replicas"
	DeploymentStatus      = "kube_deployment_status_replicas"
	DeploymentReady       = "kube_deployment_status_replicas_ready"
	DeploymentAvailable   = "kube_deployment_status_replicas_available"
	DeploymentUnavailable = "kube_deployment_status_replicas_unavailable"
	DeploymentUpdated     = "kube_deployment_status_replicas_updated"

	NodeInfo        = "kube_node_info"
	NodeCapacity    = "kube_node_status_capacity"
	NodeAllocatable = "kube_node_status_allocatable"
	NodeCondition   = "kube_node_status_condition"

	HPAInfo            = "kube_horizontalpodautoscaler_info"
	HPAMinReplicas     = "kube_horizontalpodautoscaler_spec_min_replicas"
	HPAMaxReplicas     = "kube_horizontalpodautoscaler_spec_max_replicas"
	HPACurrentReplicas = "kube_horizontalpodautoscaler_status_current_replicas"
	HPADesiredReplicas = "kube_horizontalpodautoscaler_status_desired_replicas"
	HPACondition       = "kube_horizontalpodautoscaler_status_condition"
)

var cluster = []Metric{
	{DeploymentCreated, Gauge, "seconds since 1970", []string{"namespace", "deployment"}, KubeStateMetrics, "When the Deployment was created."},
	{DeploymentSpec, Gauge, "replicas", []string{"namespace", "deployment"}, KubeStateMetrics, "Replicas asked for."},
	{DeploymentStatus, Gauge, "replicas", []string{"namespace", "deployment"}, KubeStateMetrics, "Pods that exist and are not being deleted."},
	{DeploymentAvailable, Gauge, "replicas", []string{"namespace", "deployment"}, KubeStateMetrics, "Pods that are available."},
	{DeploymentReady, Gauge, "replicas", []string{"namespace", "deployment"}, KubeStateMetrics, "Pods that are ready."},
	{DeploymentUnavailable, Gauge, "replicas", []string{"namespace", "deployment"}, KubeStateMetrics, "Pods asked for that are not available."},
	{DeploymentUpdated, Gauge, "replicas", []string{"namespace", "deployment"}, KubeStateMetrics, "Pods of the newest template."},
	{HPAInfo, Gauge, "", []string{"namespace", "horizontalpodautoscaler", "scaletargetref_kind", "scaletargetref_name"}, KubeStateMetrics, "1 for each HorizontalPodAutoscaler."},
	{HPAMaxReplicas, Gauge, "replicas", []string{"namespace", "horizontalpodautoscaler"}, KubeStateMetrics, "The most replicas that an HPA may ask for."},
	{HPAMinReplicas, Gauge, "replicas", []string{"namespace", "horizontalpodautoscaler"}, KubeStateMetrics, "The fewest replicas that an HPA may ask for; a scaler with actuation HPAMinReplicas raises it."},
	{HPACondition, Gauge, "", []string{"namespace", "horizontalpodautoscaler", "condition", "status"}, KubeStateMetrics, "1 for the status (true, false, unknown) that a condition of an HPA has, 0 for the others."},
	{HPACurrentReplicas, Gauge, "replicas", []string{"namespace", "horizontalpodautoscaler"}, KubeStateMetrics, "Replicas that an HPA saw at its last decision."},
	{HPADesiredReplicas, Gauge, "replicas", []string{"namespace", "horizontalpodautoscaler"}, KubeStateMetrics, "Replicas that an HPA last asked for."},
	{NodeInfo, Gauge, "", []string{"node"}, KubeStateMetrics, "1 for each node."},
	{NodeAllocatable, Gauge, "by label unit", []string{"node", "resource", "unit"}, KubeStateMetrics, "What the pods of a node may request in all."},
	{NodeCapacity, Gauge, "by label unit", []string{"node", "resource", "unit"}, KubeStateMetrics, "What a node has in all."},
	{NodeCondition, Gauge, "", []string{"node", "condition", "status"}, KubeStateMetrics, "1 for the status (true, false, unknown) that a condition of a node has, 0 for the others."},
	{PodLimits, Gauge, "by label unit", []string{"namespace", "pod", "container", "node", "resource", "unit"}, KubeStateMetrics, "Limits of a container. The label node is missing until the pod is on one."},
	{PodRequests, Gauge, "by label unit", []string{"namespace", "pod", "container", "node", "resource", "unit"}, KubeStateMetrics, "Requests of a container. The label node is missing until the pod is on one."},
	{PodRestarts, Counter, "", []string{"namespace", "pod", "container"}, KubeStateMetrics, "Restarts of a container."},
	{PodCreated, Gauge, "seconds since 1970", []string{"namespace", "pod"}, KubeStateMetrics, "When a pod was created."},
	{PodInfo, Gauge, "", []string{"namespace", "pod", "node", "created_by_kind", "created_by_name"}, KubeStateMetrics, "1 for each pod. The label node is missing until the pod is on one."},
	{PodStartTime, Gauge, "seconds since 1970", []string{"namespace", "pod"}, KubeStateMetrics, "When a node accepted a pod."},
	{PodPhase, Gauge, "", []string{"namespace", "pod", "phase"}, KubeStateMetrics, "1 for the phase that a pod is in, 0 for the others."},
	{PodReady, Gauge, "", []string{"namespace", "pod", "condition"}, KubeStateMetrics, "1 for the status (true, false, unknown) that the condition Ready of a pod has, 0 for the others."},
	{PodReadyTime, Gauge, "seconds since 1970", []string{"namespace", "pod"}, KubeStateMetrics, "When a pod became ready."},
	{PodScheduled, Gauge, "", []string{"namespace", "pod", "condition"}, KubeStateMetrics, "1 for the status (true, false, unknown) that the condition PodScheduled of a pod has, 0 for the others."},
	{PodScheduledTime, Gauge, "seconds since 1970", []string{"namespace", "pod"}, KubeStateMetrics, "When a pod was given a node."},
}
