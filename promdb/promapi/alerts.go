package promapi

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// alertSeries reads the alerts of a run whose rules were not kept from the series that they
// left, which hold neither annotations nor the value that raised an alert.
func (h *Handler) alertSeries(ctx context.Context) ([]alert, *apiError) {
	states, err := h.atEnd(ctx, "ALERTS")
	if err != nil {
		return nil, queryError(err)
	}
	sinces, err := h.atEnd(ctx, "ALERTS_FOR_STATE")
	if err != nil {
		return nil, queryError(err)
	}
	since := map[string]float64{}
	for _, s := range sinces {
		since[identity(s.Metric).String()] = s.F
	}
	all := []alert{}
	for _, s := range states {
		ls := identity(s.Metric)
		a := alert{Labels: ls.Map(), Annotations: map[string]string{}, State: s.Metric.Get("alertstate")}
		if at, ok := since[ls.String()]; ok {
			a.ActiveAt = new(h.moved(time.UnixMilli(int64(math.Round(at * 1000)))))
		}
		all = append(all, a)
	}
	return all, nil
}

// identity returns the labels that an alert has in all of its series.
func identity(ls labels.Labels) labels.Labels {
	return labels.NewBuilder(ls).Del(model.MetricNameLabel, "alertstate").Labels()
}

// atEnd returns what expr selects at the end of the run.
func (h *Handler) atEnd(ctx context.Context, expr string) (promql.Vector, error) {
	q, err := h.engine.NewInstantQuery(ctx, h.db, nil, expr, h.cfg.End)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	vector, err := q.Exec(ctx).Vector()
	return append(promql.Vector(nil), vector...), err
}
