package autoscaler_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

// An intermittent world has a Prometheus that is away every couple of decisions and an API server
// that refuses some changes; it counts the changes that are carried out, up and down.
type intermittent struct {
	rng      *rand.Rand
	load     func(time.Time) float64
	now      time.Time
	end      time.Time
	left     int // decisions until Prometheus comes or goes
	away     bool
	replicas int32
	up, down int
	short    int // changes down to fewer than the load needs

	gone, refused int
}

func (w *intermittent) Now() time.Time { return w.now }

func (w *intermittent) WaitUntil(_ context.Context, t time.Time) error {
	if t.After(w.end) {
		return autoscaler.ErrEnd
	}
	w.now = t
	if w.left--; w.left <= 0 {
		w.away, w.left = !w.away, 1+w.rng.IntN(3)
	}
	return nil
}

func (w *intermittent) Query(_ context.Context, _ string, at time.Time) (float64, error) {
	switch {
	case !w.away:
		return w.load(at), nil
	case w.rng.IntN(2) == 0:
		w.gone++
		return 0, policy.ErrNoData
	}
	w.gone++
	return 0, errors.New("connection refused")
}

func (w *intermittent) QueryRange(context.Context, string, time.Time, time.Time, time.Duration) ([]float64, error) {
	return nil, errors.New("nobody asks for the past")
}

func (w *intermittent) Replicas(context.Context) (autoscaler.Replicas, error) {
	return autoscaler.Replicas{Spec: w.replicas, Status: w.replicas}, nil
}

func (w *intermittent) SetReplicas(_ context.Context, n int32) error {
	if w.rng.IntN(3) == 0 {
		w.refused++
		return errors.New("the object has been modified")
	}
	if n > w.replicas {
		w.up++
	} else {
		w.down++
		if float64(n)*10 < w.load(w.now) {
			w.short++
		}
	}
	w.replicas = n
	return nil
}

// Pods carry 10 requests/s each at 350 of the 500 mCPU that they request.
func (w *intermittent) Pods(_ context.Context, now time.Time) ([]policy.Pod, error) {
	old := now.Add(-time.Hour)
	each := int64(math.Min(w.load(now)/float64(w.replicas)/10*350, 500))
	pods := make([]policy.Pod, w.replicas)
	for i := range pods {
		pods[i] = policy.Pod{
			Name: fmt.Sprintf("shop-%d", i), Phase: policy.PodRunning, Ready: true, Started: old, ReadyChanged: old, RequestMilliCPU: 500,
			Sample: &policy.PodSample{MilliCPU: each, Time: now.Add(-5 * time.Second), Window: 15 * time.Second},
		}
	}
	return pods, nil
}

// TestNothingFlaps: Prometheus is away and back every one to three decisions, by an error or by no
// data, and the API server refuses a third of the changes, for three hours, under many seeds. On a load
// that does not change nothing is changed; on one that rises nothing goes down where `behavior: {}`
// gives the window of an HPA, and once at most, never to fewer than the load needs, where it is left
// out: the margin shrinks as the model learns the rise. In the end there is what the load needs.
func TestNothingFlaps(t *testing.T) {
	t.Parallel()
	window := &autoscalingv2.HorizontalPodAutoscalerBehavior{}
	for _, tc := range []struct {
		name  string
		ramp  bool
		known bool // the past, else an HPA on CPU decides
		rules *autoscalingv2.HorizontalPodAutoscalerBehavior
		down  int // changes down that a seed may have
	}{
		{"constant", false, true, window, 0},
		{"constant, no rules", false, true, nil, 0},
		{"constant, no past", false, false, window, 0},
		{"constant, no past, no rules", false, false, nil, 0},
		{"ramp", true, true, window, 0},
		{"ramp, no rules", true, true, nil, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			gone, refused, up, down := 0, 0, 0, 0
			const seeds = 40
			for seed := range uint64(seeds) {
				w := newIntermittent(seed, tc.ramp)
				began := w.replicas
				runIntermittent(t, w, tc.known, tc.rules)
				if !tc.ramp && w.up+w.down > 0 || w.down > tc.down || w.short > 0 {
					t.Errorf("seed %d: %d changes up, %d down, %d of them too far, from %d to %d replicas", seed, w.up, w.down, w.short, began, w.replicas)
				}
				if need := int32(math.Ceil(w.load(w.end.Add(-2*time.Minute)) / 10)); w.replicas < need {
					t.Errorf("seed %d: %d replicas in the end, the load needs %d", seed, w.replicas, need)
				}
				gone, refused, up, down = gone+w.gone, refused+w.refused, up+w.up, down+w.down
			}
			t.Logf("%d seeds: no data at %d decisions, %d changes refused, %d up, %d down", seeds, gone, refused, up, down)
			if gone < 60*seeds || tc.ramp && (refused < seeds || up < seeds) {
				t.Errorf("the world is too quiet")
			}
		})
	}
}

// newIntermittent is a world of 20 to 200 requests/s, which a ramp raises by 20 to 120 % in an hour.
func newIntermittent(seed uint64, ramp bool) *intermittent {
	rng := rand.New(rand.NewPCG(seed, 1))
	began, level, slope := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), 20+180*rng.Float64(), 0.
	if ramp {
		slope = 0.2 + rng.Float64()
	}
	return &intermittent{
		rng: rng, now: began, end: began.Add(3 * time.Hour), replicas: int32(math.Ceil(level / 10)),
		load: func(at time.Time) float64 { return level * (1 + slope*max(0, at.Sub(began).Hours())) },
	}
}

func runIntermittent(t *testing.T, w *intermittent, known bool, rules *autoscalingv2.HorizontalPodAutoscalerBehavior) {
	t.Helper()
	begin := &autoscaler.Start{
		Scaler: &v1alpha1.PredictiveScaler{Spec: v1alpha1.PredictiveScalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop"},
			MinReplicas:    new(int32(1)), MaxReplicas: 200, Mode: v1alpha1.ModeActive,
			Actuation: v1alpha1.Actuation{Type: v1alpha1.ActuationScale},
			Metrics:   []v1alpha1.Metric{{Name: "requests", Query: "sum(load)", Target: v1alpha1.MetricTarget{PerReplica: "10"}}},
			Forecast:  v1alpha1.ForecastSpec{Model: "ridge"},
			Behavior:  rules,
		}},
		RequestMilliCPU: 500, LeadSeconds: 120,
	}
	if known {
		_, _, step, err := begin.Needs()
		if err != nil {
			t.Fatal(err)
		}
		n := int(6 * time.Hour / step)
		from, past := w.now.Add(-time.Duration(n)*step), make([]float64, n)
		for i := range past {
			past[i] = w.load(from.Add(time.Duration(i) * step))
		}
		begin.History = autoscaler.NewHistory(from, step, [][]float64{past})
	}
	p, err := begin.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	loop, err := autoscaler.New(autoscaler.Config{Policy: p, Clock: w, Querier: w, Pods: w, Scaler: w, First: w.now.Add(time.Second)})
	if err == nil {
		err = loop.Run(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}
