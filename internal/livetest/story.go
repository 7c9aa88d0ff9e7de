// Package livetest writes the samples that a controller at work would leave in a
// Prometheus, and counts beside them, by other means, what they say: for tests of what
// reads them. It imports nothing of ours, so that both cannot be wrong together.
package livetest

import (
	"math"
	"time"
)

// The turns of the loop and of the scrapes. Every scrape comes right after a decision or
// between two, so nothing is lost when a pod ends.
const (
	Every  = 30 * time.Second
	Scrape = 15 * time.Second
)

// A Story is what one scaler and its controllers went through. All functions are of time.
type Story struct {
	Namespace, Scaler string
	Start, End        time.Time
	Pods              []Pod // of the controller, none at the same time as another
	Unscraped         []Span
	Mode              func(time.Time) string
	Load              func(time.Time) float64 // of the metric requests
	Ran, Decided      func(time.Time) int
	PerReplica        float64
	Lead              time.Duration
	Quantiles         map[string]func(time.Time) float64 // forecasts of the highest load within Lead
	Accuracy, Skill   func(time.Time) float64
	Stale             func(time.Time) bool // no current data; such queries fail too
	Reason            func(time.Time) string
	Demoted           []time.Time
	// Endless leaves the series of a pod that ends without a marker of its end, as backfilled
	// and remotely written data may be.
	Endless bool
	// Labels are added to every series.
	Labels map[string]string
}

// A Pod is one life of a process. One that has a name again began anew.
type Pod struct {
	Name string
	Span
}

// A Span is a time from From up to but not including To.
type Span struct{ From, To time.Time }

func (s Span) holds(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Truth is what became of the story, counted decision by decision.
type Truth struct {
	ReplicaSeconds, DecidedReplicaSeconds map[string]float64 // by mode
	ShortSeconds, DecidedShortSeconds     map[string]float64
	Reasons                               map[string]float64
	Failed, Demotions                     float64
	Decisions                             []time.Time // those that were seen
}

// Emit takes a sample; NaN ends the series.
type Emit func(name string, labels map[string]string, at time.Time, v float64) error

// Write emits all samples in the order of time and returns the truth of (from, to].
func (s Story) Write(from, to time.Time, emit Emit) (Truth, error) {
	truth := Truth{map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}, 0, 0, nil}
	var w *writer
	var pod Pod
	for at := s.Start; at.Before(s.End); at = at.Add(Scrape) {
		if w != nil && !pod.holds(at) {
			if err := w.end(at, s.Endless); err != nil {
				return truth, err
			}
			w = nil
		}
		for _, p := range s.Pods {
			if w == nil && p.holds(at) {
				pod = p
				w = &writer{story: &s, emit: emit, pod: p.Name, counters: map[string]*counter{}}
			}
		}
		if w == nil {
			continue
		}
		if at.Sub(s.Start)%Every == 0 {
			s.decide(w, at, at.After(from) && !at.After(to), &truth)
		}
		unscraped := false
		for _, u := range s.Unscraped {
			unscraped = unscraped || u.holds(at)
		}
		var err error
		switch {
		case !unscraped:
			err = w.scrape(at)
		case !w.ended:
			err = w.end(at, s.Endless)
		}
		if err != nil {
			return truth, err
		}
	}
	return truth, nil
}

// decide is one decision: it changes what the process shows, and the truth.
func (s *Story) decide(w *writer, at time.Time, counts bool, truth *Truth) {
	dt := 0.0
	if !w.last.IsZero() {
		dt = at.Sub(w.last).Seconds()
	}
	w.last = at
	mode, reason := s.Mode(at), s.Reason(at)
	ran, decided, needed := s.Ran(at), s.Decided(at), int(math.Ceil(s.Load(at)/s.PerReplica))
	add := func(name, kind string, v float64, to map[string]float64) {
		w.add(name, map[string]string{"kind": kind}, v)
		if counts {
			to[mode] += v
		}
	}
	add("hindcast_scaler_replica_seconds_total", "actual", dt*float64(ran), truth.ReplicaSeconds)
	add("hindcast_scaler_replica_seconds_total", "decided", dt*float64(decided), truth.DecidedReplicaSeconds)
	shortOf := func(n int) float64 {
		if n < needed && !s.Stale(at) {
			return dt
		}
		return 0
	}
	add("hindcast_scaler_short_seconds_total", "actual", shortOf(ran), truth.ShortSeconds)
	add("hindcast_scaler_short_seconds_total", "decided", shortOf(decided), truth.DecidedShortSeconds)
	w.add("hindcast_scaler_decisions_total", map[string]string{"reason": reason}, 1)
	w.add("hindcast_scaler_decision_duration_seconds_count", nil, 1)
	w.add("hindcast_scaler_decision_duration_seconds_sum", nil, 0.25)
	w.add("hindcast_scaler_scale_errors_total", nil, 0)
	w.add("hindcast_scaler_restarts_total", map[string]string{"reason": "ClockJumped"}, 0)
	failed, demotions := 0.0, 0.0
	if s.Stale(at) {
		failed = 1
	}
	for _, d := range s.Demoted {
		if d.Equal(at) {
			demotions++
		}
	}
	w.add("hindcast_scaler_query_errors_total", map[string]string{"metric": "requests"}, failed)
	w.add("hindcast_scaler_demotions_total", nil, demotions)
	if counts {
		truth.Reasons[reason]++
		truth.Failed += failed
		truth.Demotions += demotions
		truth.Decisions = append(truth.Decisions, at)
	}
	w.decided = at
}

// gauges are what the process shows of its last decision, NaN: nothing.
func (s *Story) gauges(at time.Time, set func(name string, labels map[string]string, v float64)) {
	for _, mode := range []string{"Active", "Paused", "Shadow"} {
		set("hindcast_scaler_mode", map[string]string{"mode": mode}, yes(s.Mode(at) == mode))
	}
	set("hindcast_scaler_desired_replicas", nil, float64(s.Decided(at)))
	set("hindcast_scaler_current_replicas", nil, float64(s.Ran(at)))
	set("hindcast_scaler_min_replicas", nil, 2)
	set("hindcast_scaler_max_replicas", nil, 40)
	set("hindcast_scaler_stale", nil, yes(s.Stale(at)))
	metric := func(more ...string) map[string]string {
		labels := map[string]string{"metric": "requests"}
		for i := 0; i < len(more); i += 2 {
			labels[more[i]] = more[i+1]
		}
		return labels
	}
	observed := s.Load(at)
	if s.Stale(at) {
		observed = math.NaN()
	}
	set("hindcast_scaler_observed", metric(), observed)
	set("hindcast_scaler_skill_ratio", metric(), s.Skill(at))
	horizon := label(s.Lead)
	set("hindcast_scaler_accuracy_ratio", metric("horizon", horizon), s.Accuracy(at))
	for q, value := range s.Quantiles {
		set("hindcast_scaler_forecast", metric("horizon", horizon, "quantile", q), value(at))
	}
}

// label writes whole minutes as the controller does: 3m.
func label(d time.Duration) string {
	text := d.String()
	return text[:len(text)-len("0s")]
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
