package sim_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"hindcast.dev/sim"
)

func TestOutcomeNames(t *testing.T) {
	got := fmt.Sprintf("%v, %v, %v, %v, %v", sim.Good, sim.Late, sim.TimedOut, sim.Failed, sim.Outcome(9))
	if want := "good, late, timed out, failed, unknown"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is collected in a steady state is the distribution of that steady state.
func TestLatenciesOfASteadyState(t *testing.T) {
	s := newService(t, nil)
	for _, speed := range []float64{1, 0.5, 0.37, 1.7} {
		for _, rho := range []float64{0.1, 0.7, 0.95, 1.3} {
			lambda := 200 * rho * speed
			var st sim.PodState
			flow := sim.Flow{Latencies: s.NewLatencies()}
			s.Advance(&st, lambda, speed, time.Hour, &flow)
			flow.Reset()
			s.Advance(&st, lambda, speed, time.Minute, &flow)
			at := fmt.Sprintf("load %v at speed %v", rho, speed)
			near(t, at+": total", flow.Latencies.Total(), flow.Accepted.Total(), 1e-9)
			for _, q := range []float64{0.5, 0.95, 0.99} {
				near(t, fmt.Sprintf("%s: q %v", at, q), flow.Latencies.Quantile(q).Seconds(), s.Quantile(lambda, speed, q).Seconds(), 0.02)
			}
			mean := flow.Latencies.Sum() / flow.Latencies.Total()
			near(t, at+": mean", mean, s.Steady(lambda, speed).MeanLatency.Seconds(), 0.01)
			// The mean is the integral of the share that takes longer.
			tail, dt := 0.0, mean/200
			for x := dt / 2; x < 60*mean; x += dt {
				tail += dt * (1 - flow.Latencies.Within(time.Duration(x*1e9))/flow.Latencies.Total())
			}
			near(t, at+": mean of the distribution", mean, tail, 0.02)
			within := flow.Latencies.Within(100*time.Millisecond) / flow.Latencies.Total()
			if want := s.LatencyShare(lambda, speed, 100*time.Millisecond); math.Abs(within-want) > 0.005 {
				t.Errorf("%s: share within 100 ms is %v, want %v", at, within, want)
			}
		}
	}
}

// At nominal speed the collected shares are those of the outcomes.
func TestLatenciesAgreeWithOutcomes(t *testing.T) {
	s := newService(t, nil)
	var st sim.PodState
	flow := sim.Flow{Latencies: s.NewLatencies()}
	for i := range 600 {
		lambda := 120 + 90*math.Sin(float64(i)/40)
		s.Advance(&st, lambda, 1, time.Second, &flow)
	}
	near(t, "good", flow.Latencies.Within(250*time.Millisecond), flow.Accepted[sim.Good], 1e-3)
	total := flow.Latencies.Total()
	near(t, "late", total-flow.Latencies.Within(250*time.Millisecond), total-flow.Accepted[sim.Good], 0.02)
}

func TestLatenciesAddUp(t *testing.T) {
	s := newService(t, nil)
	var both, one, two sim.Flow
	both.Latencies, one.Latencies, two.Latencies = s.NewLatencies(), s.NewLatencies(), s.NewLatencies()
	for _, flow := range []*sim.Flow{&both, &one} {
		var st sim.PodState
		s.Advance(&st, 90, 1, time.Minute, flow)
	}
	for _, flow := range []*sim.Flow{&both, &two} {
		var st sim.PodState
		s.Advance(&st, 90, 0.5, time.Minute, flow)
	}
	one.Add(&two)
	near(t, "arrivals", one.Arrivals, both.Arrivals, 1e-12)
	near(t, "completed", one.Completed.Total(), both.Completed.Total(), 1e-12)
	near(t, "CPU", one.CPUSeconds, both.CPUSeconds, 1e-12)
	for _, bound := range []time.Duration{0, 30 * time.Millisecond, 100 * time.Millisecond, time.Second, time.Hour} {
		near(t, "sum", one.Latencies.Sum(), both.Latencies.Sum(), 1e-12)
		near(t, fmt.Sprint("within ", bound), one.Latencies.Within(bound)+1, both.Latencies.Within(bound)+1, 1e-12)
	}
	near(t, "within an hour", both.Latencies.Within(time.Hour), both.Latencies.Total(), 1e-9)

	both.Reset()
	if both.Arrivals != 0 || both.Latencies == nil || both.Latencies.Total() != 0 || both.Latencies.Quantile(0.5) != 0 {
		t.Errorf("not empty after Reset: %+v", both)
	}
}

func ExampleLatencies() {
	s, err := sim.NewService(sim.DefaultApp())
	if err != nil {
		fmt.Println(err)
		return
	}
	var pod sim.PodState
	flow := sim.Flow{Latencies: s.NewLatencies()}
	for range 60 {
		s.Advance(&pod, 100, 1, time.Second, &flow)
	}
	fmt.Printf("%.0f requests, median %d ms, %.0f %% within 50 ms\n", flow.Latencies.Total(),
		flow.Latencies.Quantile(0.5).Milliseconds(),
		100*flow.Latencies.Within(50*time.Millisecond)/flow.Latencies.Total())
	// Output:
	// 6000 requests, median 25 ms, 94 % within 50 ms
}
