package sources_test

import (
	"errors"
	"testing"
	"time"

	"hindcast.dev/internal/sources"
	"hindcast.dev/live/promclient"
	"hindcast.dev/promdb"
)

func TestCounters(t *testing.T) {
	const count, by = "count(count by (job, instance, namespace, pod) (", "))"
	for expr, want := range map[string][]sources.Counter{
		`sum(rate(a{x="1"}[1m]))`: {{`rate(a{x="1"}[1m]) and a{x="1"}`, time.Minute}},
		`sum(a) or vector(0)`:     {{`a`, 0}},
		`histogram_quantile(0.9, sum by (le) (rate(b_bucket[5m])))`: {{`rate(b_bucket[5m]) and b_bucket`, 5 * time.Minute}},
		`max_over_time(sum(rate(a[1m]))[10m:1m])`:                   {{`rate(a[1m]) and a`, 11 * time.Minute}},
		`quantile_over_time(0.5, a[5m])`:                            {{`quantile_over_time(0.5, a[5m]) and a`, 5 * time.Minute}},
		`sum(a * on (pod) group_left kube_pod_info)`:                {{`a`, 0}, {`kube_pod_info`, 0}},
		`sum(rate(a[1m])) / sum(rate(b[2m])) + sum(rate(a[1m]))`:    {{`rate(b[2m]) and b`, 2 * time.Minute}, {`rate(a[1m]) and a`, time.Minute}},
		`{__name__=~"a|b"}`:                                         {{`{__name__=~"a|b"}`, 0}},
		// What was then says nothing of now.
		`sum(rate(a[1m])) / sum(rate(a[1m] offset 1d))`:    {{`rate(a[1m]) and a`, time.Minute}},
		`max_over_time(sum(rate(a[1m]))[1h:1m] offset 1d)`: nil,
		`vector(1)`: nil,
		`max_over_time(a[10m:1m]) + max_over_time(a[1h:1m])`:          {{`a`, time.Hour}},
		`sum(label_replace(rate(a[1m]), "pod", "$1", "p", "(.*)"))`:   {{`rate(a[1m]) and a`, time.Minute}},
		`sum(rate(a[1m])) * scalar(b) + sum(predict_linear(a[1h],1))`: {{`predict_linear(a[1h], 1) and a`, time.Hour}, {`rate(a[1m]) and a`, time.Minute}, {`b`, 0}},
	} {
		got, err := sources.Counters(expr)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %v, %v; want %v", expr, got, err, want)
			continue
		}
		for i, c := range got {
			if c.Expr != count+want[i].Expr+by || c.Reach != want[i].Reach {
				t.Errorf("%s: %v, want %v", expr, c, want[i])
			}
			// They go where the queries go.
			if err := promdb.Validate(c.Expr); err != nil {
				t.Errorf("%s: %v", expr, err)
			}
			if _, err := promclient.Isolate(c.Expr, "shop", promclient.Limits{}); err != nil {
				t.Errorf("%s: %v", expr, err)
			}
		}
	}
	if _, err := sources.Counters("sum(rate(a[1m)"); err == nil {
		t.Error("what cannot be read has counters")
	}
}

// TestCountsOfScrapes: three pods with a series for each code, and an exporter that speaks for
// two more, are scraped for a while. One pod fails, comes back, and a new one comes.
func TestCountsOfScrapes(t *testing.T) {
	db, err := promdb.Open(promdb.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	type target struct {
		series []*promdb.Series
		from   int    // scrape
		gap    [2]int // without
	}
	add := func(labels ...promdb.Label) *promdb.Series {
		t.Helper()
		s, err := db.Series("a", labels...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	label := func(name, value string) promdb.Label { return promdb.Label{Name: name, Value: value} }
	var targets []*target
	for i, pod := range []string{"p1", "p2", "p3", "p4"} {
		one := new(target)
		for _, code := range []string{"200", "404", "500"}[:1+i%3] {
			one.series = append(one.series, add(label("job", "app"), label("instance", pod+":80"), label("pod", pod), label("code", code)))
		}
		targets = append(targets, one)
	}
	targets[1].gap = [2]int{40, 60}
	targets[3].from = 80
	exporter := new(target)
	for _, pod := range []string{"q1", "q2"} {
		exporter.series = append(exporter.series, add(label("job", "kubelet"), label("instance", "node"), label("pod", pod)))
	}
	targets = append(targets, exporter)
	counters, err := sources.Counters("sum(rate(a[1m])) + sum(a)")
	if err != nil || len(counters) != 2 {
		t.Fatal(counters, err)
	}
	start := time.Unix(1_700_000_000, 0)
	// The rate wants two samples, and nothing of what has just ended.
	rated := map[int]float64{0: -1, 1: 5, 39: 5, 40: 4, 60: 4, 61: 5, 79: 5, 80: 5, 81: 6, 99: 6}
	alive := map[int]float64{0: 5, 39: 5, 40: 4, 59: 4, 60: 5, 80: 6, 99: 6}
	for i := range 100 {
		now := start.Add(time.Duration(i) * 15 * time.Second)
		for _, one := range targets {
			for _, s := range one.series {
				switch {
				case i < one.from || i > one.gap[0] && i < one.gap[1]:
				case i == one.gap[0] && one.gap[1] > 0:
					err = db.Stale(s, now)
				default:
					err = db.Append(s, now, float64(i))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := db.Commit(now); err != nil {
			t.Fatal(err)
		}
		for k, wants := range []map[int]float64{rated, alive} {
			want, ok := wants[i]
			if !ok {
				continue
			}
			got, err := db.Query(t.Context(), counters[k].Expr, now.Add(time.Second))
			if want < 0 && !errors.Is(err, promdb.ErrNoData) || want >= 0 && (err != nil || got != want) {
				t.Errorf("scrape %d: %s is %v, %v; want %v", i, counters[k].Expr, got, err, want)
			}
		}
	}
}
