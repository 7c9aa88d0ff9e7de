package promapi

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

// An alert is one that was pending or firing at the end of the run. The series of alerts
// hold neither annotations nor the value that raised it.
type alert struct {
	Labels      labels.Labels     `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	State       string            `json:"state"`
	ActiveAt    *time.Time        `json:"activeAt,omitempty"`
}

// alerts reads the series that Prometheus's rules write.
func (h *Handler) alerts(r *http.Request) (any, annotations.Annotations, *apiError) {
	states, err := h.atEnd(r.Context(), "ALERTS")
	if err != nil {
		return nil, nil, queryError(err)
	}
	sinces, err := h.atEnd(r.Context(), "ALERTS_FOR_STATE")
	if err != nil {
		return nil, nil, queryError(err)
	}
	since := map[string]float64{}
	for _, s := range sinces {
		since[identity(s.Metric).String()] = s.F
	}
	all := []alert{}
	for _, s := range states {
		a := alert{Labels: identity(s.Metric), Annotations: map[string]string{}, State: s.Metric.Get("alertstate")}
		if at, ok := since[a.Labels.String()]; ok {
			a.ActiveAt = new(time.UnixMilli(int64(math.Round(at * 1000))).Add(h.cfg.Shift).UTC())
		}
		all = append(all, a)
	}
	return map[string]any{"alerts": all}, nil, nil
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
