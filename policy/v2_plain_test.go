package policy_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// plainV2 is V2 written for the eye: it keeps the samples and computes all features
// anew, with the newest sample appended a second time for the question.
type plainV2 struct {
	samples []plainSample
	model   *forecast.FittedForest
	max     int
}

type plainSample struct {
	at              time.Time
	cpu, mem, total float64
}

func (p *plainV2) decide(check int, in policy.Input) (wish int32, ok bool) {
	if in.PodsErr != nil {
		return 0, false
	}
	s := plainSample{at: in.Now}
	for _, pod := range in.Pods {
		s.total += float64(pod.Sample.MilliCPU)
		s.mem += float64(pod.Sample.Bytes) / 1048576
	}
	n := float64(len(in.Pods))
	s.cpu, s.mem = s.total/n, s.mem/n
	p.samples = append(p.samples, s)
	if len(p.samples) > p.max {
		p.samples = p.samples[len(p.samples)-p.max:]
	}
	if check%10 == 0 && len(p.samples) >= 20 {
		var x, y []float64
		for _, row := range plainFeatures(p.samples) {
			x = append(x, row...)
		}
		for _, s := range p.samples {
			y = append(y, math.Min(6, math.Max(1, math.Ceil(s.total/200))))
		}
		p.model, _ = forecast.Forest{Trees: 50, Bootstrap: true, Seed: 42}.Fit(x, y)
	}
	if len(p.samples) < 20 {
		seen := int32(len(in.Pods))
		if s.cpu > 250 {
			return min(seen+1, 6), true
		}
		if s.cpu < 50 && seen > 1 {
			return seen - 1, true
		}
		return seen, true
	}
	if p.model == nil {
		return 0, false
	}
	rows := plainFeatures(append(append([]plainSample(nil), p.samples...), s))
	return int32(math.RoundToEven(p.model.Predict(rows[len(rows)-1]))), true
}

func plainFeatures(samples []plainSample) [][]float64 {
	var rows [][]float64
	for i, s := range samples {
		day := map[time.Weekday]float64{time.Monday: 0, time.Tuesday: 1, time.Wednesday: 2, time.Thursday: 3,
			time.Friday: 4, time.Saturday: 5, time.Sunday: 6}[s.at.Weekday()]
		row := []float64{float64(s.at.Hour()), day, float64(s.at.Minute()), s.cpu, s.mem, s.total, 0, 0, 0, 0, 0, 0}
		if i > 0 {
			prev := samples[i-1]
			row[6], row[7], row[8] = s.cpu-prev.cpu, s.mem-prev.mem, s.total-prev.total
		}
		var n float64
		for j := max(0, i-4); j <= i; j++ {
			row[9] += samples[j].cpu
			row[10] += samples[j].mem
			row[11] += samples[j].total
			n++
		}
		row[9], row[10], row[11] = row[9]/n, row[10]/n, row[11]/n
		rows = append(rows, row)
	}
	return rows
}

// TestV2IsPlainV2 compares V2 with plainV2 over four days of a wandering load, with a
// history short enough to be full, and with metrics that fail at times.
func TestV2IsPlainV2(t *testing.T) {
	for seed := range uint64(3) {
		const historyMax = 70
		v, plain := newV2(t, policy.V2Config{HistoryMax: historyMax}), &plainV2{max: historyMax}
		r := rand.New(rand.NewPCG(seed, 3))
		spec, load := int32(1), 400.0
		sources := make(map[string]int)
		for k := 1; k <= 1200; k++ {
			load = math.Min(1500, math.Max(0, load+80*r.NormFloat64()))
			in := v2Input(k, spec, max(1, spec+int32(r.IntN(3))-1), int64(load))
			in.Now = v2Start.Add(time.Duration(k) * 5 * time.Minute)
			for i := range in.Pods {
				in.Pods[i].Sample.Bytes += r.Int64N(1 << 26)
			}
			if r.IntN(40) == 0 || seed == 1 && k == 7 {
				in.PodsErr = errors.New("gone")
			}
			d := v.Decide(in)
			wish, ok := plain.decide(k, in)
			if d.Hold == ok || ok && d.Raw != wish {
				t.Fatalf("seed %d, check %d: %+v, want %d, %t", seed, k, d, wish, ok)
			}
			sources[d.Proposals[0].Source]++
			spec = d.Replicas
		}
		if sources["heuristic"] < 18 || sources["metrics"] == 0 || sources["model"] < 1000 {
			t.Errorf("seed %d: decided by %v", seed, sources)
		}
	}
}
