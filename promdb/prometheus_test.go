package promdb_test

import (
	"math"
	"testing"
	"time"

	"hindcast.dev/internal/promtest"
	"hindcast.dev/promdb"
)

// A Prometheus server opens the directory of a finished run and answers as the
// run did. Neither the instants nor the full half minutes that subqueries fall on
// coincide with a scrape: servers before 3.0 count a sample at the very start of
// a range, later ones do not.
func TestPrometheusServerOpensAFinishedRun(t *testing.T) {
	for name, start := range map[string]time.Time{"2024": epoch.Add(2 * time.Second), "1998": worldCup} {
		t.Run(name, func(t *testing.T) {
			end := start.Add(26 * time.Hour)
			points := world(start, end, 13)
			run := open(t, promdb.Config{})
			replay(t, run, points)
			server := promtest.Start(t, finished(t, promdb.Config{}, points))
			compared := 0
			for at := start.Add(7 * time.Second); at.Before(end.Add(10 * time.Minute)); at = at.Add(53*time.Minute + 15*time.Second) {
				for _, expr := range questions {
					want, err := run.QueryVector(t.Context(), expr, at)
					if err != nil {
						t.Fatal(err)
					}
					compareVectors(t, expr+" at "+at.String(), server.Query(t, expr, at), want)
					compared += len(want)
				}
			}
			if compared < 500 {
				t.Errorf("only %d values compared", compared)
			}
		})
	}
}

// compareVectors allows for the rounding of sums, which servers before 3.0 do not
// compensate.
func compareVectors(t *testing.T, what string, got map[string]float64, want []promdb.Sample) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: the server says %v, the run %v", what, got, want)
		return
	}
	for _, s := range want {
		g, ok := got[key(s.Labels)]
		if same := g == s.Value || math.IsNaN(g) && math.IsNaN(s.Value); !ok || !same && math.Abs(g-s.Value) > 1e-9*math.Abs(s.Value) {
			t.Errorf("%s: %v: the server says %v", what, s, got)
		}
	}
}

func key(ls []promdb.Label) string {
	m := make(map[string]string, len(ls))
	for _, l := range ls {
		m[l.Name] = l.Value
	}
	return promtest.Key(m)
}
