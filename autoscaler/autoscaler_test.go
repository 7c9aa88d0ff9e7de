package autoscaler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

func newLoop(t *testing.T, cfg autoscaler.Config) *autoscaler.Loop {
	t.Helper()
	if cfg.First.IsZero() {
		cfg.First = start
	}
	loop, err := autoscaler.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return loop
}

// TestNewListsAllFaults: a wiring with several holes is told about all of them.
func TestNewListsAllFaults(t *testing.T) {
	hungry := &fakePolicy{needs: policy.Needs{Pods: true, Queries: []policy.Query{{Name: "load", Expr: "load"}}}}
	tests := []struct {
		name string
		cfg  autoscaler.Config
		want []string
	}{
		{"nothing", autoscaler.Config{}, []string{"no policy", "no clock", "no scaler"}},
		{"a policy only", autoscaler.Config{Policy: hungry}, []string{
			"no clock", "no scaler", "interval of the policy is 0s", "no querier", "no pod lister",
		}},
		{"no clock", autoscaler.Config{Policy: wish(1), Scaler: &fakeScaler{}}, []string{"no clock"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loop, err := autoscaler.New(tt.cfg)
			if loop != nil || err == nil {
				t.Fatalf("New returned %v, %v", loop, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(lines), len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], "autoscaler: ") || !strings.Contains(lines[i], want) {
					t.Errorf("fault %q, want one of %q", lines[i], want)
				}
			}
		})
	}
}

// TestRunFollowsItsGrid: one decision an interval from First on, whatever First is,
// and the end of the replay is no error.
func TestRunFollowsItsGrid(t *testing.T) {
	clock := &fakeClock{now: after(-100), end: after(125)}
	var seen tape
	loop := newLoop(t, autoscaler.Config{Policy: wish(3), Clock: clock, Scaler: &fakeScaler{spec: 1}, Recorder: &seen, First: after(5)})
	if err := loop.Run(t.Context()); err != nil {
		t.Fatalf("the end of a replay: %v", err)
	}
	if diff := cmp.Diff([]int{5, 35, 65, 95, 125}, seen.times()); diff != "" {
		t.Error(diff)
	}
	if loop.Interval() != 30*time.Second {
		t.Errorf("interval %v", loop.Interval())
	}
}

// TestRunLeavesOutWhatPassed: a step that takes longer than the interval is followed
// by one late decision, not by one for each instant that passed, and then by the grid.
func TestRunLeavesOutWhatPassed(t *testing.T) {
	tests := []struct {
		name string
		busy map[int]int // seconds that the step at that second takes
		want []int
	}{
		{"in time", map[int]int{0: 29}, []int{0, 30, 60, 90, 120, 150}},
		{"exactly one interval", map[int]int{30: 30}, []int{0, 30, 60, 90, 120, 150}},
		{"a little over one", map[int]int{30: 31}, []int{0, 30, 61, 90, 120, 150}},
		{"two and a half", map[int]int{30: 75}, []int{0, 30, 105, 120, 150}},
		{"exactly three", map[int]int{30: 90}, []int{0, 30, 120, 150}},
		{"twice", map[int]int{0: 50, 50: 20}, []int{0, 50, 70, 90, 120, 150}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clock := &fakeClock{now: start, end: after(150)}
			var seen tape
			scaler := &fakeScaler{spec: 3}
			scaler.onRead = func() {
				at := int(clock.now.Sub(start) / time.Second)
				clock.now = clock.now.Add(time.Duration(tt.busy[at]) * time.Second)
			}
			loop := newLoop(t, autoscaler.Config{Policy: wish(3), Clock: clock, Scaler: scaler, Recorder: &seen})
			if err := loop.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, seen.times()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A deafClock never waits and never looks at its context.
type deafClock struct{ fakeClock }

func (c *deafClock) WaitUntil(context.Context, time.Time) error { return nil }

// TestRunStops: Run returns the reason when its context is done, even where the loop is
// always late and the clock fails otherwise.
func TestRunStops(t *testing.T) {
	broken := errors.New("no time left")
	tests := []struct {
		name  string
		clock autoscaler.Clock
		want  error
	}{
		{"while waiting", &fakeClock{now: start, end: after(1 << 20)}, context.Canceled},
		{"without waiting", &deafClock{fakeClock{now: start}}, context.Canceled},
		{"the clock fails", brokenClock{broken}, broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			steps := 0
			p := wish(1)
			p.decide = func(policy.Input) policy.Decision {
				if steps++; steps == 3 {
					cancel()
				}
				return policy.Decision{Replicas: 1}
			}
			loop := newLoop(t, autoscaler.Config{Policy: p, Clock: tt.clock, Scaler: &fakeScaler{spec: 1}})
			if err := loop.Run(ctx); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if steps > 3 {
				t.Errorf("%d steps, the last after the context was done", steps)
			}
		})
	}
}

type brokenClock struct{ err error }

func (c brokenClock) Now() time.Time                             { return start }
func (c brokenClock) WaitUntil(context.Context, time.Time) error { return c.err }

// TestPolicySeesWhatThereIs: the answers come in the order of the queries, at the
// instant of the decision, and a failure is an error with its name, never a number.
func TestPolicySeesWhatThereIs(t *testing.T) {
	refused := errors.New("connection refused")
	p := wish(2)
	p.needs.Pods = true
	p.needs.Queries = []policy.Query{{Name: "a", Expr: "load"}, {Name: "b", Expr: "missing"}, {Name: "c", Expr: "down"}}
	var asked []time.Time
	querier := fakeQuerier{
		"load": func(at time.Time) (float64, error) { asked = append(asked, at); return 42, nil },
		"down": func(time.Time) (float64, error) { return 0, refused },
	}
	pods := []policy.Pod{{Name: "shop-0", Phase: policy.PodRunning}}
	var seen tape
	loop := newLoop(t, autoscaler.Config{
		Policy: p, Clock: &fakeClock{now: start, end: start}, Querier: querier, Pods: fakePods{pods: pods},
		Scaler: &fakeScaler{spec: 2}, Recorder: &seen,
	})
	if err := loop.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := policy.Input{Now: start, Spec: 2, Status: 2, Pods: pods, Values: []policy.Value{
		{Name: "a", Value: 42}, {Name: "b", Err: policy.ErrNoData}, {Name: "c", Err: refused},
	}}
	if diff := cmp.Diff(want, p.inputs[0], cmpopts.EquateErrors()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, seen[0].Input, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("recorded other than seen: %s", diff)
	}
	if !slices.Equal(asked, []time.Time{start}) {
		t.Errorf("asked at %v", asked)
	}
}

// TestPodsThatCannotBeListed reach the policy as an error, not as none.
func TestPodsThatCannotBeListed(t *testing.T) {
	forbidden := errors.New("forbidden")
	p := wish(2)
	p.needs.Pods = true
	loop := newLoop(t, autoscaler.Config{Policy: p, Clock: &fakeClock{}, Pods: fakePods{err: forbidden}, Scaler: &fakeScaler{spec: 2}})
	loop.Step(t.Context(), start)
	if in := p.inputs[0]; !errors.Is(in.PodsErr, forbidden) {
		t.Errorf("%+v", in)
	}
}

// TestUnreadableReplicas: without the present number the policy is not asked, nothing is
// scaled, and nothing of the step before shows as seen now.
func TestUnreadableReplicas(t *testing.T) {
	broken := errors.New("etcd is away")
	p := wish(5)
	p.needs.Queries = []policy.Query{{Name: "load", Expr: "load"}}
	scaler := &fakeScaler{spec: 2}
	var seen tape
	loop := newLoop(t, autoscaler.Config{
		Policy: p, Clock: &fakeClock{}, Scaler: scaler, Recorder: &seen,
		Querier: fakeQuerier{"load": func(time.Time) (float64, error) { return 7, nil }},
	})
	loop.Step(t.Context(), after(0))
	scaler.readErr = broken
	loop.Step(t.Context(), after(30))
	if len(p.inputs) != 1 || len(scaler.writes) != 1 || len(seen) != 2 {
		t.Fatalf("asked %d times, wrote %v, recorded %d", len(p.inputs), scaler.writes, len(seen))
	}
	s := seen[1]
	if !s.Skipped || !s.Decision.Hold || s.Scaled || !errors.Is(s.Err, broken) || !strings.HasPrefix(s.Decision.Reason, "FailedGetScale: ") {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff(policy.Input{Now: after(30)}, s.Input); diff != "" {
		t.Errorf("seen, though nobody looked: %s", diff)
	}
}

// TestCarryingOut: what is written and committed, for every outcome of a decision.
func TestCarryingOut(t *testing.T) {
	conflict := errors.New("conflict")
	tests := []struct {
		name     string
		decision policy.Decision
		writeErr error
		dryRun   bool
		writes   []int32
		commits  []change
		scaled   bool
	}{
		{"up", policy.Decision{Replicas: 5}, nil, false, []int32{5}, []change{{start, 3, 5}}, true},
		{"down", policy.Decision{Replicas: 1}, nil, false, []int32{1}, []change{{start, 3, 1}}, true},
		{"to zero", policy.Decision{Replicas: 0}, nil, false, []int32{0}, []change{{start, 3, 0}}, true},
		{"as it is", policy.Decision{Replicas: 3}, nil, false, nil, nil, false},
		{"held", policy.Decision{Replicas: 9, Hold: true}, nil, false, nil, nil, false},
		{"refused", policy.Decision{Replicas: 5}, conflict, false, nil, nil, false},
		{"dry run", policy.Decision{Replicas: 5}, nil, true, nil, nil, false},
		{"dry run that would fail", policy.Decision{Replicas: 5}, conflict, true, nil, nil, false},
		{"checked and not stored", policy.Decision{Replicas: 5}, fmt.Errorf("scale: %w", autoscaler.ErrDryRun), false, nil, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := wish(0)
			p.decide = func(policy.Input) policy.Decision { return tt.decision }
			scaler := &fakeScaler{spec: 3, writeErr: tt.writeErr}
			var seen tape
			loop := newLoop(t, autoscaler.Config{Policy: p, Clock: &fakeClock{}, Scaler: scaler, Recorder: &seen, DryRun: func() bool { return tt.dryRun }})
			got := loop.Step(t.Context(), start)
			if diff := cmp.Diff(tt.writes, scaler.writes); diff != "" {
				t.Errorf("writes: %s", diff)
			}
			if diff := cmp.Diff(tt.commits, p.commits, cmp.AllowUnexported(change{})); diff != "" {
				t.Errorf("commits: %s", diff)
			}
			if len(seen) != 1 || seen[0].Scaled != tt.scaled || got.Scaled != tt.scaled {
				t.Errorf("recorded %+v", seen)
			}
			checked := errors.Is(tt.writeErr, autoscaler.ErrDryRun)
			if failed := tt.writeErr != nil && !tt.dryRun && !checked; failed != (seen[0].Err != nil) || failed && !errors.Is(seen[0].Err, conflict) {
				t.Errorf("recorded error %v", seen[0].Err)
			}
			if seen[0].DryRun != checked {
				t.Errorf("recorded that it was checked only: %v, want %v", seen[0].DryRun, checked)
			}
			if diff := cmp.Diff(tt.decision, seen[0].Decision); diff != "" {
				t.Errorf("recorded decision: %s", diff)
			}
		})
	}
}

// TestBounds: what the workload cannot be set to is no change, however often it is wished for, and
// what it was set to instead is what the policy and the log are told.
func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		name       string
		spec, wish int32
		set        int32 // 0: no change
	}{
		{"within", 3, 5, 5},
		{"above", 3, 20, 8},
		{"above, at the bound", 8, 20, 0},
		{"below", 5, 1, 3},
		{"below, at the bound", 3, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := wish(0)
			p.decide = func(policy.Input) policy.Decision { return policy.Decision{Replicas: tt.wish} }
			scaler := &fakeScaler{spec: tt.spec, bounds: autoscaler.Bounds{Least: 3, Most: 8}}
			var log bytes.Buffer
			recorder := autoscaler.NewLog(&log)
			loop := newLoop(t, autoscaler.Config{Policy: p, Clock: &fakeClock{}, Scaler: scaler, Recorder: recorder})
			got := loop.Step(t.Context(), start)
			var writes []int32
			var commits []change
			if tt.set != 0 {
				writes, commits = []int32{tt.set}, []change{{start, tt.spec, tt.set}}
			}
			if got.Scaled != (tt.set != 0) || got.Scaled && got.Set() != tt.set || got.Decision.Replicas != tt.wish {
				t.Errorf("%+v", got)
			}
			if diff := cmp.Diff(writes, scaler.writes); diff != "" {
				t.Errorf("writes: %s", diff)
			}
			if diff := cmp.Diff(commits, p.commits, cmp.AllowUnexported(change{})); diff != "" {
				t.Errorf("commits: %s", diff)
			}
			if err := recorder.Err(); err != nil {
				t.Fatal(err)
			}
			said := fmt.Sprintf(`"set":%d`, tt.set)
			if strings.Contains(log.String(), said) != (tt.set != 0 && tt.set != tt.wish) {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

// TestPolicyWithoutCommit: a policy that is no Committer scales all the same, and so
// does a loop without a recorder.
func TestPolicyWithoutCommit(t *testing.T) {
	scaler := &fakeScaler{spec: 1}
	loop := newLoop(t, autoscaler.Config{Policy: policy.Static{N: 4}, Clock: &fakeClock{}, Scaler: scaler})
	if s := loop.Step(t.Context(), start); !s.Scaled || scaler.spec != 4 {
		t.Errorf("%+v, %d replicas", s, scaler.spec)
	}
}

// A wallClock is a Clock as a cluster has it.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) WaitUntil(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// TestRunInRealTime runs against a clock that really waits, with an API that is slow at
// times, and is stopped in the middle of a wait.
func TestRunInRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Second)
		defer cancel()
		reads := 0
		scaler := &fakeScaler{spec: 1}
		scaler.onRead = func() {
			if reads++; reads == 3 {
				time.Sleep(70 * time.Second) // from second 70 to 140
			}
		}
		var seen tape
		loop := newLoop(t, autoscaler.Config{Policy: wish(2), Clock: wallClock{}, Scaler: scaler, Recorder: &seen, First: begin.Add(10 * time.Second)})
		if err := loop.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run: %v", err)
		}
		if d := time.Since(begin); d != 200*time.Second {
			t.Errorf("stopped after %v", d)
		}
		var at []string
		for _, s := range seen {
			at = append(at, s.Input.Now.Sub(begin).String())
		}
		// 100 and 130 passed while the API was slow.
		if got, want := fmt.Sprint(at), "[10s 40s 1m10s 2m20s 2m40s 3m10s]"; got != want {
			t.Errorf("decided at %s, want %s", got, want)
		}
	})
}
