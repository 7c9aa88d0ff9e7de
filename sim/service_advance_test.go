package sim_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"sync"
	"testing"
	"time"

	"hindcast.dev/sim"
)

// balanced fails the test unless everything that went into a pod is somewhere.
func balanced(t *testing.T, at string, st *sim.PodState, flow *sim.Flow) {
	t.Helper()
	held := *st
	inside := held.Drop()
	tolerance := 1e-9*flow.Arrivals + 1e-9
	check := func(what string, in, out float64) {
		if !(math.Abs(in-out) <= tolerance) {
			t.Fatalf("%s: %s: %.12g in, %.12g out", at, what, in, out)
		}
	}
	check("arrivals", flow.Arrivals, flow.Shed+flow.Accepted.Total())
	check("in system", st.InSystem(), inside.Total())
	for o := range inside {
		check(sim.Outcome(o).String(), flow.Accepted[o], flow.Completed[o]+inside[o])
		if inside[o] < -1e-12 || flow.Completed[o] < 0 || flow.Accepted[o] < -1e-12 {
			t.Fatalf("%s: less than nothing: %v inside, %v completed, %v accepted", at, inside, flow.Completed, flow.Accepted)
		}
	}
	if flow.Latencies != nil {
		check("latencies", flow.Accepted.Total(), flow.Latencies.Total())
	}
}

func TestNothingIsLost(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i, s := range []*sim.Service{
		newService(t, nil),
		newService(t, func(a *sim.App) { a.Queue = 1; a.Wait = 0; a.ErrorRate = 0.1 }),
		newService(t, func(a *sim.App) { a.Cores = 2.5; a.Queue = 37; a.Timeout = 300 * time.Millisecond; a.CPUVariation = 3 }),
	} {
		capacity := s.App().Cores / s.App().CPUPerRequest.Seconds()
		var st sim.PodState
		flow := sim.Flow{Latencies: s.NewLatencies()}
		for step := range 4000 {
			lambda := 0.0
			if rng.IntN(5) > 0 {
				lambda = capacity * math.Exp(rng.NormFloat64())
			}
			speed := 1.0
			if rng.IntN(2) > 0 {
				speed = rng.Float64()
			}
			if rng.IntN(50) == 0 {
				speed = 0
			}
			dt := time.Duration(math.Exp(rng.Float64()*25)) * time.Nanosecond
			s.Advance(&st, lambda, speed, dt, &flow)
			balanced(t, fmt.Sprintf("app %d, step %d, %v/s at %v for %s", i, step, lambda, speed, dt), &st, &flow)
			if n := st.InCPU(); n < 0 || n > float64(s.App().Queue) {
				t.Fatalf("%v requests in a CPU stage for %d", n, s.App().Queue)
			}
		}
	}
}

func FuzzAdvance(f *testing.F) {
	s := newService(f, func(a *sim.App) { a.ErrorRate = 0.01; a.Queue = 50 })
	f.Add(0.0, 1.0, int64(time.Second), 300.0, 0.5, int64(time.Minute))
	f.Add(1e9, 1e-9, int64(1), 0.0, 4.0, int64(time.Hour))
	f.Fuzz(func(t *testing.T, lambda1, speed1 float64, dt1 int64, lambda2, speed2 float64, dt2 int64) {
		valid := func(x float64) bool { return x >= 0 && x < 1e9 }
		if !valid(lambda1) || !valid(lambda2) || !valid(speed1) || !valid(speed2) {
			return
		}
		var st sim.PodState
		var flow sim.Flow
		for range 3 {
			s.Advance(&st, lambda1, speed1, time.Duration(dt1)%(100*time.Hour), &flow)
			balanced(t, "first", &st, &flow)
			s.Advance(&st, lambda2, speed2, time.Duration(dt2)%(100*time.Hour), &flow)
			balanced(t, "second", &st, &flow)
		}
	})
}

// Reference solution: the equation of the doc comment by small Runge-Kutta steps, with the state
// found by bisection for each evaluation.
func closure(mean, lambda, mu, cores float64, queue int, dt float64) (after, shed float64) {
	evaluate := func(n float64) (full, busy float64) {
		lo, hi := -30.0, 30.0
		var m float64
		for range 60 {
			u := (lo + hi) / 2
			var sum float64
			m, busy, full = 0, 0, 0
			weight, weights := 0.0, make([]float64, queue+1)
			most := 0.0
			for i := range weights {
				if i > 0 {
					weight += u - math.Log(math.Min(float64(i), cores))
				}
				weights[i] = weight
				most = math.Max(most, weight)
			}
			for i, w := range weights {
				p := math.Exp(w - most)
				sum += p
				m += float64(i) * p
				busy += math.Min(float64(i), cores) * p
				full = p
			}
			m, busy, full = m/sum, busy/sum, full/sum
			if m < n {
				lo = u
			} else {
				hi = u
			}
		}
		return full, busy
	}
	const steps = 60
	h := dt / steps
	after = mean
	for range steps {
		rate := func(n float64) (float64, float64) {
			full, busy := evaluate(n)
			return lambda*(1-full) - mu*busy, lambda * full
		}
		k1, s1 := rate(after)
		k2, s2 := rate(after + h/2*k1)
		k3, s3 := rate(after + h/2*k2)
		k4, s4 := rate(after + h*k3)
		after += h / 6 * (k1 + 2*k2 + 2*k3 + k4)
		shed += h / 6 * (s1 + 2*s2 + 2*s3 + s4)
	}
	return after, shed
}

func TestAdvanceSolvesTheClosure(t *testing.T) {
	for _, app := range []struct {
		cores float64
		queue int
	}{{1, 20}, {2.5, 40}} {
		s := newService(t, func(a *sim.App) { a.Cores = app.cores; a.Queue = app.queue })
		var st sim.PodState
		want := 0.0
		for _, step := range []struct{ load, ms float64 }{
			{0.5, 20}, {0.5, 40}, {1.5, 30}, {1.5, 60}, {0.9, 50}, {0, 30}, {0, 20}, {1, 40}, {0.2, 40},
		} {
			lambda := step.load * 200 * app.cores
			var shed float64
			want, shed = closure(want, lambda, 200, app.cores, app.queue, step.ms/1000)
			var flow sim.Flow
			s.Advance(&st, lambda, 1, time.Duration(step.ms*1e6), &flow)
			near(t, fmt.Sprintf("%+v after %+v: number", app, step), st.InCPU(), want, 2e-3)
			if math.Abs(flow.Shed-shed) > 2e-3*shed+1e-6 {
				t.Errorf("%+v after %+v: shed %v, want %v", app, step, flow.Shed, shed)
			}
		}
	}
}

func TestAdvanceEndsInTheSteadyState(t *testing.T) {
	s := newService(t, func(a *sim.App) { a.ErrorRate = 0.001; a.Timeout = time.Second })
	for _, start := range []float64{0, 1000} {
		for _, lambda := range []float64{0, 0.5, 60, 140, 180, 210, 280, 1000} {
			for _, speed := range []float64{1, 0.3} {
				var st sim.PodState
				var flow sim.Flow
				s.Advance(&st, start, 1, time.Minute, &flow)
				s.Advance(&st, lambda, speed, time.Hour, &flow)
				s.Advance(&st, lambda, speed, time.Hour, &flow)
				want := s.Steady(lambda, speed)
				flow.Reset()
				s.Advance(&st, lambda, speed, 100*time.Second, &flow)
				at := fmt.Sprintf("%v/s at %v", lambda, speed)
				n := lambda * 100
				near(t, at+": number", st.InCPU()+1e-12, want.InCPU+1e-12, 1e-9)
				near(t, at+": in wait", st.InWait()+1e-12, want.InWait+1e-12, 1e-9)
				near(t, at+": cores", flow.CPUSeconds, 100*want.CoresBusy, 1e-9)
				near(t, at+": shed", flow.Shed, n*want.Shed, 1e-9)
				for o, share := range []float64{want.Good, want.Late, want.TimedOut, want.Failed} {
					if math.Abs(flow.Accepted[o]-n*share) > 1e-9*n || math.Abs(flow.Completed[o]-n*share) > 1e-6*n+1e-6 {
						t.Errorf("%s: %s: accepted %v and completed %v, want %v", at, sim.Outcome(o), flow.Accepted[o], flow.Completed[o], n*share)
					}
				}
			}
		}
	}
}

// Cutting an interval changes nothing but rounding in what arrives and in what is there, and the
// mix of those that complete by a request or two.
func TestSplitIsWhole(t *testing.T) {
	s := newService(t, func(a *sim.App) { a.Timeout = 500 * time.Millisecond })
	rng := rand.New(rand.NewPCG(5, 6))
	var one, two sim.PodState
	var whole, cut sim.Flow
	worst := 0.0
	for range 3000 {
		lambda, speed := 300*rng.Float64(), 0.3+0.7*rng.Float64()
		dt := time.Duration(rng.ExpFloat64() * 1e9)
		s.Advance(&one, lambda, speed, dt, &whole)
		for left := dt; left > 0; {
			part := min(left, dt/7+time.Duration(rng.Int64N(int64(dt/3)+1)))
			s.Advance(&two, lambda, speed, part, &cut)
			left -= part
		}
		near(t, "number", two.InCPU(), one.InCPU(), 1e-9)
		near(t, "in wait", two.InWait()+1, one.InWait()+1, 1e-2)
		near(t, "shed", cut.Shed+1, whole.Shed+1, 1e-9)
		near(t, "CPU", cut.CPUSeconds, whole.CPUSeconds, 1e-9)
		for o := range whole.Accepted {
			near(t, "accepted, "+sim.Outcome(o).String(), cut.Accepted[o]+1, whole.Accepted[o]+1, 1e-9)
			worst = math.Max(worst, math.Abs(cut.Completed[o]-whole.Completed[o]))
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if worst > 2 {
		t.Errorf("completions by outcome differ by %.3g requests", worst)
	}
}

// Pods that start fuller or get more stay at least as full.
func TestOrderIsKept(t *testing.T) {
	s := newService(t, nil)
	rng := rand.New(rand.NewPCG(7, 8))
	states := make([]sim.PodState, 8)
	var flow sim.Flow
	for range 2000 {
		lambda, dt := 350*rng.Float64(), time.Duration(rng.ExpFloat64()*2e8)
		for i := range states {
			s.Advance(&states[i], lambda*(1+0.001*float64(i)), 1, dt, &flow)
		}
		if !sort.SliceIsSorted(states, func(i, j int) bool { return states[i].InCPU() < states[j].InCPU() }) {
			t.Fatalf("order lost: %+v", states)
		}
	}
}

// Deterministic fluid limit of an overload: the backlog grows at the excess of the arrivals, then
// the excess is shed, then the backlog drains at the excess of the capacity.
func TestOverloadIsFluid(t *testing.T) {
	const queue, capacity = 1000, 200.0
	s := newService(t, func(a *sim.App) { a.Queue = queue })
	for _, lambda := range []float64{300, 400, 1000} {
		var st sim.PodState
		var flow sim.Flow
		at := fmt.Sprintf("%v/s", lambda)
		s.Advance(&st, 20, 1, time.Minute, &flow)
		fill := queue / (lambda - capacity)
		flow.Reset()
		s.Advance(&st, lambda, 1, time.Duration(fill/2*1e9), &flow)
		near(t, at+": backlog half-way", st.InCPU(), queue/2, 0.03)
		if flow.Shed > 0.01*flow.Arrivals {
			t.Errorf("%s: %v shed half-way", at, flow.Shed)
		}
		s.Advance(&st, lambda, 1, time.Duration(fill*1e9), &flow)
		near(t, at+": backlog when full", st.InCPU(), queue, 0.01)
		flow.Reset()
		s.Advance(&st, lambda, 1, 10*time.Second, &flow)
		near(t, at+": shed", flow.Shed, 10*(lambda-capacity), 0.001)
		near(t, at+": CPU", flow.CPUSeconds, 10, 0.001)
		near(t, at+": completed", flow.Completed.Total(), 10*capacity, 0.001)

		drain := queue / (capacity - 50)
		s.Advance(&st, 50, 1, time.Duration(drain/2*1e9), &flow)
		near(t, at+": backlog half drained", st.InCPU(), queue/2, 0.03)
		s.Advance(&st, 50, 1, time.Duration(drain*0.55*1e9), &flow)
		if st.InCPU() > 1 {
			t.Errorf("%s: %v requests left after the drain", at, st.InCPU())
		}
	}
}

// A cold pod burns its cores in full and does less with them.
func TestWarmingPodUsesFullCores(t *testing.T) {
	s := newService(t, nil)
	var st sim.PodState
	var flow sim.Flow
	s.Advance(&st, 300, 0.5, time.Minute, &flow)
	flow.Reset()
	s.Advance(&st, 300, 0.5, 10*time.Second, &flow)
	near(t, "CPU", flow.CPUSeconds, 10, 1e-6)
	near(t, "completed", flow.Completed.Total(), 1000, 1e-6)
}

func TestStuckPod(t *testing.T) {
	s := newService(t, nil)
	var st sim.PodState
	var flow sim.Flow
	s.Advance(&st, 100, 0, time.Second, &flow)
	if flow.Completed.Total() > 1e-9 || flow.Accepted[sim.TimedOut] != flow.Accepted.Total() {
		t.Errorf("a stuck pod completes %v, accepts %v", flow.Completed, flow.Accepted)
	}
	near(t, "inside", st.InSystem(), 100, 0.02)
	s.Advance(&st, 100, 0, time.Minute, &flow)
	near(t, "inside after a minute", st.InSystem(), 200, 1e-3)
}

// One service serves several worlds at once, and all see the same.
func TestServiceIsShared(t *testing.T) {
	s := newService(t, nil)
	results := make([]sim.Flow, 4)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			var st sim.PodState
			for step := range 1000 {
				s.Advance(&st, float64(step%300), 1, 100*time.Millisecond, &results[i])
			}
		})
	}
	wg.Wait()
	for _, flow := range results {
		if flow != results[0] {
			t.Errorf("got %+v and %+v", flow, results[0])
		}
	}
}

func TestDrop(t *testing.T) {
	s := newService(t, func(a *sim.App) { a.ErrorRate = 0.25 })
	var st sim.PodState
	var flow sim.Flow
	s.Advance(&st, 150, 1, time.Minute, &flow)
	inside := st.InSystem()
	held := st.Drop()
	near(t, "held", held.Total(), inside, 1e-12)
	near(t, "would have failed", held[sim.Failed], 0.25*inside, 1e-6)
	if st != (sim.PodState{}) {
		t.Errorf("not empty: %+v", st)
	}
}

func TestAdvanceDoesNotAllocate(t *testing.T) {
	s := newService(t, nil)
	var st sim.PodState
	flow := sim.Flow{Latencies: s.NewLatencies()}
	lambda := 100.0
	s.Advance(&st, lambda, 1, time.Second, &flow)
	if n := testing.AllocsPerRun(100, func() { s.Advance(&st, 140, 1, time.Second, &flow) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func ExampleService_Advance() {
	s, err := sim.NewService(sim.DefaultApp())
	if err != nil {
		fmt.Println(err)
		return
	}
	var pod sim.PodState
	var flow sim.Flow
	s.Advance(&pod, 400, 1, 10*time.Second, &flow) // twice what the pod can do
	fmt.Printf("%.0f arrived, %.0f shed, %.0f in the pod\n", flow.Arrivals, flow.Shed, pod.InSystem())
	// Output:
	// 4000 arrived, 1805 shed, 203 in the pod
}

func BenchmarkNewService(b *testing.B) {
	for b.Loop() {
		if _, err := sim.NewService(sim.DefaultApp()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdvance(b *testing.B) {
	s := newService(b, nil)
	for _, bench := range []struct {
		name      string
		one, two  float64 // loads in turns
		speed     float64
		dt        time.Duration
		latencies bool
	}{
		{"steady", 140, 140, 1, time.Second, false},
		{"steady with latencies", 140, 140, 1, time.Second, true},
		{"steady, warming, with latencies", 60, 60, 0.5, time.Second, true},
		{"change of 1 %", 140, 141.4, 1, time.Second, false},
		{"change of 40 %", 100, 140, 1, time.Second, false},
		{"overload and back", 100, 260, 1, 10 * time.Second, false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var st sim.PodState
			var flow sim.Flow
			if bench.latencies {
				flow.Latencies = s.NewLatencies()
			}
			s.Advance(&st, bench.one, bench.speed, time.Minute, &flow)
			b.ReportAllocs()
			next, other := bench.two, bench.one
			for b.Loop() {
				s.Advance(&st, next, bench.speed, bench.dt, &flow)
				next, other = other, next
			}
		})
	}
}
