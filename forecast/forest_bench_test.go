package forecast_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"hindcast.dev/forecast"
)

// v2Rows returns n rows of the kind that V2 trains on: a load with a daily wave and
// noise, the twelve features of it, and the clamped number of pods as target.
func v2Rows(src rand.Source, n int) (x, y []float64) {
	r := rand.New(src)
	var totals, cpus, mems []float64
	pods := 1.0
	for i := range n {
		t := float64(i) / 120 // hours
		total := math.Round(700 + 500*math.Sin(2*math.Pi*t/8) + 60*r.NormFloat64())
		total = max(total, 3)
		totals = append(totals, total)
		cpus = append(cpus, total/pods)
		mems = append(mems, 220+5*r.NormFloat64())
		mean := func(s []float64) float64 {
			s = s[max(0, len(s)-5):]
			var sum float64
			for _, v := range s {
				sum += v
			}
			return sum / float64(len(s))
		}
		diff := func(s []float64) float64 {
			if len(s) < 2 {
				return 0
			}
			return s[len(s)-1] - s[len(s)-2]
		}
		x = append(x, math.Floor(t), 0, float64(i/2%60), cpus[i], mems[i], total,
			diff(cpus), diff(mems), diff(totals), mean(cpus), mean(mems), mean(totals))
		pods = min(6, max(1, math.Ceil(total/200)))
		y = append(y, pods)
	}
	return x, y
}

// smoothRows returns n rows of p features and a smooth target with noise.
func smoothRows(src rand.Source, n, p int) (x, y []float64) {
	r := rand.New(src)
	for range n {
		row := make([]float64, p)
		for f := range row {
			row[f] = r.Float64()
		}
		x = append(x, row...)
		y = append(y, 10*math.Sin(math.Pi*row[0]*row[1])+20*(row[2]-0.5)*(row[2]-0.5)+
			10*row[3]+5*row[4]+r.NormFloat64())
	}
	return x, y
}

func benchmarkForest(b *testing.B, x, y []float64) {
	f := forecast.Forest{Trees: 50, Bootstrap: true, Seed: 42}
	p := len(x) / len(y)
	var m forecast.FittedForest
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Refit(&m, x, y); err != nil {
			b.Fatal(err)
		}
		for i := range 10 {
			m.Predict(x[i*37*p : (i*37+1)*p])
		}
	}
}

func BenchmarkForestV2(b *testing.B) {
	x, y := v2Rows(rand.NewPCG(1, 2), 1000)
	benchmarkForest(b, x, y)
}

func BenchmarkForestSmooth(b *testing.B) {
	x, y := smoothRows(rand.NewPCG(1, 2), 1000, 12)
	benchmarkForest(b, x, y)
}
