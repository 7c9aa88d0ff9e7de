package promdb_test

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
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
				series[i] = handle(b, db, "x", promdb.Label{Name: "i", Value: strconv.Itoa(i)})
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

// BenchmarkRun is the whole life of a run's database: 30 days, five series of the
// workload and four of each pod, of which five live at a time, 2.4 hours each.
// Every 15 s it is queried once. heap-MB is what the open database holds at the end.
func BenchmarkRun(b *testing.B) {
	for _, block := range []time.Duration{2 * time.Hour, 6 * time.Hour, 24 * time.Hour} {
		b.Run("block="+block.String(), func(b *testing.B) {
			const live, perPod, stepsPerPod = 5, 4, 576 / 5
			var samples int
			var heap float64
			for b.Loop() {
				before := heapMB()
				db := open(b, promdb.Config{Dir: b.TempDir() + "/tsdb", BlockDuration: block})
				workload := make([]*promdb.Series, 5)
				for i := range workload {
					workload[i] = handle(b, db, fmt.Sprintf("w%d", i))
				}
				pods := make([][]*promdb.Series, live)
				born, value := 0, 0.0
				for at := epoch; at.Before(epoch.Add(30 * 24 * time.Hour)); at = at.Add(scrape) {
					value++
					if int(value)%stepsPerPod == 1 {
						slot := born % live
						for _, s := range pods[slot] {
							mustAppend(b, db.Stale(s, at))
						}
						pods[slot] = nil
						for k := range perPod {
							pod := promdb.Label{Name: "pod", Value: fmt.Sprintf("shop-%d", born)}
							pods[slot] = append(pods[slot], handle(b, db, fmt.Sprintf("m%d", k), pod))
						}
						born++
					}
					for _, s := range workload {
						mustAppend(b, db.Append(s, at, value))
					}
					for _, pod := range pods {
						for _, s := range pod {
							mustAppend(b, db.Append(s, at, value))
						}
					}
					mustAppend(b, db.Commit(at))
					if value > 4 {
						if _, err := db.Query(b.Context(), `sum(rate(m1{pod=~"shop-.*"}[1m]))`, at); err != nil {
							b.Fatal(err)
						}
					}
				}
				heap = max(heap, heapMB()-before)
				samples += int(db.Stats().Samples)
				if err := db.Finish(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(samples)/b.Elapsed().Seconds(), "samples/s")
			b.ReportMetric(heap, "heap-MB")
		})
	}
}

func mustAppend(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}

func heapMB() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// BenchmarkFill appends 30 days of 25 series and leaves them in blocks.
func BenchmarkFill(b *testing.B) {
	for _, block := range []time.Duration{2 * time.Hour, 6 * time.Hour, 24 * time.Hour} {
		b.Run("block="+block.String(), func(b *testing.B) {
			n := 0
			for b.Loop() {
				db := open(b, promdb.Config{Dir: b.TempDir() + "/tsdb", BlockDuration: block})
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
		db := open(b, promdb.Config{})
		end := epoch.Add(time.Duration(days) * 24 * time.Hour)
		fill(b, db, epoch, end, 1)
		for _, expr := range []string{
			`sum(rate(x[1m]))`,
			`sum(rate(x{i=~"[0-9]+"}[1m]))`,
			`avg_over_time(x[5m])`,
		} {
			b.Run(fmt.Sprintf("days=%d/%s", days, expr), func(b *testing.B) {
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

// fill appends n counters x{i} from start to end at 15 s and returns the number
// of samples.
func fill(t testing.TB, db *promdb.DB, start, end time.Time, n int) int {
	t.Helper()
	series := make([]*promdb.Series, n)
	for i := range series {
		series[i] = handle(t, db, "x", promdb.Label{Name: "i", Value: strconv.Itoa(i)})
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

func BenchmarkShared(b *testing.B) {
	db := open(b, promdb.Config{})
	fill(b, db, epoch, epoch.Add(24*time.Hour), 1)
	shared, err := promdb.Share(db)
	if err != nil {
		b.Fatal(err)
	}
	view, err := shared.View(time.Second)
	if err != nil {
		b.Fatal(err)
	}
	at := epoch
	b.ReportAllocs()
	for b.Loop() { // once around the day, all instants are remembered
		if at = at.Add(scrape); at.Sub(epoch) > 23*time.Hour {
			at = epoch.Add(time.Hour)
		}
		if _, err := view.Query(b.Context(), `sum(rate(x[1m]))`, at.Add(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
}
