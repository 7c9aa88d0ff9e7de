package promapi

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// The times that stand for no bound, as Prometheus and its client write them.
var (
	minTime = time.Unix(math.MinInt64/1000+62135596801, 0).UTC()
	maxTime = time.Unix(math.MaxInt64/1000-62135596801, 999999999).UTC()
)

// parseTime reads seconds since 1970 or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if !(math.Abs(f) <= float64(maxTime.Unix())) {
			return time.Time{}, fmt.Errorf("cannot parse %q to a valid timestamp", s)
		}
		whole, part := math.Modf(f)
		return time.Unix(int64(whole), int64(math.Round(part*1000))*int64(time.Millisecond)).UTC(), nil
	}
	// Years of more than four digits are not read by package time.
	for _, bound := range []time.Time{minTime, maxTime} {
		if s == bound.Format(time.RFC3339Nano) {
			return bound, nil
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot parse %q to a valid timestamp", s)
	}
	return t, nil
}

// parseDuration reads seconds or a duration such as 5m.
func parseDuration(s string) (time.Duration, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		ns := f * float64(time.Second)
		if !(math.Abs(ns) < math.MaxInt64) {
			return 0, fmt.Errorf("cannot parse %q to a valid duration. It overflows int64", s)
		}
		return time.Duration(ns), nil
	}
	d, err := model.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("cannot parse %q to a valid duration", s)
	}
	return time.Duration(d), nil
}

// timeParam returns a time of the request in the run's time, missing where there is
// none.
func (h *Handler) timeParam(form url.Values, name string, missing time.Time) (time.Time, *apiError) {
	text := form.Get(name)
	if text == "" {
		return missing, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return time.Time{}, badData(fmt.Errorf("invalid time value for '%s': %w", name, err), name)
	}
	return h.toRun(t), nil
}

// toRun returns a time of the clients as one of the run. Bounds that stand for none stay.
func (h *Handler) toRun(t time.Time) time.Time {
	if t.Equal(minTime) || t.Equal(maxTime) {
		return t
	}
	return t.Add(-h.cfg.Shift)
}

// limitParam returns how many elements are wanted at most, 0 for all.
func limitParam(form url.Values) (int, *apiError) {
	text := form.Get("limit")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && n < 0 {
		err = errors.New("limit must be non-negative")
	}
	if err != nil {
		return 0, badData(err, "limit")
	}
	return n, nil
}

var errTruncated = errors.New("results truncated due to limit")

// A selection is which series of which time a request is about.
type selection struct {
	mint, maxt int64 // milliseconds, inclusive
	matchers   [][]*labels.Matcher
	limit      int // 0: none
}

// selection reads the parameters of the endpoints about series and labels.
func (h *Handler) selection(r *http.Request) (s selection, fault *apiError) {
	if s.limit, fault = limitParam(r.Form); fault != nil {
		return s, fault
	}
	start, fault := h.timeParam(r.Form, "start", minTime)
	if fault != nil {
		return s, fault
	}
	end, fault := h.timeParam(r.Form, "end", maxTime)
	if fault != nil {
		return s, fault
	}
	var err error
	if s.matchers, err = h.matchers(r.Form["match[]"]); err != nil {
		if r.URL.Path == Prefix+"series" { // the only one that names it
			return s, badData(err, "match[]")
		}
		return s, &apiError{errBadData, err}
	}
	s.mint, s.maxt = start.UnixMilli(), end.UnixMilli()
	return s, nil
}

func (h *Handler) matchers(selectors []string) ([][]*labels.Matcher, error) {
	all, err := h.parser.ParseMetricSelectors(selectors)
	if err != nil {
		return nil, err
	}
	for _, ms := range all {
		if !selects(ms) {
			return nil, errors.New("match[] must contain at least one non-empty matcher")
		}
	}
	return all, nil
}

// selects reports whether one of ms leaves out series without its label.
func selects(ms []*labels.Matcher) bool {
	for _, m := range ms {
		if m != nil && !m.Matches("") {
			return true
		}
	}
	return false
}

// shiftAt moves the times after @ in an expression from the clients' to the run's time.
func (h *Handler) shiftAt(query string) (string, error) {
	if h.cfg.Shift == 0 {
		return query, nil
	}
	expr, err := h.parser.ParseExpr(query)
	if err != nil {
		return "", err
	}
	moved := false
	move := func(at *int64) {
		if at != nil {
			*at -= h.cfg.Shift.Milliseconds()
			moved = true
		}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			move(n.Timestamp)
		case *parser.SubqueryExpr:
			move(n.Timestamp)
		}
		return nil
	})
	if !moved {
		return query, nil
	}
	return expr.String(), nil
}
