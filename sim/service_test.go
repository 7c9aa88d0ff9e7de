package sim_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hindcast.dev/sim"
)

// newService builds the model of the default application after a change.
func newService(t testing.TB, change func(*sim.App)) *sim.Service {
	t.Helper()
	app := sim.DefaultApp()
	if change != nil {
		change(&app)
	}
	s, err := sim.NewService(app)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// near fails the test unless got is within a share of want.
func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*math.Abs(want)) {
		t.Errorf("%s: got %.6g, want %.6g within %.3g %%", what, got, want, 100*share)
	}
}

func TestValidateListsAllFaults(t *testing.T) {
	app := sim.App{
		CPUVariation: math.NaN(), Wait: -1, Cores: math.Inf(1), Queue: 0, Timeout: -1,
		ErrorRate: 1.5, Latency: -2,
	}
	_, err := sim.NewService(app)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"CPU per request", "CPU variation", "wait is", "cores", "queue", "timeout", "error rate", "latency objective",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q:\n%v", want, err)
		}
	}
	if err := sim.DefaultApp().Validate(); err != nil {
		t.Errorf("default app: %v", err)
	}
}

// The steady state of one core is that of M/M/1/K whatever the CPU times (insensitivity).
func TestSteadyIsMM1K(t *testing.T) {
	for _, k := range []int{1, 2, 10, 200} {
		s := newService(t, func(a *sim.App) { a.Queue = k; a.CPUVariation = 0.5 })
		for _, rho := range []float64{0.01, 0.3, 0.6, 0.8, 0.9, 0.99, 1, 1.01, 1.2, 2, 20} {
			lambda := 200 * rho
			// p(n) = ρⁿ(1-ρ)/(1-ρ^(K+1)), summed term by term.
			var sum, mean, last float64
			for n := range k + 1 {
				last = math.Pow(rho, float64(n))
				sum += last
				mean += float64(n) * last
			}
			mean, last = mean/sum, last/sum
			st := s.Steady(lambda, 1)
			at := fmt.Sprintf("K %d, load %v", k, rho)
			near(t, at+": number", st.InCPU, mean, 1e-3)
			near(t, at+": cores", st.CoresBusy, rho*(1-last), 1e-4)
			near(t, at+": throughput", st.InWait/0.02, lambda*(1-last), 1e-4)
			if math.Abs(st.Shed-last) > 3e-3*last+1e-9 {
				t.Errorf("%s: shed %.6g, want %.6g", at, st.Shed, last)
			}
		}
	}
}

// With room for everybody it is M/M/C: Erlang's C formula.
func TestSteadyIsMMC(t *testing.T) {
	for _, c := range []int{2, 4, 16} {
		s := newService(t, func(a *sim.App) { a.Cores = float64(c); a.Queue = 1000; a.CPUVariation = 0.2 })
		for _, rho := range []float64{0.1, 0.5, 0.8, 0.95} {
			offered := rho * float64(c)
			term, below := 1.0, 0.0 // a^n/n!
			for n := range c {
				below += term
				term *= offered / float64(n+1)
			}
			waiting := term / (1 - rho) / (below + term/(1-rho))
			want := offered + waiting*rho/(1-rho)
			near(t, fmt.Sprintf("C %d, load %v: number", c, rho), s.Steady(200*offered, 1).InCPU, want, 1e-3)
		}
	}
}

// A fraction of a core is a slower core.
func TestHalfACore(t *testing.T) {
	half := newService(t, func(a *sim.App) { a.Cores = 0.5; a.Wait = 0 })
	slow := newService(t, func(a *sim.App) { a.CPUPerRequest *= 2; a.Wait = 0 })
	for _, lambda := range []float64{20, 60, 90, 130} {
		near(t, "number", half.Steady(lambda, 1).InCPU, slow.Steady(lambda, 1).InCPU, 1e-3)
		near(t, "bad", 1-half.GoodShare(lambda, 1), 1-slow.GoodShare(lambda, 1), 0.01)
		near(t, "cores", 2*half.Steady(lambda, 1).CoresBusy, slow.Steady(lambda, 1).CoresBusy, 1e-3)
	}
}

// The mean sojourn of M/G/1 with processor sharing is E[S]/(1-ρ), for every G.
func TestMeanLatency(t *testing.T) {
	for _, cv := range []float64{0, 0.5, 1, 2} {
		s := newService(t, func(a *sim.App) { a.Queue = 1000; a.CPUVariation = cv })
		for _, rho := range []float64{0, 0.1, 0.5, 0.8, 0.9, 0.95} {
			want := 0.020 + 0.005/(1-rho)
			at := fmt.Sprintf("CV %v, load %v", cv, rho)
			near(t, at+": mean", s.Steady(200*rho, 1).MeanLatency.Seconds(), want, 1e-3)
			mean, _ := moments(s, 200*rho)
			near(t, at+": mean of the distribution", mean+0.020, want, 5e-3)
		}
	}
}

// moments integrates the tail of the time in the CPU stage, in seconds and their square.
func moments(s *sim.Service, lambda float64) (mean, variance float64) {
	square := 0.0
	const step = 1.005
	for t := 1e-6; t < 1000; t *= step {
		tail := 1 - s.LatencyShare(lambda, 1, s.App().Wait+time.Duration(t*math.Sqrt(step)*1e9))
		mean += tail * t * (step - 1)
		square += tail * t * t * (step*step - 1)
	}
	return mean, square - mean*mean
}

// Coffman, Muntz and Trotter (1970): the variance of the sojourn of a request of size x in M/M/1
// with processor sharing, here averaged over log-normal sizes with a coefficient of variation of
// one, for which the model takes the others to be exponential.
func TestVarianceAmongExponentialSizes(t *testing.T) {
	s := newService(t, func(a *sim.App) { a.Queue = 1000 })
	sigma := math.Sqrt(math.Ln2)
	for _, rho := range []float64{0.3, 0.6, 0.8, 0.9} {
		idle := 1 - rho
		want := 1 / idle / idle // variance of the means
		for z := -8.0; z < 8; z += 0.01 {
			x := math.Exp(sigma*z - sigma*sigma/2)
			density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
			want += 0.01 * density * (2*rho*x/(idle*idle*idle) - 2*rho*(-math.Expm1(-idle*x))/(idle*idle*idle*idle))
		}
		_, got := moments(s, 200*rho)
		near(t, fmt.Sprintf("load %v", rho), got/0.005/0.005, want, 0.015)
	}
}

// Yashkov (1983): the variance of the sojourn of a request of size x in M/G/1 with processor
// sharing is 2/(1-ρ)² ∫ (x-u)(1-W(u)) du over [0, x], where W is the distribution of the wait in
// M/G/1. For constant sizes W(u) = (1-ρ)e^(ρu) up to one size, which gives a closed form. The model
// has it right only for short and for long requests; constant sizes are the worst in between.
func TestVarianceAmongConstantSizes(t *testing.T) {
	s := newService(t, func(a *sim.App) { a.Queue = 1000; a.CPUVariation = 0 })
	for _, test := range []struct{ rho, share float64 }{{0.3, 0.16}, {0.6, 0.09}, {0.8, 0.05}, {0.9, 0.03}} {
		rho := test.rho
		want := 2 / (1 - rho) / (1 - rho) * (0.5 - (1-rho)*(math.Exp(rho)-1-rho)/(rho*rho))
		_, got := moments(s, 200*rho)
		near(t, fmt.Sprintf("load %v", rho), got/0.005/0.005, want, test.share)
	}
}

// A request alone in the pod takes its own log-normal time.
func TestLatencyOfOneRequest(t *testing.T) {
	for _, cv := range []float64{0.5, 1, 3} {
		s := newService(t, func(a *sim.App) { a.CPUVariation = cv })
		sigma := math.Sqrt(math.Log1p(cv * cv))
		for _, ms := range []float64{1, 2, 5, 10, 30, 100} {
			z := (math.Log(ms/5) + sigma*sigma/2) / sigma
			want := math.Erfc(-z/math.Sqrt2) / 2
			got := s.LatencyShare(0, 1, 20*time.Millisecond+time.Duration(ms*1e6))
			if math.Abs(got-want) > 2e-3 {
				t.Errorf("CV %v: share within %v ms is %.5f, want %.5f", cv, ms, got, want)
			}
		}
	}
}

// The same pod in slow motion: every time twice as long, half the load.
func TestSlowMotion(t *testing.T) {
	s := newService(t, nil)
	slow := newService(t, func(a *sim.App) { a.CPUPerRequest *= 2; a.Wait *= 2; a.Latency *= 2; a.Timeout *= 2 })
	bare := newService(t, func(a *sim.App) { a.Wait = 0; a.Latency -= 20 * time.Millisecond; a.Timeout -= 20 * time.Millisecond })
	late := newService(t, func(a *sim.App) { a.Wait = 0; a.Latency = 460 * time.Millisecond; a.Timeout = 9960 * time.Millisecond })
	for _, lambda := range []float64{10, 100, 140, 180, 220, 400} {
		want := 1 - s.GoodShare(lambda, 1)
		near(t, "times doubled", 1-slow.GoodShare(lambda/2, 1), want, 1e-6)
		near(t, "wait left out", 1-bare.GoodShare(lambda, 1), want, 1e-6)
		near(t, "half the speed", 1-late.GoodShare(lambda/2, 0.5), want, 0.05)
		if got, want := slow.Quantile(lambda/2, 1, 0.99), 2*s.Quantile(lambda, 1, 0.99); (got - want).Abs() > want/1000 {
			t.Errorf("p99 in slow motion is %s, want %s", got, want)
		}
	}
}

func TestSteadyShares(t *testing.T) {
	s := newService(t, func(a *sim.App) { a.ErrorRate = 0.01; a.Timeout = 400 * time.Millisecond })
	for _, lambda := range []float64{0, 1, 100, 180, 199, 220, 1000} {
		st := s.Steady(lambda, 1)
		near(t, "sum of shares", st.Shed+st.Good+st.Late+st.TimedOut+st.Failed, 1, 1e-12)
		accepted := 1 - st.Shed
		in := s.LatencyShare(lambda, 1, 400*time.Millisecond)
		near(t, "timed out", st.TimedOut, accepted*(1-in), 2e-3)
		near(t, "failed", st.Failed, 0.01*accepted*in, 2e-3)
		near(t, "good", st.Good, 0.99*accepted*s.LatencyShare(lambda, 1, 250*time.Millisecond), 2e-3)
		near(t, "good share", s.GoodShare(lambda, 1), st.Good, 0)
	}
}

// More load is never better, and quantiles invert shares.
func TestMonotone(t *testing.T) {
	for _, cv := range []float64{0, 1, 3} {
		s := newService(t, func(a *sim.App) { a.CPUVariation = cv })
		good, p50, p999 := 1.0, time.Duration(0), time.Duration(0)
		var before sim.Steady
		for lambda := 0.0; lambda < 500; lambda += 0.7 {
			st := s.Steady(lambda, 1)
			if st.Good > good+1e-12 || st.InCPU < before.InCPU || st.Shed < before.Shed || st.CoresBusy < before.CoresBusy-1e-12 {
				t.Fatalf("CV %v: better at %v requests/s: %+v after %+v", cv, lambda, st, before)
			}
			a, b := s.Quantile(lambda, 1, 0.5), s.Quantile(lambda, 1, 0.999)
			if a < p50-time.Microsecond || b < p999-time.Microsecond {
				t.Fatalf("CV %v: quantiles fall at %v requests/s: %s, %s after %s, %s", cv, lambda, a, b, p50, p999)
			}
			if got := s.LatencyShare(lambda, 1, b); math.Abs(got-0.999) > 2e-6 {
				t.Fatalf("CV %v: share within p99.9 at %v requests/s is %v", cv, lambda, got)
			}
			good, p50, p999, before = st.Good, a, b, st
		}
	}
}

func TestDemandIsTight(t *testing.T) {
	s := newService(t, nil)
	for _, objective := range []float64{0.9, 0.99, 0.999, 0.9999} {
		capacity := s.Capacity(objective)
		if s.GoodShare(capacity, 1) < objective || s.GoodShare(capacity*1.000001, 1) >= objective {
			t.Errorf("capacity %v for %v is not the largest load", capacity, objective)
		}
		before := int32(0)
		for load := 0.0; load < 5000; load += 13.7 {
			d, err := s.Demand(load, objective)
			if err != nil {
				t.Fatal(err)
			}
			if (d == 0) != (load == 0) || d < before {
				t.Fatalf("demand at %v requests/s is %d after %d", load, d, before)
			}
			if d > 0 && s.GoodShare(load/float64(d), 1) < objective {
				t.Fatalf("%d replicas miss %v at %v requests/s", d, objective, load)
			}
			if d > 1 && s.GoodShare(load/float64(d-1), 1) >= objective {
				t.Fatalf("%d replicas are too many for %v at %v requests/s", d, objective, load)
			}
			before = d
		}
		for n := int32(1); n <= 50; n++ {
			if d, err := s.Demand(capacity*float64(n), objective); err != nil || d < n || d > n+1 || s.GoodShare(capacity*float64(n)/float64(d), 1) < objective {
				t.Errorf("demand at %d times the capacity is %d, %v", n, d, err)
			}
		}
	}
}

func TestDemandOutOfReach(t *testing.T) {
	s := newService(t, func(a *sim.App) { a.ErrorRate = 0.002 })
	if c := s.Capacity(0.999); c != 0 {
		t.Errorf("capacity is %v, want 0", c)
	}
	if _, err := s.Demand(10, 0.999); !errors.Is(err, sim.ErrUnreachable) {
		t.Errorf("got error %v, want ErrUnreachable", err)
	}
	if d, err := s.Demand(0, 0.999); d != 0 || err != nil {
		t.Errorf("demand of no load is %d, %v", d, err)
	}
	if c := s.Capacity(0); !math.IsInf(c, 1) {
		t.Errorf("capacity for any share is %v, want +Inf", c)
	}
	if d, err := s.Demand(1e6, 0); d != 1 || err != nil {
		t.Errorf("demand for any share is %d, %v, want 1", d, err)
	}
	if d, err := s.Demand(1e300, 0.9); d != math.MaxInt32 || err != nil {
		t.Errorf("demand of an absurd load is %d, %v", d, err)
	}
}

func ExampleService_Demand() {
	s, err := sim.NewService(sim.DefaultApp())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, load := range []float64{0, 100, 1000, 2500} {
		replicas, err := s.Demand(load, 0.999)
		fmt.Println(load, replicas, err)
	}
	// Output:
	// 0 0 <nil>
	// 100 1 <nil>
	// 1000 8 <nil>
	// 2500 19 <nil>
}

func ExampleService_Steady() {
	s, err := sim.NewService(sim.DefaultApp())
	if err != nil {
		fmt.Println(err)
		return
	}
	st := s.Steady(160, 1) // 80 % of the capacity of 200 requests per second
	fmt.Printf("%.2f in the CPU stage, %.2f waiting, mean latency %.0f ms\n",
		st.InCPU, st.InWait, st.MeanLatency.Seconds()*1000)
	// Output:
	// 4.00 in the CPU stage, 3.20 waiting, mean latency 45 ms
}
