package policy

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// TestLossTrack compares the running loss with one that keeps everything and looks at
// each window anew.
func TestLossTrack(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		q, window := 0.05+0.9*r.Float64(), 1+r.IntN(6)
		track := lossTrack{quantile: q, pending: make([]pendingMax, window)}
		var ys, uppers []float64
		for range 300 {
			y, upper := 100*r.Float64(), 120*r.Float64()
			if r.IntN(15) == 0 {
				y = math.NaN()
			}
			if r.IntN(15) == 0 {
				upper = math.NaN()
			}
			track.step(y, upper)
			ys, uppers = append(ys, y), append(uppers, upper)
		}
		var sum float64
		n := 0
		for made := 0; made+window < len(ys); made++ {
			highest, upper := math.Inf(-1), uppers[made]
			for _, y := range ys[made+1 : made+1+window] {
				highest = max(highest, y) // NaN stays
			}
			if math.IsNaN(highest) || math.IsNaN(upper) {
				continue
			}
			n++
			if highest >= upper {
				sum += q * (highest - upper)
			} else {
				sum += (1 - q) * (upper - highest)
			}
		}
		if track.n != n || math.Abs(track.mean-sum/float64(n)) > 1e-9 {
			t.Errorf("seed %d: mean %v of %d, want %v of %d", seed, track.mean, track.n, sum/float64(n), n)
		}
	}
}

// TestLossTrackForgets: after a day of minutes an old loss fades by a factor e a day.
func TestLossTrackForgets(t *testing.T) {
	const day = 24 * 60
	track := lossTrack{quantile: 0.5, pending: make([]pendingMax, 1)}
	for range day + 1 {
		track.step(100, 0) // a loss of 50 each
	}
	if track.mean != 50 {
		t.Fatalf("mean %v of losses that are all 50", track.mean)
	}
	for range day + 1 {
		track.step(0, 0) // the first of them judges the last bound of 0 by 0
	}
	if want := 50 * math.Exp(-1); math.Abs(track.mean-want) > 0.01*want {
		t.Errorf("mean %v a day later, want about %v", track.mean, want)
	}
}

// TestSkill: 0 while too little is known or last value is never wrong, else the share of
// its loss that the model saves.
func TestSkill(t *testing.T) {
	tests := []struct {
		model, last float64
		n           int
		want        float64
	}{
		{1, 2, fewestLosses - 1, 0},
		{1, 2, fewestLosses, 0.5},
		{3, 2, fewestLosses, -0.5},
		{0, 2, fewestLosses, 1},
		{3, 0, fewestLosses, 0},
	}
	for _, tt := range tests {
		s := skill{model: lossTrack{mean: tt.model, n: tt.n}, last: lossTrack{mean: tt.last, n: tt.n}}
		if got := s.value(); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// TestDemotionHasHysteresis walks the skill up and down across the two thresholds.
func TestDemotionHasHysteresis(t *testing.T) {
	cfg := V3Config{
		Metrics: []V3Metric{{PerReplica: 1}}, Min: 1, Max: 9, Model: forecast.Naive{}, Quantile: 0.9, DemoteBelow: 0.2,
		Step: time.Minute, Interval: time.Minute,
	}
	o, err := newOutlook(&cfg, cfg.Metrics[0])
	if err != nil {
		t.Fatal(err)
	}
	walk := []struct {
		skill   float64
		demoted bool
	}{
		{0.9, false},
		{0.21, false},
		{0.19, true},
		{0.21, true},
		{0.2 + demotionMargin - 0.01, true},
		{0.2 + demotionMargin + 0.01, false},
		{0.21, false},
		{0.19, true},
		{-5, true},
		{0.5, false},
	}
	for i, w := range walk {
		o.skill.model = lossTrack{mean: 1 - w.skill, n: fewestLosses, quantile: 0.9, pending: make([]pendingMax, 1)}
		o.skill.last = lossTrack{mean: 1, n: fewestLosses, quantile: 0.9, pending: make([]pendingMax, 1)}
		o.choose()
		if o.demoted != w.demoted {
			t.Errorf("%d: at a skill of %v demoted is %t", i, w.skill, o.demoted)
		}
	}
	cfg.DemoteBelow = math.NaN()
	o.demoted, o.skill.model.mean = false, 100
	if o.choose(); o.demoted {
		t.Error("demoted, though that was switched off")
	}
}
