package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
)

// recheckEvery is how often a scaler is looked at though nothing was seen to change:
// objects that are not watched may conflict with it.
const recheckEvery = 5 * time.Minute

// longestNote is what an event's note may hold, in bytes.
const longestNote = 1000

// A reconciler keeps a runner for each PredictiveScaler that may run.
type reconciler struct {
	cfg     Config
	client  client.Client // reads of objects are cached
	direct  client.Reader // reads are not
	scales  *scales
	events  events.EventRecorder
	metrics *metrics
	warmups chan struct{} // slots
	// newClock returns a clock for one life of a policy.
	newClock func() autoscaler.Clock

	mu      sync.Mutex
	ended   bool // the manager stops: nothing begins any more
	runners map[client.ObjectKey]*runner
}

// Add gives a manager the controller of PredictiveScalers. The scheme of the manager
// must know what Scheme knows.
func Add(mgr ctrl.Manager, cfg Config) error {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return err
	}
	scales, err := newScales(mgr)
	if err != nil {
		return err
	}
	c := &reconciler{
		cfg: cfg, client: mgr.GetClient(), direct: mgr.GetAPIReader(), scales: scales,
		events:   mgr.GetEventRecorder("hindcast"),
		metrics:  newMetrics(cfg.Registry),
		warmups:  make(chan struct{}, cfg.Warmups),
		newClock: cfg.clock,
		runners:  map[client.ObjectKey]*runner{},
	}
	gone := predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(event.UpdateEvent) bool { return false },
	}
	if err := mgr.Add(c); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("predictivescaler").
		For(&v1alpha1.PredictiveScaler{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		Watches(&v1alpha1.PredictiveScaler{}, handler.EnqueueRequestsFromMapFunc(c.rivals), builder.WithPredicates(gone)).
		Watches(&autoscalingv2.HorizontalPodAutoscaler{}, handler.EnqueueRequestsFromMapFunc(c.scalersOf), builder.WithPredicates(hpaChanged())).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4}).
		Complete(c)
}

// hpaChanged sees HPAs that come, go, or change their target, their owner or whose floor
// they have.
func hpaChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok1 := e.ObjectOld.(*autoscalingv2.HorizontalPodAutoscaler)
		after, ok2 := e.ObjectNew.(*autoscalingv2.HorizontalPodAutoscaler)
		return !ok1 || !ok2 || raisedBy(before) != raisedBy(after) || scaledObjectOf(before) != scaledObjectOf(after) ||
			!equality.Semantic.DeepEqual(before.Spec.ScaleTargetRef, after.Spec.ScaleTargetRef)
	}}
}

// rivals are the scalers with the target of one that is gone.
func (c *reconciler) rivals(ctx context.Context, o client.Object) []ctrl.Request {
	gone, ok := o.(*v1alpha1.PredictiveScaler)
	if !ok {
		return nil
	}
	return c.scalersWith(ctx, gone.Namespace, func(s *v1alpha1.PredictiveScaler) bool {
		return s.UID != gone.UID && sameTarget(s.Spec.ScaleTargetRef, gone.Spec.ScaleTargetRef)
	})
}

// scalersOf are those that an HPA concerns, and the one that raised its floor even where
// that is gone: somebody has to give the floor back.
func (c *reconciler) scalersOf(ctx context.Context, o client.Object) []ctrl.Request {
	hpa, ok := o.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return nil
	}
	requests := c.scalersWith(ctx, hpa.Namespace, func(s *v1alpha1.PredictiveScaler) bool {
		ref := s.Spec.Actuation.HPARef
		return ref != nil && ref.Name == hpa.Name || sameTarget(s.Spec.ScaleTargetRef, hpa.Spec.ScaleTargetRef)
	})
	if by := raisedBy(hpa); by != "" {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: hpa.Namespace, Name: by}})
	}
	return requests
}

func (c *reconciler) scalersWith(ctx context.Context, namespace string, wanted func(*v1alpha1.PredictiveScaler) bool) []ctrl.Request {
	list := &v1alpha1.PredictiveScalerList{}
	if err := c.client.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil // the regular look finds them
	}
	var requests []ctrl.Request
	for i := range list.Items {
		if wanted(&list.Items[i]) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	return requests
}

// Start blocks until the manager stops, and then until every runner has.
func (c *reconciler) Start(ctx context.Context) error {
	<-ctx.Done()
	c.mu.Lock()
	c.ended = true
	runners := slices.Collect(maps.Values(c.runners))
	c.mu.Unlock()
	for _, r := range runners {
		r.cancel() // all at once
	}
	for _, r := range runners {
		r.stop()
	}
	c.tellLast(context.WithoutCancel(ctx), runners)
	return nil
}

// What is known at the end is written within lastWords, by so many at once; a lease is given
// away only then.
const (
	lastWords     = 5 * time.Second
	lastWordsFrom = 10
)

// tellLast writes what the status of runners that ended does not say yet, first where it says
// something new: what a change was made from, the sums of a shadow.
func (c *reconciler) tellLast(ctx context.Context, runners []*runner) {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	news := slices.DeleteFunc(slices.Clone(runners), func(r *runner) bool { return !r.hasNews() })
	slots := make(chan struct{}, lastWordsFrom)
	var all sync.WaitGroup
	for _, r := range append(news, runners...) { // there is nothing to do a second time
		slots <- struct{}{}
		all.Go(func() {
			r.flush(ctx)
			<-slots
		})
	}
	all.Wait()
}

// Reconcile makes what runs agree with what one object says. It is level-based: it looks
// at the object as it is, not at what happened to it.
func (c *reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	s := &v1alpha1.PredictiveScaler{}
	if err := c.client.Get(ctx, req.NamespacedName, s); err != nil {
		if apierrors.IsNotFound(err) {
			c.stop(req.NamespacedName)
			c.metrics.forget(req.Namespace, req.Name)
			again, err := c.restoreOrphans(ctx, req.NamespacedName)
			return ctrl.Result{RequeueAfter: again}, errors.Join(err, c.forget(ctx, req.Namespace))
		}
		return ctrl.Result{}, err
	}
	s = s.DeepCopy()
	s.Default()
	if s.DeletionTimestamp != nil {
		return ctrl.Result{RequeueAfter: recheckEvery}, c.finish(ctx, s)
	}
	p, err := c.plan(ctx, s)
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := c.carryOut(ctx, s, p); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: recheckEvery}, nil
}

// forget drops what Prometheus keeps for a namespace once no scaler is left in it.
func (c *reconciler) forget(ctx context.Context, namespace string) error {
	left := &v1alpha1.PredictiveScalerList{}
	if err := c.client.List(ctx, left, client.InNamespace(namespace)); err != nil {
		return fmt.Errorf("list PredictiveScalers: %w", err)
	}
	if len(left.Items) == 0 {
		c.cfg.Prometheus.Forget(namespace)
	}
	return nil
}

// finish takes back what a scaler that is being deleted did, and lets it go.
func (c *reconciler) finish(ctx context.Context, s *v1alpha1.PredictiveScaler) error {
	c.stop(client.ObjectKeyFromObject(s))
	c.metrics.forget(s.Namespace, s.Name)
	// In a dry run the scaler stays until a controller may give the floor back: without it
	// nobody would.
	if kept, err := c.restoreFloors(ctx, s, ""); err != nil || kept != nil {
		return err
	}
	before := s.DeepCopy()
	if !controllerutil.RemoveFinalizer(s, v1alpha1.Finalizer) {
		return nil
	}
	return client.IgnoreNotFound(c.client.Patch(ctx, s, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), fieldOwner))
}

// A plan is what one object asks for, given what else there is.
type plan struct {
	run, active     bool // active: we carry the decisions out
	mode            v1alpha1.Mode
	reason, message string // of condition Active where it does not run, or may not act
}

func (c *reconciler) plan(ctx context.Context, s *v1alpha1.PredictiveScaler) (plan, error) {
	mode, why := effectiveMode(s, c.cfg.Mode)
	p := plan{mode: mode}
	if faults := faultsOf(s); faults != "" {
		p.reason, p.message = reasonInvalid, faults
		return p, nil
	}
	for i := range s.Spec.Metrics {
		if err := c.cfg.Prometheus.Check(s.Namespace, s.Spec.Metrics[i].Query); err != nil {
			p.reason, p.message = reasonQuery, fmt.Sprintf("spec.metrics[%d].query: %v", i, err)
			return p, nil
		}
	}
	if mode == v1alpha1.ModePaused {
		p.reason, p.message = reasonPaused, "Paused"
		if why != "" {
			p.message += ": " + why
		}
		return p, nil
	}
	p.run = true
	refused, err := findConflict(ctx, c.client, c.direct, s)
	if err != nil {
		return p, err
	}
	if refused != nil {
		p.reason, p.message = refused.reason, refused.message
		if mode == v1alpha1.ModeActive {
			p.message += "; until then it decides and records only"
		}
	}
	p.active = mode == v1alpha1.ModeActive && refused == nil && s.Spec.Actuation.Type != v1alpha1.ActuationExternal
	return p, nil
}

// faultsOf says what is wrong with an object, "" if nothing is. That is a plan, too, and no
// error of planning.
func faultsOf(s *v1alpha1.PredictiveScaler) string {
	if err := s.Validate(); err != nil {
		return err.Error()
	}
	return ""
}

// carryOut stops, starts or switches the runner of s, takes back floors that nobody wants
// any more and shows the plan in the status.
func (c *reconciler) carryOut(ctx context.Context, s *v1alpha1.PredictiveScaler, p plan) error {
	key := client.ObjectKeyFromObject(s)
	c.metrics.setMode(s.Namespace, s.Name, p.mode)
	c.mu.Lock()
	r := c.runners[key]
	c.mu.Unlock()
	// What is in force may have to go before the floor is given back. What it knows stays,
	// whether it could be written or not.
	var kept *v1alpha1.PredictiveScalerStatus
	if r != nil && (!p.run || r.object.Generation != s.Generation || r.object.UID != s.UID) {
		c.stop(key)
		c.metrics.rest(s.Namespace, s.Name)
		kept = new(r.snapshot())
		r = nil
	} else if r != nil && !p.active {
		r.setActive(false)
	}
	keep := ""
	if a := s.Spec.Actuation; p.active && a.Type == v1alpha1.ActuationHPAMinReplicas {
		keep = a.HPARef.Name
		before := s.DeepCopy()
		// A dry run raises no floor that somebody would have to give back.
		if !c.cfg.DryRun && controllerutil.AddFinalizer(s, v1alpha1.Finalizer) {
			if err := c.client.Patch(ctx, s, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), fieldOwner); err != nil {
				return fmt.Errorf("add finalizer: %w", err)
			}
			s.Default()
		}
	}
	raised, err := c.restoreFloors(ctx, s, keep)
	if err != nil {
		return err
	}
	fresh := r == nil
	if fresh {
		r = newRunner(c, s)
		if kept != nil {
			r.status = *kept
		}
	}
	r.update(ctx, func(st *v1alpha1.PredictiveScalerStatus) {
		st.ObservedGeneration, st.Mode = s.Generation, p.mode
		if raised != nil || st.Floor != nil && st.Floor.HPA != keep {
			st.Floor = raised
		}
		switch {
		case p.reason != "":
			if setCondition(st, s.Generation, time.Now(), v1alpha1.ConditionActive, false, p.reason, p.message) {
				r.conditionEvent(v1alpha1.ConditionActive, false, p.reason, p.message)
			}
		case r.refused && p.run:
			setCondition(st, s.Generation, time.Now(), v1alpha1.ConditionActive, true, v1alpha1.ReasonRunning, "Nothing is in the way any more")
		}
		r.refused = p.reason != ""
	})
	if !p.run {
		return nil
	}
	r.setActive(p.active)
	if fresh {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ended {
			return nil
		}
		c.runners[key] = r
		r.start()
	}
	return nil
}

// stop ends the runner of a scaler, if there is one.
func (c *reconciler) stop(key client.ObjectKey) {
	c.mu.Lock()
	r := c.runners[key]
	delete(c.runners, key)
	c.mu.Unlock()
	if r != nil {
		r.stop()
	}
}

func (c *reconciler) event(s *v1alpha1.PredictiveScaler, level, reason, note string) {
	c.eventOf(s, nil, level, reason, note)
}

// eventOf tells of what happened to a scaler and to another object, if any.
func (c *reconciler) eventOf(s *v1alpha1.PredictiveScaler, related runtime.Object, level, reason, note string) {
	if len(note) > longestNote {
		note = strings.ToValidUTF8(note[:longestNote], "") + "..."
	}
	c.events.Eventf(s, related, level, reason, "Scale", "%s", note)
}
