package promclient_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hindcast.dev/live/promclient"
)

func TestIsolate(t *testing.T) {
	for name, tc := range map[string]struct{ expr, want string }{
		"plain":              {`up`, `up{namespace="shop"}`},
		"own already":        {`up{namespace="shop"}`, `up{namespace="shop"}`},
		"regular":            {`up{namespace=~"shop|bank"}`, `up{namespace="shop",namespace=~"shop|bank"}`},
		"all":                {`up{namespace=~".*"}`, `up{namespace="shop",namespace=~".*"}`},
		"not another":        {`up{namespace!="bank"}`, `up{namespace!="bank",namespace="shop"}`},
		"no name":            {`{job="x"}`, `{job="x",namespace="shop"}`},
		"any name":           {`{__name__=~".+"}`, `{__name__=~".+",namespace="shop"}`},
		"both sides":         {`a / b`, `a{namespace="shop"} / b{namespace="shop"}`},
		"aggregate":          {`sum by (pod) (rate(a[1m]))`, `sum by (pod) (rate(a{namespace="shop"}[1m]))`},
		"subquery":           {`max_over_time(rate(a[1m])[1h:1m])`, `max_over_time(rate(a{namespace="shop"}[1m])[1h:1m])`},
		"argument":           {`topk(scalar(k), a)`, `topk(scalar(k{namespace="shop"}), a{namespace="shop"})`},
		"offset":             {`a offset 1w`, `a{namespace="shop"} offset 1w`},
		"label_replace":      {`label_replace(a, "namespace", "shop", "", "")`, `label_replace(a{namespace="shop"}, "namespace", "shop", "", "")`},
		"absent":             {`absent(a)`, `absent(a{namespace="shop"})`},
		"negated, in braces": {`-(a or vector(1))`, `-(a{namespace="shop"} or vector(1))`},
		"no selector":        {`vector(time())`, `vector(time())`},
		"quoted name":        {`{"a.b"}`, `{__name__="a.b",namespace="shop"}`},
	} {
		got, err := promclient.Isolate(tc.expr, "shop", promclient.Limits{})
		if err != nil || got != tc.want {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, tc.want)
		}
	}
	for name, expr := range map[string]string{
		"another":          `up{namespace="bank"}`,
		"regular without":  `up{namespace=~"bank|till"}`,
		"not its own":      `up{namespace!="shop"}`,
		"empty":            `up{namespace=""}`,
		"one of two":       `a + b{namespace="bank"}`,
		"in a subquery":    `max_over_time(sum(a{namespace="bank"})[1h:1m])`,
		"info":             `info(a)`,
		"at":               `a @ 1772366400`,
		"at end":           `a @ end()`,
		"ahead":            `a offset -5m`,
		"ahead, computed":  `a offset -(5m)`,
		"subquery ahead":   `max_over_time(a[1h:1m] offset -5m)`,
		"subquery at":      `max_over_time(a[1h:1m] @ 1772366400)`,
		"syntax":           `sum(`,
		"range vector":     `a[5m]`,
		"string":           `"a"`,
		"far back":         `avg_over_time(a[33d])`,
		"offset far back":  `a offset 5w`,
		"adds up":          `max_over_time(rate(a[10d])[20d:1h] offset 3d)`,
		"many steps":       `max_over_time(a[1d:1s])`,
		"steps of steps":   `max_over_time(max_over_time(a[1d:1m])[1d:1m])`,
		"steps by default": `max_over_time(a[10d:])`,
		"long":             `a + ` + strings.Repeat("1 + ", 3000) + `1`,
	} {
		got, err := promclient.Isolate(expr, "shop", promclient.Limits{})
		if !errors.Is(err, promclient.ErrIsolation) {
			t.Errorf("%s: got %s, %v", name, got, err)
			continue
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error has several lines: %v", name, err)
		}
	}
	if got, err := promclient.Isolate(`up{namespace="bank"}`, "", promclient.Limits{}); err != nil || got != `up{namespace="bank"}` {
		t.Errorf("across namespaces: got %s, %v", got, err)
	}
}

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(slow)
		guard, err := promclient.NewGuard(s, promclient.Limits{PerSecond: 1, Burst: 3, Timeout: 2 * time.Second}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		shop, err := guard.For("shop")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := shop.Query(t.Context(), `up`, at); err != nil || s.exprs[0] != `up{namespace="shop"}` {
			t.Fatalf("%v: asked %v", err, s.exprs)
		}
		if _, err := shop.Query(t.Context(), `up{namespace="bank"}`, at); !errors.Is(err, promclient.ErrIsolation) {
			t.Errorf("got %v", err)
		}
		if _, err := shop.QueryRange(t.Context(), `up`, at.AddDate(-1, 0, 0), at, time.Hour); !errors.Is(err, promclient.ErrIsolation) {
			t.Errorf("a year: got %v", err)
		}
		time.Sleep(time.Minute)
		again, _ := guard.For("shop") // the same namespace, the same rate
		asks := func(g *promclient.Guarded) (allowed int) {
			done := make(chan error, 10)
			for range 10 {
				go func() { _, err := g.Query(t.Context(), `up`, at); done <- err }()
			}
			for range 10 {
				err := <-done
				if err == nil {
					allowed++
				} else if !errors.Is(err, promclient.ErrRate) {
					t.Error(err)
				}
			}
			return allowed
		}
		if n := asks(shop); n != 3 {
			t.Errorf("%d of a burst of 3 were allowed", n)
		}
		if n := asks(again); n != 1 { // the queries before took a second
			t.Errorf("%d were allowed after a second", n)
		}
		bank, _ := guard.For("bank")
		if n := asks(bank); n != 3 {
			t.Errorf("%d of another namespace's burst were allowed", n)
		}
		guard.Forget("bank")
		anew, _ := guard.For("bank")
		if n := asks(anew); n != 3 {
			t.Errorf("%d of the burst of a namespace that was forgotten were allowed", n)
		}
	})
}

// FuzzIsolate: what comes out is a query, and isolating it again changes nothing; none of
// its selectors is without the namespace.
func FuzzIsolate(f *testing.F) {
	for _, expr := range []string{expr, `a + on (pod) group_left b`, `{__name__="a"}`, `max_over_time(a[1h:])`, `a{namespace="bank"}`} {
		f.Add(expr)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		once, err := promclient.Isolate(expr, "shop", promclient.Limits{})
		if err != nil {
			return
		}
		twice, err := promclient.Isolate(once, "shop", promclient.Limits{MaxLength: 1 << 20})
		if err != nil || once != twice {
			t.Errorf("%q: %q became %q, %v", expr, once, twice, err)
		}
		if _, err := promclient.Isolate(once, "bank", promclient.Limits{MaxLength: 1 << 20}); err == nil && strings.Contains(once, "namespace=") {
			t.Errorf("%q: %q passes for another namespace", expr, once)
		}
	})
}
