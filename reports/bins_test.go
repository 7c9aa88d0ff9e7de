package reports

import (
	"math"
	"math/rand/v2"
	"testing"
)

// stretchOf is a value held for a time, as in a timeline.
type stretchOf struct{ t0, t1, v float64 }

func randomStretches(rng *rand.Rand, from, to float64) []stretchOf {
	var out []stretchOf
	for t := from; t < to; {
		end := min(t+rng.ExpFloat64()*3, to)
		v := math.Floor(20 * rng.Float64())
		if rng.IntN(8) == 0 {
			v = math.NaN()
		}
		out = append(out, stretchOf{t, end, v})
		t = end
	}
	return out
}

// The thinned data must keep the highest and lowest value of every column and the
// integral of the whole, whatever the stretches are; found here by brute force.
func TestBinsKeepExtremesAndAreas(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		from, to, n := 100*rng.Float64(), 200+100*rng.Float64(), 1+rng.IntN(60)
		b := newBins(from, to, n)
		data := randomStretches(rng, from-10, to+10)
		for _, s := range data {
			b.add(s.t0, s.t1, s.v)
		}
		width := (to - from) / float64(n)
		total, want := 0.0, 0.0
		for i, c := range b.cols {
			lo, hi := from+float64(i)*width, from+float64(i+1)*width
			low, high := math.Inf(1), math.Inf(-1)
			for _, s := range data {
				overlap := min(s.t1, hi) - max(s.t0, lo)
				if overlap <= 1e-9 || math.IsNaN(s.v) {
					continue
				}
				low, high = min(low, s.v), max(high, s.v)
				want += s.v * overlap
			}
			if low > high {
				if c.seconds > 1e-9 {
					t.Fatalf("column %d has %v s of data, want a gap", i, c.seconds)
				}
				continue
			}
			if c.low > low || c.high < high {
				t.Fatalf("column %d keeps [%v, %v], the data has [%v, %v]", i, c.low, c.high, low, high)
			}
			if c.seconds > 0 {
				total += c.sum
			}
		}
		if math.Abs(total-want) > 1e-6*math.Max(1, want) {
			t.Fatalf("integral %v, want %v", total, want)
		}
	}
}

func TestEnvelopeIsInOrderAndComplete(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	b := newBins(0, 500, 40)
	for _, s := range randomStretches(rng, 0, 500) {
		b.add(s.t0, s.t1, s.v)
	}
	low, high, ok := b.extent()
	if !ok {
		t.Fatal("no data")
	}
	seenLow, seenHigh, last := math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range b.envelope() {
		if p.x < last {
			t.Fatalf("time goes back from %v to %v", last, p.x)
		}
		last = p.x
		if !math.IsNaN(p.y) {
			seenLow, seenHigh = min(seenLow, p.y), max(seenHigh, p.y)
		}
	}
	if seenLow != low || seenHigh != high {
		t.Errorf("envelope spans [%v, %v], data [%v, %v]", seenLow, seenHigh, low, high)
	}
}

func TestGapsStayGaps(t *testing.T) {
	b := newBins(0, 10, 10)
	b.add(0, 4, 1)
	b.add(4, 6, math.NaN())
	b.add(6, 10, 3)
	for i := range 10 {
		if gap := math.IsNaN(b.mean(i)); gap != (i == 4 || i == 5) {
			t.Errorf("column %d: gap %v", i, gap)
		}
	}
	gaps := 0
	for _, p := range b.envelope() {
		if math.IsNaN(p.y) {
			gaps++
		}
	}
	if gaps != 2 {
		t.Errorf("%d gaps in the line, want 2", gaps)
	}
}

func TestRiseFinder(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 100 {
		var rise riseFinder
		var xs []xy
		now := 0.0
		for range 300 {
			now += 600 * rng.Float64()
			xs = append(xs, xy{now, float64(rng.IntN(30))})
		}
		wantAt, want := xs[0].x, 0.0
		for i, p := range xs {
			for _, q := range xs[:i+1] {
				if q.x >= p.x-riseWithin.Seconds() && p.y-q.y > want {
					wantAt, want = p.x, p.y-q.y
				}
			}
			rise.add(p.x, p.y)
		}
		if rise.at != wantAt || rise.rise != want {
			t.Fatalf("rise of %v at %v, want %v at %v", rise.rise, rise.at, want, wantAt)
		}
	}
}

func TestAroundStaysInside(t *testing.T) {
	const hour = 3600
	for _, c := range []struct{ at, from, to, wantFrom, wantTo float64 }{
		{50 * hour, 0, 100 * hour, 47 * hour, 53 * hour},
		{1 * hour, 0, 100 * hour, 0, 6 * hour},
		{99 * hour, 0, 100 * hour, 94 * hour, 100 * hour},
		{1 * hour, 0, 2 * hour, 0, 2 * hour},
	} {
		from, to := around(c.at, c.from, c.to)
		if from != c.wantFrom || to != c.wantTo {
			t.Errorf("around(%v) = [%v, %v], want [%v, %v]", c.at, from, to, c.wantFrom, c.wantTo)
		}
	}
}
