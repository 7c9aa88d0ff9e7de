package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"

	"hindcast.dev/promdb"
)

// maxPoints is how many steps a range query may have: Prometheus's own limit, enough for
// a week of minutes.
const maxPoints = 11000

func (h *Handler) query(r *http.Request) (any, annotations.Annotations, *apiError) {
	limit, fault := limitParam(r.Form)
	if fault != nil {
		return nil, nil, fault
	}
	at, fault := h.timeParam(r.Form, "time", h.cfg.End)
	if fault != nil {
		return nil, nil, fault
	}
	ctx, cancel, opts, fault := queryParams(r)
	if fault != nil {
		return nil, nil, fault
	}
	defer cancel()
	expr, err := h.shiftAt(r.Form.Get("query"))
	if err != nil {
		return nil, nil, badData(err, "query")
	}
	q, err := h.engine.NewInstantQuery(ctx, h.db, opts, expr, at)
	if err != nil {
		return nil, nil, badData(err, "query")
	}
	defer q.Close()
	return h.answer(ctx, q, at, at, limit, r.Form)
}

func (h *Handler) queryRange(r *http.Request) (any, annotations.Annotations, *apiError) {
	limit, fault := limitParam(r.Form)
	if fault != nil {
		return nil, nil, fault
	}
	start, end, step, fault := h.rangeParams(r.Form)
	if fault != nil {
		return nil, nil, fault
	}
	ctx, cancel, opts, fault := queryParams(r)
	if fault != nil {
		return nil, nil, fault
	}
	defer cancel()
	expr, err := h.shiftAt(r.Form.Get("query"))
	if err != nil {
		return nil, nil, badData(err, "query")
	}
	q, err := h.engine.NewRangeQuery(ctx, h.db, opts, expr, start, end, step)
	if err != nil {
		return nil, nil, badData(err, "query")
	}
	defer q.Close()
	return h.answer(ctx, q, start, end, limit, r.Form)
}

// rangeParams returns the steps of a range query, in the run's time.
func (h *Handler) rangeParams(form url.Values) (start, end time.Time, step time.Duration, fault *apiError) {
	fail := func(name string, err error) (time.Time, time.Time, time.Duration, *apiError) {
		return time.Time{}, time.Time{}, 0, badData(err, name)
	}
	var err error
	if start, err = parseTime(form.Get("start")); err != nil {
		return fail("start", err)
	}
	if end, err = parseTime(form.Get("end")); err != nil {
		return fail("end", err)
	}
	if end.Before(start) {
		return fail("end", errors.New("end timestamp must not be before start time"))
	}
	if step, err = parseDuration(form.Get("step")); err != nil {
		return fail("step", err)
	}
	if step <= 0 {
		return fail("step", errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer"))
	}
	if end.Sub(start)/step > maxPoints {
		return start, end, step, &apiError{errBadData, errors.New("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")}
	}
	return h.toRun(start), h.toRun(end), step, nil
}

// queryParams returns how a query is to be evaluated.
func queryParams(r *http.Request) (ctx context.Context, cancel context.CancelFunc, opts promql.QueryOpts, fault *apiError) {
	ctx, cancel = r.Context(), func() {}
	if text := r.Form.Get("timeout"); text != "" {
		timeout, err := parseDuration(text)
		if err != nil {
			return nil, nil, nil, badData(err, "timeout")
		}
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	var lookback time.Duration
	if text := r.Form.Get("lookback_delta"); text != "" {
		var err error
		if lookback, err = parseDuration(text); err != nil {
			cancel()
			return nil, nil, nil, &apiError{errBadData, fmt.Errorf("error parsing lookback delta duration: %w", err)}
		}
	}
	return ctx, cancel, promql.NewPrometheusQueryOpts(r.Form.Get("stats") == "all", lookback), nil
}

// answer evaluates q, whose steps go from start to end.
func (h *Handler) answer(
	ctx context.Context, q promql.Query, start, end time.Time, limit int, form url.Values,
) (any, annotations.Annotations, *apiError) {
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, nil, queryError(res.Err)
	}
	warnings := res.Warnings
	value, size := res.Value, 1
	switch v := value.(type) {
	case promql.Matrix:
		size = len(v)
		if limit > 0 && size > limit {
			value = v[:limit]
		}
	case promql.Vector:
		size = len(v)
		if limit > 0 && size > limit {
			value = v[:limit]
		}
	}
	if limit > 0 && size > limit {
		warnings = warnings.Add(errTruncated)
	}
	if outside := start.After(h.cfg.End.Add(promdb.DefaultLookback)) || end.Before(h.cfg.Start); outside && size == 0 {
		warnings = warnings.Add(fmt.Errorf("no data: the run goes from %s to %s", h.stamp(h.cfg.Start), h.stamp(h.cfg.End)))
	}
	data := append(appendText([]byte(`{"resultType":`), string(value.Type())), `,"result":`...)
	data, err := appendValue(data, value, h.cfg.Shift.Milliseconds())
	if err != nil {
		return nil, nil, &apiError{errInternal, err}
	}
	if form.Get("stats") != "" {
		text, err := json.Marshal(stats.NewQueryStats(q.Stats()))
		if err != nil {
			return nil, nil, &apiError{errInternal, err}
		}
		data = append(append(data, `,"stats":`...), text...)
	}
	return encoded(append(data, '}')), warnings, nil
}

// stamp writes a time of the run as the clients see it.
func (h *Handler) stamp(t time.Time) string { return t.Add(h.cfg.Shift).UTC().Format(time.RFC3339) }

// exemplars answers that there are none: blocks hold none, of a Prometheus server either.
func (h *Handler) exemplars(r *http.Request) (any, annotations.Annotations, *apiError) {
	if _, err := h.parser.ParseExpr(r.Form.Get("query")); err != nil {
		return nil, nil, &apiError{errBadData, err}
	}
	return []struct{}{}, nil, nil
}

func (h *Handler) formatQuery(r *http.Request) (any, annotations.Annotations, *apiError) {
	expr, err := h.parser.ParseExpr(r.Form.Get("query"))
	if err != nil {
		return nil, nil, badData(err, "query")
	}
	return expr.Pretty(0), nil, nil
}
