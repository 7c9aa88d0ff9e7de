package live

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/policy"
)

// podLister lists the pods of a workload from the cache, and their samples from the
// resource metrics API.
type podLister struct {
	cached, direct client.Reader
	namespace      string
	selector       labels.Selector
}

// Pods lists the pods in order of creation.
func (l *podLister) Pods(ctx context.Context, _ time.Time) ([]policy.Pod, error) {
	pods, err := listPods(ctx, l.cached, l.namespace, l.selector)
	if err != nil {
		return nil, err
	}
	metrics := &metricsv1beta1.PodMetricsList{}
	if err := l.direct.List(ctx, metrics, client.InNamespace(l.namespace), client.MatchingLabelsSelector{Selector: l.selector}); err != nil {
		return nil, fmt.Errorf("pod metrics: %w", err)
	}
	samples := make(map[string]*policy.PodSample, len(metrics.Items))
	for i := range metrics.Items {
		m := &metrics.Items[i]
		sample := &policy.PodSample{Time: m.Timestamp.Time, Window: m.Window.Duration}
		for j := range m.Containers {
			sample.MilliCPU += m.Containers[j].Usage.Cpu().MilliValue()
			sample.Bytes += m.Containers[j].Usage.Memory().Value()
		}
		samples[m.Name] = sample
	}
	out := make([]policy.Pod, len(pods))
	for i := range pods {
		out[i] = podOf(&pods[i])
		out[i].Sample = samples[pods[i].Name]
	}
	return out, nil
}

func listPods(ctx context.Context, r client.Reader, namespace string, selector labels.Selector) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := r.List(ctx, list, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, fmt.Errorf("pods: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return list.Items, nil
}

func podOf(p *corev1.Pod) policy.Pod {
	out := policy.Pod{Name: p.Name, Phase: policy.PodPending, Deleting: p.DeletionTimestamp != nil}
	switch p.Status.Phase {
	case corev1.PodRunning, corev1.PodSucceeded:
		out.Phase = policy.PodRunning
	case corev1.PodFailed:
		out.Phase = policy.PodFailed
	case corev1.PodPending, corev1.PodUnknown: // an HPA takes neither for running
	}
	if p.Status.StartTime != nil {
		out.Started = p.Status.StartTime.Time
	}
	if c := readyCondition(p); c != nil {
		out.Ready, out.ReadyChanged = c.Status == corev1.ConditionTrue, c.LastTransitionTime.Time
	}
	out.RequestMilliCPU, out.RequestBytes = requestsOf(p)
	return out
}

func readyCondition(p *corev1.Pod) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == corev1.PodReady {
			return c
		}
	}
	return nil
}

// requestsOf sums the requests of the containers, sidecars among them; as for an HPA, one
// container without a request leaves the pod without one.
func requestsOf(p *corev1.Pod) (milliCPU, bytes int64) {
	always := func(c corev1.Container) bool {
		return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	}
	containers := slices.Clone(p.Spec.Containers)
	for _, c := range p.Spec.InitContainers {
		if always(c) {
			containers = append(containers, c)
		}
	}
	noCPU, noMemory := false, false
	for i := range containers {
		cpu, memory := containers[i].Resources.Requests.Cpu(), containers[i].Resources.Requests.Memory()
		noCPU, noMemory = noCPU || cpu.IsZero(), noMemory || memory.IsZero()
		milliCPU += cpu.MilliValue()
		bytes += memory.Value()
	}
	if noCPU {
		milliCPU = 0
	}
	if noMemory {
		bytes = 0
	}
	return milliCPU, bytes
}

// A workload is what is known of the thing to scale beside its replicas.
type workload struct {
	selector        labels.Selector
	requestMilliCPU int64
	requestBytes    int64
	lead            time.Duration
	measured        bool // lead was measured on the pods
}

// readWorkload reads the selector off the scale subresource, and the rest off the pods.
func readWorkload(ctx context.Context, cached client.Reader, scales *scales, namespace string, ref autoscalingv2.CrossVersionObjectReference, lead time.Duration) (workload, error) {
	scale, err := scales.get(ctx, namespace, ref)
	if err != nil {
		return workload{}, err
	}
	w := workload{selector: labels.Nothing(), lead: lead}
	if scale.Status.Selector != "" {
		selector, err := labels.Parse(scale.Status.Selector)
		if err != nil {
			return workload{}, fmt.Errorf("selector of %s %s: %w", ref.Kind, ref.Name, err)
		}
		w.selector = selector
	}
	pods, err := listPods(ctx, cached, namespace, w.selector)
	if err != nil {
		return workload{}, err
	}
	for i := range slices.Backward(pods) {
		if pods[i].DeletionTimestamp == nil && pods[i].Status.Phase != corev1.PodFailed {
			w.requestMilliCPU, w.requestBytes = requestsOf(&pods[i])
			break
		}
	}
	if measured, ok := measureLead(pods); ok {
		w.lead, w.measured = measured, true
	}
	return w, nil
}

// longestStart bounds what counts as a start-up: a pod that became ready later did so
// after it had been ready before, or after something that has nothing to do with it.
const longestStart = 30 * time.Minute

// measureLead returns the 95th percentile of the time from creation to ready over the pods
// that never restarted.
func measureLead(pods []corev1.Pod) (lead time.Duration, ok bool) {
	var took []time.Duration
	for i := range pods {
		c := readyCondition(&pods[i])
		if c == nil || c.Status != corev1.ConditionTrue || restarted(&pods[i]) {
			continue
		}
		if d := c.LastTransitionTime.Sub(pods[i].CreationTimestamp.Time); d >= 0 && d <= longestStart {
			took = append(took, d)
		}
	}
	if len(took) == 0 {
		return 0, false
	}
	slices.Sort(took)
	return took[(len(took)*95-1)/100], true
}

func restarted(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.RestartCount > 0 })
}

// stripPod drops what nobody here reads, so that the cache of a large cluster stays small.
func stripPod(object any) (any, error) {
	p, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	p.ManagedFields, p.Annotations, p.OwnerReferences = nil, nil, nil
	p.Spec.Volumes, p.Spec.Tolerations, p.Spec.Affinity = nil, nil, nil
	for _, containers := range [][]corev1.Container{p.Spec.Containers, p.Spec.InitContainers} {
		for i := range containers {
			c := &containers[i]
			*c = corev1.Container{Name: c.Name, RestartPolicy: c.RestartPolicy, Resources: c.Resources}
		}
	}
	return p, nil
}
