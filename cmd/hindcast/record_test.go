package main

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hindcast.dev/datasets"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/promdb"
)

// servers runs Prometheus servers for scripts:
//
//	livestory NAME        starts a server over what a controller of two scalers, shop/web
//	                      and shop/till, published on a day, and sets NAME to its URL
//	prometheus NAME FLAG...
//	                      starts a server with the flags over two days of a shop and sets
//	                      NAME to its URL
//	queriesonly URL NAME  starts a proxy of it without remote read and sets NAME to its URL
//	expected FILE         the CSV file holds the load of the shop
//
// and the condition [prometheus] says whether there is one; where CI is true its absence
// fails.
type servers struct {
	t *testing.T
}

func (s *servers) condition(name string) (bool, error) {
	if name != "prometheus" {
		return false, fmt.Errorf("no condition %q", name)
	}
	if os.Getenv("HINDCAST_PROMETHEUS") != "" {
		return true, nil
	}
	_, err := exec.LookPath("prometheus")
	if err != nil && os.Getenv("CI") == "true" {
		return false, err
	}
	return err == nil, nil
}

var shopStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// shopLoad is the requests per second of the shop.
func shopLoad(t time.Time) float64 {
	day := t.Sub(shopStart).Hours() / 24
	return math.Round(100 + 80*math.Sin(2*math.Pi*(day-0.3)))
}

// prometheus implements the verb.
func (s *servers) prometheus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: prometheus NAME FLAG...")
	}
	dir := filepath.Join(s.t.TempDir(), "data")
	ts.Check(writeShop(dir))
	ts.Setenv(args[0], promtest.Start(s.t, dir, args[1:]...).URL())
}

// queriesOnly implements the verb.
func (s *servers) queriesOnly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: queriesonly URL NAME")
	}
	ts.Setenv(args[1], proxy(s.t, args[0], func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/v1/read" {
			http.NotFound(w, r)
			return false
		}
		return true
	}))
}

// proxy starts a proxy of a server for the requests that pass, and returns its URL.
func proxy(t *testing.T, address string, pass func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	behind := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pass(w, r) {
			behind.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// writeShop writes two days of a shop with two pods, scraped every 30 s.
func writeShop(dir string) (err error) {
	db, err := promdb.Open(promdb.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	shop := promdb.Label{Name: "namespace", Value: "shop"}
	var series [2]*promdb.Series
	for i := range series {
		if series[i], err = db.Series("http_requests_total", shop, promdb.Label{Name: "code", Value: "200"},
			promdb.Label{Name: "pod", Value: fmt.Sprintf("shop-%d", i)}); err != nil {
			return err
		}
	}
	queue, err := db.Series("queue_depth", shop)
	if err != nil {
		return err
	}
	total := 0.0
	for at := shopStart; at.Before(shopStart.Add(48 * time.Hour)); at = at.Add(30 * time.Second) {
		total += 15 * shopLoad(at) // of each pod
		if err := errors.Join(db.Append(series[0], at, total), db.Append(series[1], at, total), db.Append(queue, at, 3), db.Commit(at)); err != nil {
			return err
		}
	}
	return db.Finish()
}

// expected implements the verb: the rate over two minutes up to t lies between the
// smallest and the largest load of that time.
func expected(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: expected FILE")
	}
	s, err := datasets.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	if s.Step != time.Minute || len(s.Values) != 2861 {
		ts.Fatalf("%d values every %v", len(s.Values), s.Step)
	}
	for i, v := range s.Values {
		at := s.Start.Add(time.Duration(i) * time.Minute)
		low, high := math.Inf(1), math.Inf(-1)
		for back := range 5 {
			l := shopLoad(at.Add(-time.Duration(back) * 30 * time.Second))
			low, high = min(low, l), max(high, l)
		}
		if !(v >= low-1e-9 && v <= high+1e-9) {
			ts.Fatalf("at %v the load is %v, want between %v and %v", at, v, low, high)
		}
	}
}
