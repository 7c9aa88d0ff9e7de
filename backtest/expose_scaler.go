package backtest

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/policy"
	"hindcast.dev/promdb"
)

// A watcher keeps what a loop did, for the series of what it runs.
type watcher struct {
	last        autoscaler.Step // the newest, and
	judged      autoscaler.Step // the newest that was not skipped; its Now is zero: none yet
	asked       int32           // replicas of the last decision that was not refused
	reasons     map[string]int
	queryErrors map[string]int
	scaleErrors int
	decisions   int
}

func newWatcher() *watcher { return &watcher{reasons: map[string]int{}, queryErrors: map[string]int{}} }

// Record takes note of a step. What a step holds the loop uses again in the next one, not before.
func (w *watcher) Record(s autoscaler.Step) {
	w.last = s
	if s.Err != nil {
		w.scaleErrors++
	} else {
		w.asked = s.Decision.Replicas
	}
	w.decisions++
	// A reason is a word and an explanation.
	reason, _, _ := strings.Cut(s.Decision.Reason, ":")
	w.reasons[reason]++
	if s.Skipped {
		return
	}
	w.judged = s
	for _, v := range s.Input.Values {
		if v.Err != nil {
			w.queryErrors[v.Name]++
		}
	}
}

// sourcesOf are those of a metric.
func (w *watcher) sourcesOf(metric int) autoscaler.Sources {
	if metric >= len(w.judged.Sources) {
		return autoscaler.Sources{Count: math.NaN(), Expected: math.NaN()}
	}
	return w.judged.Sources[metric]
}

// known is v once there was a decision.
func (w *watcher) known(v func() float64) func() float64 {
	return func() float64 {
		if w.judged.Input.Now.IsZero() {
			return math.NaN()
		}
		return v()
	}
}

// watchers are told of every step of the loops of a run; nil: nobody is.
type watchers struct {
	policy, hpa *watcher // the policy's loop, and that of the HPA whose floor it raises
}

// recorders tell several of each step.
type recorders []autoscaler.Recorder

func (r recorders) Record(s autoscaler.Step) {
	for _, one := range r {
		one.Record(s)
	}
}

// addControllers adds what a cluster shows of an HPA, and what hindcast shows of a
// scaler, where the setup has them.
func (e *exposer) addControllers(set setup) (*watchers, error) {
	watched := &watchers{}
	first := len(e.fixed)
	if h, ok := set.policy.(*policy.HPA); ok {
		watched.policy = newWatcher()
		if err := e.addHPA(h, watched.policy); err != nil {
			return nil, err
		}
	}
	if set.hpa != nil {
		watched.hpa = newWatcher()
		if err := e.addHPA(set.hpa, watched.hpa); err != nil {
			return nil, err
		}
	}
	if v, ok := set.policy.(*policy.V3); ok {
		watched.policy = newWatcher()
		if err := e.addScaler(v, watched.policy); err != nil {
			return nil, err
		}
	}
	for _, s := range e.fixed[first:] {
		if len(s.gauges) > 0 {
			return watched, nil
		}
	}
	return &watchers{}, nil // nobody looks
}

func (e *exposer) addHPA(h *policy.HPA, w *watcher) error {
	a := e.newSet(metricnames.JobKubeStateMetrics, label("namespace", e.namespace), label("horizontalpodautoscaler", e.app))
	a.add(metricnames.HPAInfo, func() float64 { return 1 }, label("scaletargetref_kind", "Deployment"), label("scaletargetref_name", e.app))
	a.add(metricnames.HPAMinReplicas, func() float64 { return float64(h.MinReplicas()) })
	a.add(metricnames.HPAMaxReplicas, func() float64 { return float64(h.MaxReplicas()) })
	a.add(metricnames.HPACurrentReplicas, w.known(func() float64 { return float64(w.judged.Input.Status) }))
	// The controller leaves the number in its status alone where it could not change the scale.
	a.add(metricnames.HPADesiredReplicas, w.known(func() float64 { return float64(w.asked) }))
	for _, c := range []struct {
		name string
		read func() policy.HPACondition
	}{
		{"AbleToScale", func() policy.HPACondition {
			c := h.Conditions().AbleToScale
			if w.last.Err != nil {
				c = policy.HPACondition{Reason: "FailedUpdateScale"} // or FailedGetScale; not shown
			}
			return c
		}},
		{"ScalingActive", func() policy.HPACondition { return h.Conditions().ScalingActive }},
		{"ScalingLimited", func() policy.HPACondition { return h.Conditions().ScalingLimited }},
	} {
		a.addOneOf(metricnames.HPACondition, "status", conditionStates, func() string {
			if c.read().Reason == "" {
				return ""
			}
			return conditionState(c.read().True)
		}, label("condition", c.name))
	}
	return a.err
}

// forecastLevels are the quantiles of forecasts that are shown, beside the one in use.
var forecastLevels = []float64{0.5, 0.8, 0.95}

// decisionBounds are the bucket bounds of metricnames.ScalerDecisionDuration, in
// seconds.
var decisionBounds = []float64{0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10}

func (e *exposer) addScaler(v *policy.V3, w *watcher) error {
	up := e.newSet("")
	if err := e.addUp(up.set, &seriesSet{job: metricnames.JobScaler}, metricnames.JobScaler, metricnames.JobScaler); err != nil {
		return err
	}
	a := e.newSet(metricnames.JobScaler, label("namespace", e.namespace), label("scaler", e.app))
	fewest, most := v.Bounds()
	a.add(metricnames.ScalerMin, func() float64 { return float64(fewest) })
	a.add(metricnames.ScalerMax, func() float64 { return float64(most) })
	a.add(metricnames.ScalerCurrent, w.known(func() float64 { return float64(w.judged.Input.Status) }))
	a.add(metricnames.ScalerDesired, w.known(func() float64 { return float64(w.judged.Decision.Replicas) }))
	a.add(metricnames.ScalerScaleErrors, func() float64 { return float64(w.scaleErrors) })
	a.addOneOf(metricnames.ScalerMode, "mode", []string{string(v1alpha1.ModeActive), string(v1alpha1.ModeShadow), string(v1alpha1.ModePaused)},
		func() string { return string(v1alpha1.ModeActive) })
	decisions := func() float64 { return float64(w.decisions) }
	for _, le := range decisionBounds {
		a.add(metricnames.ScalerDecisionDuration+metricnames.Bucket, decisions, label("le", bound(le)))
	}
	a.add(metricnames.ScalerDecisionDuration+metricnames.Bucket, decisions, label("le", "+Inf"))
	a.add(metricnames.ScalerDecisionDuration+metricnames.Count, decisions)
	a.add(metricnames.ScalerDecisionDuration+metricnames.Sum, func() float64 { return 0 })
	a.addOutlooks(v, w)
	a.addReasons(w)
	return a.err
}

// addOutlooks adds what the scaler knows of each metric.
func (a *adder) addOutlooks(v *policy.V3, w *watcher) {
	var now []policy.V3Status
	demotions := func() (n float64) {
		for i := range now {
			n += float64(now[i].Demotions)
		}
		return n
	}
	stale := func() float64 {
		for i := range now {
			if now[i].Stale || w.sourcesOf(i).Missing {
				return 1
			}
		}
		return 0
	}
	a.addCondition(w, v1alpha1.ConditionActive, func() autoscaler.Condition { return autoscaler.Condition{Reason: v1alpha1.ReasonRunning} }, v1alpha1.ReasonRunning)
	a.addCondition(w, v1alpha1.ConditionAbleToScale, func() autoscaler.Condition { return autoscaler.AbleToScale(w.last.Skipped, w.last.Err) },
		v1alpha1.ReasonReadyForNewScale, v1alpha1.ReasonFailedGetScale, v1alpha1.ReasonFailedUpdateScale)
	a.addCondition(w, v1alpha1.ConditionFresh, func() autoscaler.Condition { return autoscaler.Fresh(&w.judged, now, v.StaleAfter()) },
		v1alpha1.ReasonCurrent, v1alpha1.ReasonSeriesMissing, v1alpha1.ReasonNoCurrentData)
	a.addCondition(w, v1alpha1.ConditionTrusted, func() autoscaler.Condition { return autoscaler.Trusted(now) },
		v1alpha1.ReasonSkilled, v1alpha1.ReasonLearning, v1alpha1.ReasonDemoted)
	levels := forecastLevels
	if !slices.Contains(levels, v.Quantile()) {
		levels = append(slices.Clone(levels), v.Quantile())
	}
	before := len(a.set.gauges)
	a.add(metricnames.ScalerDemotions, demotions)
	a.add(metricnames.ScalerStale, w.known(stale))
	now = v.Status(nil, a.world.Now())
	for i, s := range now {
		metric := label("metric", s.Metric)
		a.add(metricnames.ScalerObserved, func() float64 { return now[i].Observed }, metric)
		a.add(metricnames.ScalerQueryErrors, func() float64 { return float64(w.queryErrors[s.Metric]) }, metric)
		a.add(metricnames.ScalerSources, func() float64 { return w.sourcesOf(i).Count }, metric)
		a.add(metricnames.ScalerSourcesExpected, func() float64 { return w.sourcesOf(i).Expected }, metric)
		a.add(metricnames.ScalerSkill, func() float64 { return now[i].Skill }, metric)
		for j, h := range s.Horizons {
			horizon := label("horizon", promdb.FormatDuration(h.Horizon))
			a.add(metricnames.ScalerAccuracy, func() float64 { return now[i].Horizons[j].Accuracy }, metric, horizon)
			for _, q := range levels {
				a.add(metricnames.ScalerForecast, func() float64 { return now[i].Horizons[j].Upper(q) },
					metric, horizon, label("quantile", strconv.FormatFloat(q, 'g', 6, 64)))
			}
		}
	}
	if len(a.set.gauges) > before {
		a.before = append(a.before, func(time.Time) {
			if at := w.judged.Input.Now; !at.IsZero() {
				now = v.Status(now[:0], at)
			}
		})
	}
}

// addCondition adds what a condition of the scaler's status says, once there was a decision: it is true for the
// first reason, and false for the others.
func (a *adder) addCondition(w *watcher, kind string, says func() autoscaler.Condition, reasons ...string) {
	for i, reason := range reasons {
		a.add(metricnames.ScalerCondition, w.known(func() float64 {
			if says().Reason != reason {
				return math.NaN()
			}
			return 1
		}), label("condition", kind), label("status", conditionState(i == 0)), label("reason", reason))
	}
}

// addReasons adds a counter for each reason, from 0: increases of one that is first seen at 1 lack its first.
func (a *adder) addReasons(w *watcher) {
	for _, reason := range append(policy.V3Reasons(), v1alpha1.ReasonFailedGetScale) {
		a.add(metricnames.ScalerDecisions, func() float64 { return float64(w.reasons[reason]) }, label("reason", reason))
	}
}
