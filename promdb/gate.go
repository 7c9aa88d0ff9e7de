package promdb

import (
	"context"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// gated is a Queryable in which nothing later than maxt (milliseconds,
// inclusive) exists.
type gated struct {
	storage.Queryable
	maxt int64
}

// Querier implements storage.Queryable.
func (g gated) Querier(mint, maxt int64) (storage.Querier, error) {
	maxt = min(maxt, g.maxt)
	if maxt < mint {
		return storage.NoopQuerier(), nil
	}
	q, err := g.Queryable.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	return gatedQuerier{Querier: q, maxt: maxt}, nil
}

type gatedQuerier struct {
	storage.Querier
	maxt int64
}

// Select implements storage.Querier. The TSDB obeys the time range of the hints
// in place of the querier's own, so the gate has to be set in them too. Series
// come sorted, because the order of an unsorted Select depends on how much of
// the data is in blocks, and the order is that of floating-point sums.
func (q gatedQuerier) Select(ctx context.Context, _ bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	if hints != nil {
		h := *hints
		h.End = min(h.End, q.maxt)
		h.DisableTrimming = false
		if h.End < h.Start {
			return storage.EmptySeriesSet()
		}
		hints = &h
	}
	return q.Querier.Select(ctx, true, hints, ms...)
}
