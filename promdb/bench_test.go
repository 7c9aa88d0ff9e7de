package promdb_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"hindcast.dev/promdb"
)

func BenchmarkAppend(b *testing.B) {
	for _, wal := range []bool{false, true} {
		b.Run(fmt.Sprintf("wal=%t", wal), func(b *testing.B) {
			// A block so long that none is cut: the price of Append and Commit alone.
			db := open(b, promdb.Config{WAL: wal, Dir: b.TempDir(), BlockDuration: 10 * 365 * 24 * time.Hour})
			series := make([]*promdb.Series, 100)
			for i := range series {
				series[i] = handle(b, db, "x", promdb.Label{Name: "i", Value: fmt.Sprint(i)})
			}
			b.ReportAllocs()
			at, n := epoch, 0
			for b.Loop() {
				at = at.Add(scrape)
				for i, s := range series {
					if err := db.Append(s, at, float64(n*i)); err != nil {
						b.Fatal(err)
					}
				}
				if err := db.Commit(at); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(n*len(series))/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

// BenchmarkFill is the whole life of a run's database: 30 days of 25 series.
func BenchmarkFill(b *testing.B) {
	for _, block := range []time.Duration{2 * time.Hour, 6 * time.Hour, 24 * time.Hour} {
		b.Run("block="+block.String(), func(b *testing.B) {
			n := 0
			for b.Loop() {
				db := open(b, promdb.Config{Dir: b.TempDir() + "/x", BlockDuration: block})
				n += fill(b, db, epoch, epoch.Add(30*24*time.Hour), 25)
				if err := db.Finish(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

func BenchmarkQuery(b *testing.B) {
	for _, days := range []int{1, 7, 87} {
		for _, block := range []time.Duration{2 * time.Hour, 24 * time.Hour} {
			db := open(b, promdb.Config{BlockDuration: block})
			end := epoch.Add(time.Duration(days) * 24 * time.Hour)
			fill(b, db, epoch, end, 1)
			for _, expr := range []string{
				`sum(rate(x[1m]))`,
				`sum(rate(x{i=~"[0-9]+"}[1m]))`,
				`avg_over_time(x[5m])`,
			} {
				b.Run(fmt.Sprintf("%dd/%s/%s", days, block, expr), func(b *testing.B) {
					b.ReportAllocs()
					at := end
					for b.Loop() {
						if _, err := db.Query(b.Context(), expr, at); err != nil {
							b.Fatal(err)
						}
						if at = at.Add(-scrape); at.Sub(epoch) < 12*time.Hour {
							at = end
						}
					}
				})
			}
		}
	}
}

// fill appends n counters x{i} from start to end at 15 s and returns the number
// of samples.
func fill(t testing.TB, db *promdb.DB, start, end time.Time, n int) int {
	t.Helper()
	series := make([]*promdb.Series, n)
	for i := range series {
		series[i] = handle(t, db, "x", promdb.Label{Name: "i", Value: fmt.Sprint(i)})
	}
	samples, total := 0, make([]float64, n)
	for at := start; !at.After(end); at = at.Add(scrape) {
		for i, s := range series {
			total[i] += 100 + 50*math.Sin(at.Sub(start).Hours()/24*2*math.Pi) + float64(samples%(7+i))
			if err := db.Append(s, at, total[i]); err != nil {
				t.Fatal(err)
			}
			samples++
		}
		if err := db.Commit(at); err != nil {
			t.Fatal(err)
		}
	}
	return samples
}
