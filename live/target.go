package live

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/scale"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
)

// fieldOwner is who changes things, in managedFields.
const fieldOwner = client.FieldOwner("hindcast")

// A target is what a scaler sets.
type target interface {
	autoscaler.Scaler
	// changed is the object that SetReplicas changed last, as it was right after that.
	changed() *corev1.ObjectReference
}

// scales reads and writes the scale subresource of workloads of any kind that has one.
type scales struct {
	getter scale.ScalesGetter
	mapper meta.RESTMapper
}

func newScales(mgr ctrl.Manager) (*scales, error) {
	d, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, err
	}
	getter, err := scale.NewForConfig(mgr.GetConfig(), mgr.GetRESTMapper(), dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(d))
	if err != nil {
		return nil, err
	}
	return &scales{getter, mgr.GetRESTMapper()}, nil
}

// resource is the resource that a reference names.
func (s *scales) resource(ref autoscalingv2.CrossVersionObjectReference) (schema.GroupResource, error) {
	gvk := gvkOf(ref)
	m, err := s.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return schema.GroupResource{}, err
	}
	return m.Resource.GroupResource(), nil
}

func (s *scales) get(ctx context.Context, namespace string, ref autoscalingv2.CrossVersionObjectReference) (*autoscalingv1.Scale, error) {
	resource, err := s.resource(ref)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", ref.Kind, ref.Name, err)
	}
	current, err := s.getter.Scales(namespace).Get(ctx, resource, ref.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("scale of %s %s: %w", ref.Kind, ref.Name, err)
	}
	return current, nil
}

// A scaleTarget is the scale subresource of one workload.
type scaleTarget struct {
	scales    *scales
	namespace string
	ref       autoscalingv2.CrossVersionObjectReference
	dryRun    bool
	// read is what was read last: a write is refused if somebody else wrote since.
	read *autoscalingv1.Scale
	// written is what the API server answered to the newest write.
	written *autoscalingv1.Scale
}

func (t *scaleTarget) changed() *corev1.ObjectReference {
	version, kind := gvkOf(t.ref).ToAPIVersionAndKind()
	return &corev1.ObjectReference{
		APIVersion: version, Kind: kind, Namespace: t.namespace, Name: t.ref.Name,
		UID: t.written.UID, ResourceVersion: t.written.ResourceVersion,
	}
}

func (t *scaleTarget) Replicas(ctx context.Context) (autoscaler.Replicas, error) {
	current, err := t.scales.get(ctx, t.namespace, t.ref)
	if err != nil {
		return autoscaler.Replicas{}, err
	}
	t.read = current
	return autoscaler.Replicas{Spec: current.Spec.Replicas, Status: current.Status.Replicas}, nil
}

func (t *scaleTarget) SetReplicas(ctx context.Context, n int32) error {
	next := t.read.DeepCopy() // its resourceVersion makes a lost update a conflict
	next.Spec.Replicas = n
	opts := metav1.UpdateOptions{FieldManager: string(fieldOwner)}
	if t.dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	resource, err := t.scales.resource(t.ref)
	if err == nil {
		next, err = t.scales.getter.Scales(t.namespace).Update(ctx, resource, next, opts)
	}
	if err != nil {
		return fmt.Errorf("scale of %s %s: %w", t.ref.Kind, t.ref.Name, err)
	}
	t.written = next
	if t.dryRun {
		return autoscaler.ErrDryRun
	}
	return nil
}

// gvkOf returns the kind that a reference names; without apiVersion it is one of apps/v1.
func gvkOf(ref autoscalingv2.CrossVersionObjectReference) schema.GroupVersionKind {
	version := ref.APIVersion
	if version == "" {
		version = "apps/v1"
	}
	return schema.FromAPIVersionAndKind(version, ref.Kind)
}

// A floorTarget is the minReplicas of an HPA. The HPA's own value is written down on it
// in the same update that raises it for the first time.
type floorTarget struct {
	client client.Client
	scaler client.ObjectKey
	hpa    client.ObjectKey
	dryRun bool
	// read is the HPA as read last, written what the API server answered to the newest patch.
	read, written *autoscalingv2.HorizontalPodAutoscaler
}

func (t *floorTarget) changed() *corev1.ObjectReference {
	version, kind := autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler").ToAPIVersionAndKind()
	return &corev1.ObjectReference{
		APIVersion: version, Kind: kind, Namespace: t.hpa.Namespace, Name: t.hpa.Name,
		UID: t.written.UID, ResourceVersion: t.written.ResourceVersion,
	}
}

// foreignChange is an HPA whose minReplicas is not what was written last: somebody else
// wants to decide it.
type foreignChange struct{ set, found int32 }

func (e *foreignChange) Error() string {
	return fmt.Sprintf("somebody changed minReplicas from %d to %d", e.set, e.found)
}

func (t *floorTarget) Replicas(ctx context.Context) (autoscaler.Replicas, error) {
	hpa := &autoscalingv2.HorizontalPodAutoscaler{}
	if err := t.client.Get(ctx, t.hpa, hpa); err != nil {
		return autoscaler.Replicas{}, fmt.Errorf("HorizontalPodAutoscaler %s: %w", t.hpa.Name, err)
	}
	t.read = hpa
	if err := foreign(hpa, t.scaler.Name); err != nil {
		return autoscaler.Replicas{}, fmt.Errorf("HorizontalPodAutoscaler %s: %w", t.hpa.Name, err)
	}
	return autoscaler.Replicas{
		Spec: minReplicas(hpa), Status: hpa.Status.CurrentReplicas,
		// Never below what the owner of the HPA asked for, nor above its maximum.
		Bounds: autoscaler.Bounds{Least: originalFloor(hpa), Most: hpa.Spec.MaxReplicas},
	}, nil
}

func (t *floorTarget) SetReplicas(ctx context.Context, n int32) error {
	next := t.read.DeepCopy()
	if next.Annotations == nil {
		next.Annotations = map[string]string{}
	}
	next.Annotations[v1alpha1.AnnotationScaler] = t.scaler.Name
	next.Annotations[v1alpha1.AnnotationOriginal] = strconv.Itoa(int(originalFloor(t.read)))
	next.Annotations[v1alpha1.AnnotationFloor] = strconv.Itoa(int(n))
	next.Spec.MinReplicas = &n
	opts := []client.PatchOption{fieldOwner}
	if t.dryRun {
		opts = append(opts, client.DryRunAll)
	}
	patch := client.MergeFromWithOptions(t.read, client.MergeFromWithOptimisticLock{})
	if err := t.client.Patch(ctx, next, patch, opts...); err != nil {
		return fmt.Errorf("minReplicas of HorizontalPodAutoscaler %s: %w", t.hpa.Name, err)
	}
	t.written = next
	if t.dryRun {
		return autoscaler.ErrDryRun
	}
	return nil
}

// minReplicas is the lower bound in force.
func minReplicas(hpa *autoscalingv2.HorizontalPodAutoscaler) int32 {
	if hpa.Spec.MinReplicas == nil {
		return 1
	}
	return *hpa.Spec.MinReplicas
}

// originalFloor is the minReplicas that the owner of an HPA gave it.
func originalFloor(hpa *autoscalingv2.HorizontalPodAutoscaler) int32 {
	if n, err := strconv.ParseInt(hpa.Annotations[v1alpha1.AnnotationOriginal], 10, 32); err == nil {
		return int32(n)
	}
	return minReplicas(hpa)
}

// raisedBy is the scaler whose floor an HPA has, "" where it has its own.
func raisedBy(hpa *autoscalingv2.HorizontalPodAutoscaler) string {
	return hpa.Annotations[v1alpha1.AnnotationScaler]
}

// foreign returns an error where an HPA's minReplicas is not what a scaler left there.
func foreign(hpa *autoscalingv2.HorizontalPodAutoscaler, scaler string) error {
	if raisedBy(hpa) != scaler {
		return nil
	}
	set, err := strconv.ParseInt(hpa.Annotations[v1alpha1.AnnotationFloor], 10, 32)
	if found := minReplicas(hpa); err == nil && int32(set) != found {
		return &foreignChange{int32(set), found}
	}
	return nil
}

// restore gives an HPA its own minReplicas back, and its fields to their owner, and returns
// that number. What somebody else set in the meantime is its own and stays.
//
// It takes two writes, as the first one makes the restored value ours in managedFields,
// where it would stand in the way of an owner who applies another one. Between them the
// annotations still say whose floor it is, so that what failed half-way is done again.
func restore(ctx context.Context, c client.Client, hpa *autoscalingv2.HorizontalPodAutoscaler, dryRun bool) (int32, error) {
	next := hpa.DeepCopy()
	if foreign(hpa, raisedBy(hpa)) == nil {
		n := originalFloor(hpa)
		next.Spec.MinReplicas = &n
		next.Annotations[v1alpha1.AnnotationFloor] = strconv.Itoa(int(n))
	}
	opts := []client.PatchOption{fieldOwner}
	if dryRun {
		opts = append(opts, client.DryRunAll)
	}
	locked := client.MergeFromWithOptimisticLock{}
	if err := c.Patch(ctx, next, client.MergeFromWithOptions(hpa, locked), opts...); err != nil {
		return 0, fmt.Errorf("restore minReplicas of HorizontalPodAutoscaler %s: %w", hpa.Name, err)
	}
	own := minReplicas(next)
	if dryRun {
		return own, nil
	}
	// Unlike what is read from the cache, the answer to the patch has managedFields.
	written := next.DeepCopy()
	for _, a := range []string{v1alpha1.AnnotationScaler, v1alpha1.AnnotationOriginal, v1alpha1.AnnotationFloor} {
		delete(next.Annotations, a)
	}
	next.ManagedFields = slices.DeleteFunc(next.ManagedFields, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == string(fieldOwner)
	})
	if err := c.Patch(ctx, next, client.MergeFromWithOptions(written, locked), opts...); err != nil {
		return 0, fmt.Errorf("give up HorizontalPodAutoscaler %s: %w", hpa.Name, err)
	}
	return own, nil
}
