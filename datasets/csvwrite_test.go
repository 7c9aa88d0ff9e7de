package datasets_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hindcast.dev/datasets"
)

// roundTrip writes s and reads it again.
func roundTrip(t *testing.T, s datasets.Series) {
	t.Helper()
	var b bytes.Buffer
	if err := datasets.WriteCSV(&b, s); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	got, err := datasets.ReadCSV(&b, s.Name)
	if err != nil {
		t.Fatalf("%v\n%.500s", err, text)
	}
	got.Unit = s.Unit // not in the file
	same(t, got, s)
}

func TestWriteCSV(t *testing.T) {
	s := datasets.Series{Start: at("2026-01-05T00:00:00Z"), Step: time.Minute, Values: []float64{1, 0.1, nan, 1e-9, 123456789.5}}
	var b strings.Builder
	if err := datasets.WriteCSV(&b, s); err != nil {
		t.Fatal(err)
	}
	const want = `timestamp,value
2026-01-05T00:00:00Z,1
2026-01-05T00:01:00Z,0.1
2026-01-05T00:03:00Z,1e-09
2026-01-05T00:04:00Z,1.234567895e+08
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestWriteCSVRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		s := datasets.Series{
			Name: "x", Unit: datasets.RPS,
			Start:  at("2026-01-05T21:42:53Z").Add(time.Duration(rng.IntN(1e9))),
			Step:   time.Duration(1+rng.IntN(1e6)) * time.Millisecond,
			Values: make([]float64, 2+rng.IntN(12)),
		}
		if rng.IntN(2) == 0 {
			s.Relative, s.Start = true, time.Unix(int64(rng.IntN(1000)), 250_000_000).UTC()
		}
		gaps := rng.Float64()
		for i := range s.Values {
			s.Values[i] = 100 * rng.ExpFloat64()
			if rng.Float64() < gaps {
				s.Values[i] = math.NaN()
			}
		}
		s.Values[rng.IntN(len(s.Values))] = 1 // a file of gaps only is refused
		roundTrip(t, s)
	}
}

func TestWriteCSVErrors(t *testing.T) {
	good := datasets.Series{Name: "x", Start: at("2026-01-05T00:00:00Z"), Step: time.Minute, Values: []float64{1, 2}}
	for _, bad := range []float64{-1, math.Inf(1), math.Inf(-1)} {
		s := good
		s.Values = []float64{1, bad}
		if err := datasets.WriteCSV(&bytes.Buffer{}, s); err == nil || !strings.Contains(err.Error(), "2026-01-05T00:01:00Z") {
			t.Errorf("value %g: %v, want an error with its time", bad, err)
		}
	}
	s := good
	s.Step = 0
	if err := datasets.WriteCSV(&bytes.Buffer{}, s); err == nil {
		t.Error("no error without a step")
	}
	if err := datasets.WriteCSV(brokenWriter{}, good); !errors.Is(err, errFull) {
		t.Errorf("%v does not wrap the writer's error", err)
	}
}

var errFull = errors.New("disk full")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errFull }
