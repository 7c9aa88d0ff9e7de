package promdb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"hindcast.dev/promdb"
)

// A counter that grows by 2 a second is scraped for five minutes; a query sees a
// scrape one second after it.
func Example() {
	db, err := promdb.Open(promdb.Config{Delay: time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	requests, err := db.Series("http_requests_total", promdb.Label{Name: "pod", Value: "shop-1"})
	if err != nil {
		log.Fatal(err)
	}
	start := time.Date(1998, 6, 30, 12, 0, 0, 0, time.UTC)
	for i := range 20 {
		now := start.Add(time.Duration(i) * 15 * time.Second)
		if err := errors.Join(db.Append(requests, now, float64(30*i)), db.Commit(now)); err != nil {
			log.Fatal(err)
		}
	}
	ctx, last := context.Background(), start.Add(19*15*time.Second)
	rate, err := db.Query(ctx, `sum(rate(http_requests_total[1m]))`, last.Add(time.Second))
	fmt.Printf("%.3f %v\n", rate, err)
	fmt.Println(db.Query(ctx, `http_requests_total`, last)) // the last scrape is still under way
	_, err = db.Query(ctx, `http_requests_total offset -1m`, last)
	fmt.Println(errors.Is(err, promdb.ErrLookAhead))
	_, err = db.Query(ctx, `http_errors_total`, last)
	fmt.Println(err, errors.Is(err, promdb.ErrNoData))
	// Output:
	// 2.000 <nil>
	// 540 <nil>
	// true
	// query "http_errors_total" at 1998-06-30T12:04:45Z: no data true
}

func ExampleDB_QueryRange() {
	db, err := promdb.Open(promdb.Config{Lookback: 30 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	load, err := db.Series("load")
	if err != nil {
		log.Fatal(err)
	}
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3 {
		now := start.Add(time.Duration(i) * time.Minute)
		if err := errors.Join(db.Append(load, now, float64(i)), db.Commit(now)); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(db.QueryRange(context.Background(), "load", start, start.Add(2*time.Minute), 30*time.Second))
	// Output: [0 NaN 1 NaN 2] <nil>
}

// What a run leaves behind is read again, by its external label.
func ExampleOpenReadOnly() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := promdb.Open(promdb.Config{
		Dir:            filepath.Join(dir, "hpa"),
		ExternalLabels: map[string]string{"policy": "hpa"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	replicas, err := db.Series("replicas")
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := errors.Join(db.Append(replicas, now, 3), db.Commit(now), db.Finish()); err != nil {
		log.Fatal(err)
	}
	run, err := promdb.OpenReadOnly(filepath.Join(dir, "hpa"))
	if err != nil {
		log.Fatal(err)
	}
	defer run.Close()
	samples, err := run.QueryVector(context.Background(), `replicas`, now)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range samples {
		fmt.Println(s)
	}
	// Output: {__name__="replicas", policy="hpa"} 3
}

// Two runs look at the same load, each behind its own delay.
func ExampleShare() {
	db, err := promdb.Open(promdb.Config{})
	if err != nil {
		log.Fatal(err)
	}
	load, err := db.Series("load")
	if err != nil {
		log.Fatal(err)
	}
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 100 {
		now := start.Add(time.Duration(i) * time.Second)
		if err := errors.Join(db.Append(load, now, float64(i)), db.Commit(now)); err != nil {
			log.Fatal(err)
		}
	}
	shared, err := promdb.Share(db)
	if err != nil {
		log.Fatal(err)
	}
	defer shared.Close()
	for _, delay := range []time.Duration{0, 7 * time.Second} {
		view, err := shared.View(delay)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(view.Query(context.Background(), "load", start.Add(30*time.Second)))
	}
	// Output:
	// 30 <nil>
	// 23 <nil>
}

func ExampleMetricNames() {
	fmt.Println(promdb.MetricNames(`sum(rate(b[1m])) / a`))
	fmt.Println(promdb.MetricNames(`sum({job="shop"})`))
	// Output:
	// [a b] true <nil>
	// [] false <nil>
}

func ExampleValidate() {
	fmt.Println(promdb.Validate(`sum(rate(x[1m]))`))
	fmt.Println(promdb.Validate(`sum(rate(x[1m])`))
	fmt.Println(promdb.Validate(`x offset -5m`))
	// Output:
	// <nil>
	// parse query "sum(rate(x[1m])": 1:16: parse error: unclosed left parenthesis
	// query "x offset -5m": @ modifiers and negative offsets could look ahead and are off
}
