package sim_test

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hindcast.dev/sim"
)

// request is one request of the request-level simulation below.
type request struct {
	arrival float64 // seconds
	finish  float64 // in the attained service of a request present since the start
}

type byFinish []request

func (r byFinish) Len() int           { return len(r) }
func (r byFinish) Less(i, j int) bool { return r[i].finish < r[j].finish }
func (r byFinish) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *byFinish) Push(x any)        { *r = append(*r, x.(request)) }
func (r *byFinish) Pop() any {
	last := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return last
}

// podByRequest is a request-level simulation of the CPU stage: Poisson arrivals, log-normal CPU times, equal
// shares of the cores but at most one core each, and room for Queue requests.
type podByRequest struct {
	app      sim.App
	rng      *rand.Rand
	now      float64
	attained float64 // CPU time that a request present since the start has got
	inside   byFinish
	next     float64 // next arrival
	area     float64 // integral of the number inside

	// observe is told of every arrival: its time, and its latency unless shed (then NaN). It is
	// called when a request leaves, or at once when it is shed.
	observe func(arrival, latency float64)
}

func newPodByRequest(app sim.App, seed uint64, observe func(arrival, latency float64)) *podByRequest {
	return &podByRequest{app: app, rng: rand.New(rand.NewPCG(seed, 1)), observe: observe}
}

// run simulates until the given time with lambda arrivals a second.
func (p *podByRequest) run(until, lambda float64) {
	mean, cv := p.app.CPUPerRequest.Seconds(), p.app.CPUVariation
	sigma := math.Sqrt(math.Log1p(cv * cv))
	p.next = p.now + p.rng.ExpFloat64()/lambda
	for {
		n := float64(len(p.inside))
		rate := math.Min(1, p.app.Cores/math.Max(n, 1))
		done := math.Inf(1)
		if n > 0 {
			done = p.now + (p.inside[0].finish-p.attained)/rate
		}
		t := min(done, p.next, until)
		p.area += n * (t - p.now)
		if n > 0 {
			p.attained += (t - p.now) * rate
		}
		p.now = t
		switch t {
		case until:
			return
		case done:
			r := heap.Pop(&p.inside).(request)
			p.observe(r.arrival, t-r.arrival+p.app.Wait.Seconds())
		default:
			if len(p.inside) >= p.app.Queue {
				p.observe(t, math.NaN())
			} else {
				size := mean * math.Exp(sigma*p.rng.NormFloat64()-sigma*sigma/2)
				heap.Push(&p.inside, request{t, p.attained + size})
			}
			p.next = t + p.rng.ExpFloat64()/lambda
		}
	}
}

// batches are means of stretches of one long run, from which the error of their mean follows.
type batches []float64

func (b batches) mean() (mean, deviation float64) {
	n := float64(len(b))
	for _, x := range b {
		mean += x / n
	}
	for _, x := range b {
		deviation += (x - mean) * (x - mean) / n / (n - 1)
	}
	return mean, math.Sqrt(deviation)
}

// The steady state agrees with the request-level simulation: within four of its standard errors,
// and for latencies the bias of the model that the doc comment of sojourns states.
func TestSteadyAgreesWithRequests(t *testing.T) {
	if testing.Short() {
		t.Skip("several million requests")
	}
	const runs = 25
	for _, test := range []struct {
		cv, cores, rho float64
		bias           float64 // of the share later than 250 ms, relative
	}{
		{1, 1, 0.3, 0.5}, // that share is below 1e-5
		{1, 1, 0.6, 0.08},
		{1, 1, 0.69, 0.05}, // about the capacity at 99.9 %
		{1, 1, 0.8, 0.03},
		{1, 1, 0.9, 0.02},
		{1, 1, 1.2, 0.005},
		{0.5, 1, 0.8, 0.05},
		{2, 1, 0.6, 0.08},
		{2, 1, 0.9, 0.03},
		{1, 2, 0.8, 0.08},
		{1, 0.5, 0.7, 0.05},
	} {
		t.Run(fmt.Sprintf("CV %v, %v cores, load %v", test.cv, test.cores, test.rho), func(t *testing.T) {
			s := newService(t, func(a *sim.App) { a.CPUVariation = test.cv; a.Cores = test.cores })
			lambda := test.rho * test.cores * 200
			seconds := 1e6 / lambda / runs
			var number, latency, late, shed batches
			var arrived, refused, slow, sum float64
			p := newPodByRequest(s.App(), 11, func(_, latency float64) {
				arrived++
				switch {
				case math.IsNaN(latency):
					refused++
				case latency > 0.25:
					slow++
					fallthrough
				default:
					sum += latency
				}
			})
			p.run(20, lambda)
			for range runs {
				arrived, refused, slow, sum, p.area = 0, 0, 0, 0, 0
				p.run(p.now+seconds, lambda)
				number = append(number, p.area/seconds)
				latency = append(latency, sum/(arrived-refused))
				late = append(late, slow/(arrived-refused))
				shed = append(shed, refused/arrived)
			}
			check := func(what string, b batches, model, bias float64) {
				mean, deviation := b.mean()
				if math.Abs(mean-model) > 4*deviation+bias*mean+1e-9 {
					t.Errorf("%s: %.5g by request, standard error %.2g; the model says %.5g", what, mean, deviation, model)
				}
			}
			st := s.Steady(lambda, 1)
			check("number", number, st.InCPU, 0.001)
			check("mean latency", latency, st.MeanLatency.Seconds(), 0.001)
			check("shed", shed, st.Shed, 0.001)
			check("later than 250 ms", late, 1-s.LatencyShare(lambda, 1, 250*time.Millisecond), test.bias)
		})
	}
}

// A step into overload and back, from 100 to 280 requests/s for 6 s where one core does 200:
// mean of many request-level runs against the fluid. The fluid has the growth of exponential CPU
// times, 80/s; log-normal ones of the same variation grow by 88/s (Jean-Marie and Robert 1994: the
// solution a of a = rate·(1 - E[e^(-a·S)])).
func TestStepOverloadAgreesWithRequests(t *testing.T) {
	const runs, dt, steps = 300, 0.25, 44
	load := func(step int) float64 {
		if step < 24 {
			return 280
		}
		return 100
	}
	s := newService(t, nil)
	app := s.App()
	var number [steps + 1]batches
	var shed, bad batches
	for seed := range uint64(runs) {
		var refused, slow float64
		p := newPodByRequest(app, seed, func(arrival, latency float64) {
			if arrival < 5 {
				return
			}
			if math.IsNaN(latency) {
				refused++
			} else if latency > 0.25 {
				slow++
			}
		})
		p.run(5, 100)
		for step := range steps {
			number[step] = append(number[step], float64(len(p.inside)))
			p.run(p.now+dt, load(step))
		}
		number[steps] = append(number[steps], float64(len(p.inside)))
		shed, bad = append(shed, refused), append(bad, refused+slow)
	}

	var st sim.PodState
	var flow sim.Flow
	s.Advance(&st, 100, 1, time.Minute, &flow)
	flow.Reset()
	path := []float64{st.InCPU()}
	for step := range steps {
		s.Advance(&st, load(step), 1, time.Duration(dt*1e9), &flow)
		path = append(path, st.InCPU())
	}

	// Nowhere is the backlog more than 15 of 200 requests away.
	for step, b := range number {
		mean, deviation := b.mean()
		if math.Abs(mean-path[step]) > 15+4*deviation {
			t.Errorf("backlog after %.2f s: %.1f by request, fluid %.1f", dt*float64(step), mean, path[step])
		}
	}
	// Time to fill and to drain: where the backlog passes 150 upwards and 50 downwards.
	cross := func(path func(int) float64, from, level, sign float64) float64 {
		for i := int(from / dt); i < steps; i++ {
			a, b := sign*path(i), sign*path(i+1)
			if a < sign*level && b >= sign*level {
				return dt * (float64(i) + (sign*level-a)/(b-a))
			}
		}
		return math.NaN()
	}
	byRequest := func(i int) float64 { mean, _ := number[i].mean(); return mean }
	fluid := func(i int) float64 { return path[i] }
	near(t, "time to a backlog of 150", cross(fluid, 0, 150, 1), cross(byRequest, 0, 150, 1), 0.1)
	near(t, "time to drain to 50", cross(fluid, 6, 50, -1)-6, cross(byRequest, 6, 50, -1)-6, 0.08)
	compare := func(what string, b batches, fluid, bias float64) {
		mean, deviation := b.mean()
		if math.Abs(mean-fluid) > 4*deviation+bias*mean {
			t.Errorf("%s: %.1f by request, standard error %.1f; fluid %.1f", what, mean, deviation, fluid)
		}
	}
	compare("shed", shed, flow.Shed, 0.02)
	compare("shed or late", bad, flow.Arrivals-flow.Accepted[sim.Good], 0.04)
	near(t, "growth of exponential CPU times", (path[6]-path[2])/(4*dt), 80, 0.05)
}
