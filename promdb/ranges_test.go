package promdb_test

import (
	"math"
	"testing"
	"time"

	"hindcast.dev/promdb"
)

// The series of a range query are those of the instant queries at its steps, and their
// sum is that of QueryRange.
func TestReaderQueryRanges(t *testing.T) {
	end := epoch.Add(7 * time.Hour)
	db, err := promdb.OpenReadOnly(finished(t, promdb.Config{}, world(epoch, end, 5)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const step = 7 * time.Minute
	from := epoch.Add(11 * time.Minute)
	for _, expr := range []string{`requests_total`, `rate(requests_total[5m])`, `replicas`, `late`, `nothing`} {
		ranges, err := db.QueryRanges(t.Context(), expr, from, end, step)
		if err != nil {
			t.Fatal(err)
		}
		sums, err := db.QueryRange(t.Context(), expr, from, end, step)
		if err != nil {
			t.Fatal(err)
		}
		for i, sum := range sums {
			at := from.Add(time.Duration(i) * step)
			want, err := db.QueryVector(t.Context(), expr, at)
			if err != nil {
				t.Fatal(err)
			}
			got, total := 0, 0.0
			for _, r := range ranges {
				if math.IsNaN(r.Values[i]) {
					continue
				}
				if k := want[got]; k.Value != r.Values[i] || key(k.Labels) != key(r.Labels) {
					t.Errorf("%s at %s: %v of %v, want %v", expr, at, r.Values[i], r.Labels, k)
				}
				got++
				total += r.Values[i]
			}
			if got != len(want) || got > 0 && total != sum || got == 0 && !math.IsNaN(sum) {
				t.Errorf("%s at %s: %d values, want %v; their sum %v, want %v", expr, at, got, want, total, sum)
			}
		}
		if expr != "nothing" && (len(ranges) == 0 || len(ranges[0].Values) != len(sums)) {
			t.Errorf("%s: %d series", expr, len(ranges))
		}
	}
}
