package policy_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/policy"
)

// FuzzHPALimits compares stabilisation, rate limits and bounds with naiveHPA over
// random behaviors, times and proposals. Each byte of the tape is one sync.
func FuzzHPALimits(f *testing.F) {
	f.Add(uint64(1), []byte{200, 3, 3, 3, 90, 0, 0, 255})
	f.Add(uint64(7), []byte("the quick brown fox jumps over the lazy dog"))
	addTapes(f, 60, 60, 1)
	f.Fuzz(func(t *testing.T, seed uint64, tape []byte) {
		r := rand.New(rand.NewPCG(seed, 2))
		spec := autoscalingv2.HorizontalPodAutoscalerSpec{
			MinReplicas: new(pick(r, int32(1), 1, 3)),
			MaxReplicas: pick(r, int32(3), 10, 100, 1000),
			Metrics:     []autoscalingv2.MetricSpec{external("1", true)},
		}
		if r.Float64() < 0.8 {
			spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: randomRules(r), ScaleDown: randomRules(r)}
		}
		h, naive := mustHPA(t, spec), newNaive(spec)
		now, cur := epoch, pick(r, int32(1), 3, 10, 50)
		for i, b := range tape {
			now = now.Add(time.Duration(pick(r, 15, 15, 15, 14, 16, 1, 60, 300)) * time.Second)
			wish := pick(r, int32(b), cur+int32(b%4), max(0, cur-int32(b%4)))
			d := h.Decide(policy.Input{Now: now, Spec: cur, Values: []policy.Value{{Value: float64(wish)}}})
			want := naive.decide(now, cur, wish)
			if d.Replicas != want {
				t.Fatalf("sync %d: %d -> %d with the wish %d, want %d\n%+v", i, cur, d.Replicas, wish, want, d)
			}
			checkClamps(t, cur, &d)
			// Now and then the update fails.
			if want != cur && r.Float64() < 0.9 {
				h.Commit(now, cur, want)
				naive.events = append(naive.events, event{now, want - cur})
				cur = want
			}
		}
	})
}

// addTapes seeds a fuzz test with n tapes of random bytes; stream tells its random numbers from those
// of other tests.
func addTapes(f *testing.F, n uint64, length int, stream uint64) {
	for seed := range n {
		r := rand.New(rand.NewPCG(seed, stream))
		tape := make([]byte, length)
		for i := range tape {
			tape[i] = byte(r.Uint32())
		}
		f.Add(seed, tape)
	}
}

// checkClamps walks from the wish to the result along the clamps.
func checkClamps(t *testing.T, cur int32, d *policy.Decision) {
	t.Helper()
	at := d.Raw
	for _, c := range d.Clamps {
		if c.From != at || c.To == at {
			t.Fatalf("from %d, the clamps of %+v do not lead from the wish to the result", cur, d)
		}
		at = c.To
	}
	if at != d.Replicas {
		t.Fatalf("from %d, the clamps of %+v end at %d", cur, d, at)
	}
}

// naiveHPA keeps all that ever happened and filters it anew for each question.
type naiveHPA struct {
	spec    autoscalingv2.HorizontalPodAutoscalerSpec
	started bool
	wishes  []event
	events  []event // the changes made, negative ones are scale-downs
}

type event struct {
	at time.Time
	n  int32
}

func newNaive(spec autoscalingv2.HorizontalPodAutoscalerSpec) *naiveHPA {
	spec = *spec.DeepCopy()
	if b := spec.Behavior; b != nil {
		fill := func(r **autoscalingv2.HPAScalingRules, window int32, policies ...autoscalingv2.HPAScalingPolicy) {
			if *r == nil {
				*r = &autoscalingv2.HPAScalingRules{}
			}
			if (*r).StabilizationWindowSeconds == nil {
				(*r).StabilizationWindowSeconds = &window
			}
			if (*r).SelectPolicy == nil {
				(*r).SelectPolicy = new(autoscalingv2.MaxChangePolicySelect)
			}
			if len((*r).Policies) == 0 {
				(*r).Policies = policies
			}
		}
		percent := autoscalingv2.HPAScalingPolicy{Type: "Percent", Value: 100, PeriodSeconds: 15}
		fill(&b.ScaleUp, 0, autoscalingv2.HPAScalingPolicy{Type: "Pods", Value: 4, PeriodSeconds: 15}, percent)
		fill(&b.ScaleDown, 300, percent)
	}
	return &naiveHPA{spec: spec}
}

func (n *naiveHPA) decide(now time.Time, cur, wish int32) int32 {
	if !n.started {
		n.started = true
		n.wishes = append(n.wishes, event{now, cur})
	}
	lowest, highest := *n.spec.MinReplicas, n.spec.MaxReplicas
	if cur > highest {
		return highest
	}
	if cur < lowest {
		return lowest
	}
	within := func(seconds int32, inclusive bool) []int32 {
		wishes := []int32{wish}
		for _, w := range n.wishes {
			age := now.Sub(w.at)
			window := time.Duration(seconds) * time.Second
			if age < window || inclusive && age == window {
				wishes = append(wishes, w.n)
			}
		}
		return wishes
	}
	b := n.spec.Behavior
	if b == nil {
		stable := slices.Max(within(300, true))
		n.wishes = append(n.wishes, event{now, wish})
		if stable < lowest {
			return lowest
		}
		return min(stable, highest, max(2*cur, 4))
	}
	up := slices.Min(within(*b.ScaleUp.StabilizationWindowSeconds, false))
	down := slices.Max(within(*b.ScaleDown.StabilizationWindowSeconds, false))
	n.wishes = append(n.wishes, event{now, wish})
	switch {
	case cur < up:
		return min(up, highest, max(cur, n.limitOf(now, cur, b.ScaleUp, +1)))
	case cur > down:
		return max(down, lowest, min(cur, n.limitOf(now, cur, b.ScaleDown, -1)))
	}
	return cur
}

// limitOf asks every policy and takes the limit farthest from cur, or the nearest.
func (n *naiveHPA) limitOf(now time.Time, cur int32, r *autoscalingv2.HPAScalingRules, sign int32) int32 {
	if *r.SelectPolicy == autoscalingv2.DisabledPolicySelect {
		return cur
	}
	var limits []int32
	for _, p := range r.Policies {
		start := cur
		for _, e := range n.remembered() {
			if now.Sub(e.at) < time.Duration(p.PeriodSeconds)*time.Second {
				start -= e.n
			}
		}
		switch {
		case p.Type == autoscalingv2.PodsScalingPolicy:
			limits = append(limits, start+sign*p.Value)
		case sign > 0:
			limits = append(limits, int32(math.Ceil(float64(start)*(1+float64(p.Value)/100))))
		default:
			limits = append(limits, int32(math.Trunc(float64(start)*(1-float64(p.Value)/100))))
		}
	}
	if (sign > 0) == (*r.SelectPolicy == autoscalingv2.MaxChangePolicySelect) {
		return slices.Max(limits)
	}
	return slices.Min(limits)
}

// remembered replays the memory of the controller: a change takes the place of the
// last one in the list that is past every period of its own direction.
func (n *naiveHPA) remembered() []event {
	var all []event
	for _, dir := range []struct {
		sign  int32
		rules *autoscalingv2.HPAScalingRules
	}{{+1, n.spec.Behavior.ScaleUp}, {-1, n.spec.Behavior.ScaleDown}} {
		longest := int32(0)
		for _, p := range dir.rules.Policies {
			longest = max(longest, p.PeriodSeconds)
		}
		var list []event
		for _, e := range n.events {
			if e.n*dir.sign < 0 {
				continue
			}
			place := len(list)
			for i, old := range list {
				if e.at.Sub(old.at) > time.Duration(longest)*time.Second {
					place = i
				}
			}
			list = append(list[:place:place], append([]event{e}, list[min(place+1, len(list)):]...)...)
		}
		all = append(all, list...)
	}
	return all
}

// FuzzHPAReplicas compares the replicas that pods ask for with naiveReplicas.
func FuzzHPAReplicas(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed, int32(50), uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, target int32, current uint8) {
		if target < 1 {
			t.Skip("not a target")
		}
		r := rand.New(rand.NewPCG(seed, 3))
		spec := autoscalingv2.HorizontalPodAutoscalerSpec{
			MaxReplicas: 1 << 30, Metrics: []autoscalingv2.MetricSpec{cpuUtilization(target)},
		}
		st := scenarioStep{override: -1}
		level := pick(r, 0.1, 0.5, 0.9, 1, 1.1, 1.5, 3) * float64(min(target, 1000)) / 50
		for range r.IntN(15) {
			st.pods = append(st.pods, randomPod(r, level, r.Float64() < 0.5))
		}
		cur := int32(current) + 1
		in := scenarioInput(epoch, cur, &spec, &st)
		d := mustHPA(t, spec).Decide(in)
		want, ok := naiveReplicas(in, int64(target))
		if ok != (d.Proposals[0].Err == nil) {
			t.Fatalf("error %v, wanted one: %t", d.Proposals[0].Err, !ok)
		}
		if ok && d.Proposals[0].Replicas != want {
			t.Fatalf("%d, want %d: %s", d.Proposals[0].Replicas, want, d.Proposals[0].Detail)
		}
	})
}

// naiveReplicas sorts the pods into lists and does each sum over a list of the pods
// that it is about.
func naiveReplicas(in policy.Input, target int64) (n int32, ok bool) {
	type sample struct{ used, request int64 }
	var ready, unready, missing []sample
	for _, p := range in.Pods {
		s := sample{request: p.RequestMilliCPU}
		if p.RequestMilliCPU == 0 {
			return 0, false
		}
		if p.Deleting || p.Phase == policy.PodFailed {
			continue
		}
		if p.Phase == policy.PodPending {
			unready = append(unready, s)
			continue
		}
		if p.Sample == nil {
			missing = append(missing, s)
			continue
		}
		out := true
		if !p.ReadyChanged.IsZero() && !p.Started.IsZero() {
			age, change := in.Now.Sub(p.Started), p.ReadyChanged.Sub(p.Started)
			if age < 5*time.Minute {
				out = !p.Ready || p.Sample.Time.Sub(p.ReadyChanged) < p.Sample.Window
			} else {
				out = !p.Ready && change < 30*time.Second
			}
		}
		if out {
			unready = append(unready, s)
			continue
		}
		s.used = p.Sample.MilliCPU
		ready = append(ready, s)
	}
	if len(ready) == 0 {
		return 0, false
	}
	ratioOf := func(samples []sample) float64 {
		var used, request int64
		for _, s := range samples {
			used += s.used
			request += s.request
		}
		return float64(used*100/request) / float64(target)
	}
	inside := func(r float64) bool { return 0.9 <= r && r <= 1.1 }

	ratio := ratioOf(ready)
	counted := slices.Clone(ready)
	if ratio > 1 {
		counted = append(append(counted, missing...), unready...)
	}
	if ratio < 1 {
		for _, s := range missing {
			counted = append(counted, sample{s.request * max(100, target) / 100, s.request})
		}
	}
	again := ratioOf(counted)
	if inside(again) || (ratio < 1) != (again < 1) || (ratio > 1) != (again > 1) {
		return in.Spec, true
	}
	n = int32(math.Ceil(again * float64(len(counted))))
	// Without stand-ins the count of ready pods may turn the direction around.
	if len(counted) > len(ready) {
		if ratio > 1 {
			n = max(n, in.Spec)
		} else {
			n = min(n, in.Spec)
		}
	}
	return n, true
}
