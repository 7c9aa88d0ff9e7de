package live_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
	"hindcast.dev/policy"
	"hindcast.dev/promdb"
)

// betweenScrapes returns expr, with spaces before it, such that a scaler that asks it does so half
// an interval after a scrape. A sample has the time at which the scrape began and can be read when
// it ended: who asks in between misses what the blocks have.
func betweenScrapes(t *testing.T, server *promtest.Server, series, expr string, scrapes, interval time.Duration) string {
	t.Helper()
	var scraped map[string]float64
	for began := time.Now(); len(scraped) == 0; time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("no sample of %s after %v", series, patience)
		}
		scraped = server.Query(t, "timestamp("+series+")", time.Now())
		for labels, at := range scraped {
			if at == float64(int64(at)) { // of the history, which has whole seconds
				delete(scraped, labels)
			}
		}
	}
	for _, at := range scraped {
		for range 1000 {
			first := live.FirstInstant(time.Now(), interval, []policy.Query{{Name: "requests", Expr: expr}})
			after := first.Sub(time.UnixMilli(int64(at*1000))) % scrapes
			if after > scrapes*2/5 && after < scrapes*3/5 {
				break
			}
			expr = " " + expr
		}
	}
	return expr
}

// offline asks the blocks of a server, each query kept within the namespace as a controller keeps it.
type offline struct {
	promclient.Asker
	late time.Duration // by which it looks at the past
}

func (o offline) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	v, err := o.Asker.Query(ctx, expr, at.Add(-o.late))
	if errors.Is(err, promdb.ErrNoData) {
		err = policy.ErrNoData
	}
	return v, err
}

// replayOffline makes the decisions of a live run again by the querier of a backtest, from a copy of
// the blocks of the server that the run asked: the log gives the instants, the replicas that were
// found and the pods; the past of the metrics and each value come from the blocks. It returns at how
// many instants the value and the decision came out otherwise.
func (f *fixture) replayOffline(blocks string, log []byte, late time.Duration) (steps, values, decisions int) {
	t := f.t
	t.Helper()
	local, err := promdb.OpenReadOnly(blocks)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	guard, err := promclient.NewGuard(local, promclient.Limits{PerSecond: 1e6, Burst: 1e6}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	guarded, err := guard.For(f.ns)
	if err != nil {
		t.Fatal(err)
	}
	asks := offline{guarded, late}
	var p *policy.V3
	for rec, err := range autoscaler.ReadLog(bytes.NewReader(log)) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Start != nil {
			p = f.startOffline(rec.Start, asks)
			continue
		}
		if rec.Skipped {
			continue
		}
		in := rec.Input()
		for i, q := range p.Needs().Queries {
			was := in.Values[i]
			in.Values[i].Value, in.Values[i].Err = asks.Query(t.Context(), q.Expr, rec.Time)
			if is := in.Values[i]; is.Value != was.Value || (is.Err == nil) != (was.Err == nil) {
				values++
				if late == 0 {
					t.Errorf("%v: the blocks say %v, %v; live it was %v, %v", rec.Time, is.Value, is.Err, was.Value, was.Err)
				}
			}
		}
		d := p.Decide(in)
		if steps++; d.Replicas != rec.Replicas || d.Reason != rec.Reason {
			decisions++
			if late == 0 {
				t.Errorf("%v: from the blocks %d (%s); live %d (%s)", rec.Time, d.Replicas, d.Reason, rec.Replicas, rec.Reason)
			}
		}
		if rec.Scaled {
			p.Commit(rec.Time, rec.Spec, rec.Replicas)
		}
	}
	return steps, values, decisions
}

// startOffline is the policy of a start of the log, with the past that the blocks have.
func (f *fixture) startOffline(start *autoscaler.Start, asks offline) *policy.V3 {
	t := f.t
	t.Helper()
	if start.History == nil {
		t.Fatal("the live run began without a past")
	}
	needs, _, step, err := start.Needs()
	if err != nil {
		t.Fatal(err)
	}
	from := start.History.From
	var past [][]float64
	for i, q := range needs.Queries {
		n := len(start.History.Values[i])
		series, err := asks.QueryRange(t.Context(), q.Expr, from, from.Add(time.Duration(n-1)*step), step)
		if err != nil {
			t.Fatal(err)
		}
		past = append(past, series)
	}
	again := *start
	again.History = autoscaler.NewHistory(from, step, past)
	p, err := again.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sameOffline wants the decisions of a live run from the blocks of its server; and, as proof that
// the comparison sees something, others from blocks that are looked at a minute late.
func (f *fixture) sameOffline(blocks string, log []byte) {
	t := f.t
	t.Helper()
	steps, values, decisions := f.replayOffline(blocks, log, 0)
	if steps == 0 {
		t.Fatal("no decision is in the log")
	}
	t.Logf("%d decisions by the blocks of the server: %d values and %d decisions are not those of live", steps, values, decisions)
	if _, values, _ := f.replayOffline(blocks, log, time.Minute); values < steps/2 {
		t.Errorf("a minute late only %d of %d values are others: the comparison sees nothing", values, steps)
	}
	if strings.Contains(string(log), `"noData":true`) {
		t.Error("the live run had decisions without data")
	}
}
