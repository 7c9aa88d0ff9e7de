package live

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/policy"
)

// forecastLevels are the quantiles of forecasts that are shown, beside the one in use;
// the simulated world shows the same.
var forecastLevels = []float64{0.5, 0.8, 0.95}

// metrics are what the controller exposes of its scalers.
type metrics struct {
	accuracy, current, desired, forecast, fewest, most, mode, observed, skill, stale, sources, expected *prometheus.GaugeVec

	decisions, demotions, queryErrors, restarts, scaleErrors, replicaSeconds, shortSeconds *prometheus.CounterVec
	duration                                                                               *prometheus.HistogramVec

	condition *prometheus.GaugeVec
	mu        sync.Mutex
	shown     map[conditionKey]metav1.Condition // what condition shows
}

// A conditionKey is one condition of one scaler.
type conditionKey struct{ namespace, scaler, kind string }

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)
	gauge := func(name string) *prometheus.GaugeVec {
		m := described(name)
		return factory.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: m.Help}, m.Labels)
	}
	counter := func(name string) *prometheus.CounterVec {
		m := described(name)
		return factory.NewCounterVec(prometheus.CounterOpts{Name: name, Help: m.Help}, m.Labels)
	}
	duration := described(metricnames.ScalerDecisionDuration)
	return &metrics{
		accuracy: gauge(metricnames.ScalerAccuracy),
		current:  gauge(metricnames.ScalerCurrent),
		desired:  gauge(metricnames.ScalerDesired),
		forecast: gauge(metricnames.ScalerForecast),
		fewest:   gauge(metricnames.ScalerMin),
		most:     gauge(metricnames.ScalerMax),
		mode:     gauge(metricnames.ScalerMode),
		observed: gauge(metricnames.ScalerObserved),
		skill:    gauge(metricnames.ScalerSkill),
		stale:    gauge(metricnames.ScalerStale),
		sources:  gauge(metricnames.ScalerSources),
		expected: gauge(metricnames.ScalerSourcesExpected),

		condition: gauge(metricnames.ScalerCondition),
		shown:     map[conditionKey]metav1.Condition{},

		decisions:      counter(metricnames.ScalerDecisions),
		demotions:      counter(metricnames.ScalerDemotions),
		queryErrors:    counter(metricnames.ScalerQueryErrors),
		restarts:       counter(metricnames.ScalerRestarts),
		scaleErrors:    counter(metricnames.ScalerScaleErrors),
		replicaSeconds: counter(metricnames.ScalerReplicaSeconds),
		shortSeconds:   counter(metricnames.ScalerShortSeconds),
		duration: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: metricnames.ScalerDecisionDuration, Help: duration.Help,
			Buckets: []float64{0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10},
		}, duration.Labels),
	}
}

// described returns the entry of a metric in the list of names.
func described(name string) metricnames.Metric {
	for _, m := range metricnames.All() {
		if m.Name == name {
			return m
		}
	}
	panic("live: metric " + name + " is not in the list of names")
}

// rest removes what a scaler said last, as nothing says it any more: its loop ended, or
// begins anew with other metrics and horizons. A gauge that stays would pass for news.
func (m *metrics) rest(namespace, name string) {
	labels := prometheus.Labels{"namespace": namespace, "scaler": name}
	for _, g := range []*prometheus.GaugeVec{m.accuracy, m.current, m.desired, m.forecast, m.fewest, m.most, m.observed, m.skill, m.stale, m.sources, m.expected} {
		g.DeletePartialMatch(labels)
	}
}

// forget removes the series of a scaler that is gone.
func (m *metrics) forget(namespace, name string) {
	m.rest(namespace, name)
	labels := prometheus.Labels{"namespace": namespace, "scaler": name}
	m.mode.DeletePartialMatch(labels)
	for _, c := range []*prometheus.CounterVec{m.decisions, m.demotions, m.queryErrors, m.restarts, m.scaleErrors, m.replicaSeconds, m.shortSeconds} {
		c.DeletePartialMatch(labels)
	}
	m.duration.DeletePartialMatch(labels)
	m.conditions(namespace, name, nil)
}

// conditions shows the conditions of a status. There is one sample for each, so that what
// a condition said before is over with the next scrape.
func (m *metrics) conditions(namespace, name string, all []metav1.Condition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, kind := range []string{v1alpha1.ConditionActive, v1alpha1.ConditionFresh, v1alpha1.ConditionTrusted, v1alpha1.ConditionAbleToScale} {
		key := conditionKey{namespace, name, kind}
		before, seen := m.shown[key]
		now := meta.FindStatusCondition(all, kind)
		if seen && now != nil && now.Status == before.Status && now.Reason == before.Reason {
			continue
		}
		if seen {
			m.condition.DeleteLabelValues(namespace, name, kind, strings.ToLower(string(before.Status)), before.Reason)
			delete(m.shown, key)
		}
		if now != nil {
			m.condition.WithLabelValues(namespace, name, kind, strings.ToLower(string(now.Status)), now.Reason).Set(1)
			m.shown[key] = *now
		}
	}
}

// Why the loop of a scaler may begin anew.
const (
	restartJump  = "ClockJumped"
	restartWarm  = "WarmingUp"
	restartError = "Failed"
)

// begins notes that a loop begins, for the first time where reason is empty.
func (m *metrics) begins(namespace, name, reason string) {
	// A counter that is first seen at 1 lacks its first in every increase.
	for _, decided := range append(policy.V3Reasons(), v1alpha1.ReasonFailedGetScale) {
		m.decisions.WithLabelValues(namespace, name, decided)
	}
	m.scaleErrors.WithLabelValues(namespace, name)
	for _, known := range []string{restartJump, restartWarm, restartError} {
		n := m.restarts.WithLabelValues(namespace, name, known)
		if known == reason {
			n.Inc()
		}
	}
}

func (m *metrics) setMode(namespace, name string, mode v1alpha1.Mode) {
	for _, other := range []v1alpha1.Mode{v1alpha1.ModeActive, v1alpha1.ModeShadow, v1alpha1.ModePaused} {
		m.mode.WithLabelValues(namespace, name, string(other)).Set(oneIf(other == mode))
	}
}

// step notes one decision.
func (m *metrics) step(namespace, name string, s autoscaler.Step, took time.Duration) {
	m.duration.WithLabelValues(namespace, name).Observe(took.Seconds())
	m.decisions.WithLabelValues(namespace, name, constantReason(s.Decision.Reason)).Inc()
	// A counter that is 0 is there: none is no data.
	scaleErrors := m.scaleErrors.WithLabelValues(namespace, name)
	if s.Err != nil {
		scaleErrors.Inc()
	}
	if s.Skipped {
		return
	}
	m.current.WithLabelValues(namespace, name).Set(float64(s.Input.Status))
	m.desired.WithLabelValues(namespace, name).Set(float64(s.Decision.Replicas))
	for _, v := range s.Input.Values {
		c := m.queryErrors.WithLabelValues(namespace, name, v.Name)
		if v.Err != nil {
			c.Inc()
		}
	}
}

// outlook shows what the policy knows of its metrics. A figure that is not known has no
// sample: it is never 0.
func (m *metrics) outlook(namespace, name string, all []policy.V3Status, sources []autoscaler.Sources, quantile float64, demotionsBefore map[string]int) {
	stale := false
	for i, s := range all {
		stale = stale || s.Stale
		if i < len(sources) {
			stale = stale || sources[i].Missing
			set(m.sources, sources[i].Count, namespace, name, s.Metric)
			set(m.expected, sources[i].Expected, namespace, name, s.Metric)
		}
		set(m.observed, s.Observed, namespace, name, s.Metric)
		set(m.skill, s.Skill, namespace, name, s.Metric)
		demotions := m.demotions.WithLabelValues(namespace, name)
		demotions.Add(float64(s.Demotions - demotionsBefore[s.Metric]))
		demotionsBefore[s.Metric] = s.Demotions
		for _, h := range s.Horizons {
			horizon := shortDuration(h.Horizon)
			set(m.accuracy, h.Accuracy, namespace, name, s.Metric, horizon)
			for _, q := range append(slices.Clone(forecastLevels), quantile) {
				set(m.forecast, h.Upper(q), namespace, name, s.Metric, horizon, strconv.FormatFloat(q, 'g', 6, 64))
			}
		}
	}
	m.stale.WithLabelValues(namespace, name).Set(oneIf(stale))
}

func set(g *prometheus.GaugeVec, v float64, labels ...string) {
	if math.IsNaN(v) {
		g.DeleteLabelValues(labels...)
		return
	}
	g.WithLabelValues(labels...).Set(v)
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// constantReason is the part of a reason that is one of a few words.
func constantReason(reason string) string {
	word, _, _ := strings.Cut(reason, ":")
	return word
}

// shortDuration writes 3m0s as 3m.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// shadow adds what one step adds to the sums of what ran and what would have.
func (m *metrics) shadow(namespace, name string, t tick) {
	for kind, h := range map[string]hours{"actual": t.actual, "decided": t.decided} {
		m.replicaSeconds.WithLabelValues(namespace, name, kind).Add(3600 * h.replicas)
		m.shortSeconds.WithLabelValues(namespace, name, kind).Add(3600 * h.short)
	}
}
