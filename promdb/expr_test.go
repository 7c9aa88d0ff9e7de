package promdb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/promdb"
)

func TestValidate(t *testing.T) {
	for expr, want := range map[string]error{
		`sum(rate(http_requests_total{namespace="default",pod=~"shop-.*"}[1m]))`: nil,
		`1`:                              nil,
		`x offset 5m`:                    nil,
		`-x`:                             nil,
		`rate(x[5m:1m] offset 1h)`:       nil,
		`x @ 0`:                          promdb.ErrLookAhead,
		`x @ end()`:                      promdb.ErrLookAhead,
		`rate(x[5m] @ start())`:          promdb.ErrLookAhead,
		`max_over_time(x[5m:1m] @ 1e9)`:  promdb.ErrLookAhead,
		`x offset -5m`:                   promdb.ErrLookAhead,
		`x offset -(5m)`:                 promdb.ErrLookAhead,
		`rate(x[5m] offset -1ms)`:        promdb.ErrLookAhead,
		`rate(x[5m:] offset -1s)`:        promdb.ErrLookAhead,
		`rate(x[5m:] offset -(1s))`:      promdb.ErrLookAhead,
		`sum(y / on() (z offset -(5m)))`: promdb.ErrLookAhead,
		`x[5m]`:                          promdb.ErrType,
		`x[5m:1m]`:                       promdb.ErrType,
		`"text"`:                         promdb.ErrType,
	} {
		if err := promdb.Validate(expr); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", expr, err, want)
		}
	}
	for _, expr := range []string{"", "sum(", "x{", "x[5x]", "sum(x) by", "\n\n)", "nosuch(x)", `x{a=~"("}`, "x\xff", "x[5m] + 1", "{}"} {
		err := promdb.Validate(expr)
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "parse query ") {
			t.Errorf("%q: got %v, want a syntax error of one line", expr, err)
		}
	}
}

// An expression that is refused by Validate must be refused by a query too, for
// the parse cache stands between them.
func TestLookAheadIsRefusedByQueriesToo(t *testing.T) {
	db := open(t, promdb.Config{})
	for _, expr := range []string{`x @ 0`, `x offset -(5m)`, `rate(x[5m:] offset -(1s))`} {
		for range 2 {
			if _, err := db.Query(t.Context(), expr, epoch); !errors.Is(err, promdb.ErrLookAhead) {
				t.Errorf("%s: got %v, want ErrLookAhead", expr, err)
			}
			if _, err := db.QueryRange(t.Context(), expr, epoch, epoch, time.Second); !errors.Is(err, promdb.ErrLookAhead) {
				t.Errorf("%s: range: got %v, want ErrLookAhead", expr, err)
			}
		}
	}
}

func TestMetricNames(t *testing.T) {
	for _, tc := range []struct {
		expr  string
		names []string
		exact bool
	}{
		{`1 + time()`, nil, true},
		{`x`, []string{"x"}, true},
		{`sum(rate(b[1m])) / sum(rate(a[1m] offset 5m)) > b`, []string{"a", "b"}, true},
		{`max_over_time(sum(rate(x{code=~"5.."}[1m]))[1h:1m])`, []string{"x"}, true},
		{`{__name__="x",pod="1"}`, []string{"x"}, true},
		{`{"a.b", pod="1"}`, []string{"a.b"}, true},
		{`{__name__=~"x|y"}`, nil, false},
		{`x + {pod="1"}`, []string{"x"}, false},
		{`{__name__!="x", pod="1"}`, nil, false},
		{`{__name__="",pod="1"}`, nil, false},
		{`absent(nonexistent)`, []string{"nonexistent"}, true},
	} {
		names, exact, err := promdb.MetricNames(tc.expr)
		if err != nil || !slices.Equal(names, tc.names) || exact != tc.exact {
			t.Errorf("%s: got %v, %t, %v; want %v, %t", tc.expr, names, exact, err, tc.names, tc.exact)
		}
	}
	if _, _, err := promdb.MetricNames(`x @ 1`); !errors.Is(err, promdb.ErrLookAhead) {
		t.Errorf("got %v, want ErrLookAhead", err)
	}
}

// FuzzExpr checks that any text is either refused in one line, by all alike, or
// can be queried; and that the names it selects say so truly.
func FuzzExpr(f *testing.F) {
	for _, expr := range questions {
		f.Add(expr)
	}
	for _, expr := range []string{`x offset -(5m)`, `x @ end()`, "sum(\n", `{"a b"}`, `"s"`, `x[5m]`, `count_values("v", x)`, `-x ^ 2 unless y`} {
		f.Add(expr)
	}
	empty := open(f, promdb.Config{})
	db := open(f, promdb.Config{MaxSamples: 10_000})
	replay(f, db, world(epoch, epoch.Add(10*time.Minute), 12))
	known := []string{"requests_total", "queue", "replicas", "late"}
	f.Fuzz(func(t *testing.T, expr string) {
		err := promdb.Validate(expr)
		names, exact, namesErr := promdb.MetricNames(expr)
		if (err == nil) != (namesErr == nil) {
			t.Fatalf("Validate: %v, MetricNames: %v", err, namesErr)
		}
		got, queryErr := db.QueryVector(t.Context(), expr, epoch.Add(10*time.Minute))
		if err != nil {
			if strings.Contains(err.Error(), "\n") || queryErr == nil {
				t.Fatalf("refused with %q, queried with %v", err, queryErr)
			}
			return
		}
		if !slices.IsSorted(names) {
			t.Fatalf("names %q are not sorted", names)
		}
		if exact && queryErr == nil && !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(known, n) }) {
			// It touches no series of the database: an empty one answers the same.
			want, err := empty.QueryVector(t.Context(), expr, epoch.Add(10*time.Minute))
			if err != nil || len(got) != len(want) {
				t.Fatalf("names %q: got %v, empty database %v, %v", names, got, want, err)
			}
		}
	})
}
