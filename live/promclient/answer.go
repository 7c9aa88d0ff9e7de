package promclient

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	apiv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// A Label is a name and a value of a series.
type Label struct{ Name, Value string }

// A Series is the values of one series at evenly spaced instants.
type Series struct {
	Labels []Label // sorted by name, the metric's name among them as __name__
	Values []float64
	has    []bool
}

// Present returns whether the series has a sample at step i: one may be NaN.
func (s Series) Present(i int) bool { return s.has[i] }

// Series evaluates expr at from, from+step, ... up to and including to, and returns each
// series, sorted by labels. Steps without a sample are NaN. A range of more than
// Config.PointsPerQuery steps is asked in parts.
func (c *Client) Series(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	from, to = floor(from), floor(to)
	switch {
	case step <= 0 || step%time.Millisecond != 0:
		return nil, fmt.Errorf("query %q: step %v is not a positive whole number of milliseconds", expr, step)
	case to.Before(from):
		return nil, fmt.Errorf("query %q: range ends at %s, before its start at %s", expr, stamp(to), stamp(from))
	}
	n := Steps(from, to, step)
	m := merged{steps: n, from: from, step: step, limit: c.cfg.MaxSeries, byKey: make(map[string]int)}
	for i := 0; i < n; i += c.cfg.PointsPerQuery {
		r := apiv1.Range{
			Start: from.Add(time.Duration(i) * step),
			End:   from.Add(time.Duration(min(i+c.cfg.PointsPerQuery, n)-1) * step),
			Step:  step,
		}
		v, err := c.queryRange(ctx, expr, r)
		if err == nil {
			err = m.add(v)
		}
		if err != nil {
			return nil, c.wrap(err, "query %q from %s to %s", expr, stamp(r.Start), stamp(r.End))
		}
	}
	slices.SortFunc(m.series, func(a, b Series) int { return compareLabels(a.Labels, b.Labels) })
	return m.series, nil
}

// maxCells bounds the memory of an answer, in which every series has every step: 450 MB.
const maxCells = 50_000_000

// merged joins the parts of a range query.
type merged struct {
	steps  int
	from   time.Time
	step   time.Duration
	limit  int
	series []Series
	byKey  map[string]int
}

func (m *merged) add(v model.Value) error {
	matrix, ok := v.(model.Matrix)
	if !ok {
		return withText(ErrBadResponse, "a range query gave a "+kindOf(v))
	}
	// Before the memory is taken.
	if len(matrix)*m.steps > maxCells {
		return fmt.Errorf("%w: %d series of %d steps", ErrTooLarge, len(matrix), m.steps)
	}
	for _, stream := range matrix {
		if len(stream.Histograms) > 0 {
			return withText(ErrQuery, "the result holds histograms, not numbers")
		}
		key := stream.Metric.String()
		at, ok := m.byKey[key]
		if !ok {
			if at = len(m.series); at >= m.limit {
				return fmt.Errorf("%w: more than %d series", ErrTooLarge, m.limit)
			}
			if (at+1)*m.steps > maxCells {
				return fmt.Errorf("%w: more than %d series of %d steps", ErrTooLarge, at, m.steps)
			}
			m.byKey[key] = at
			s := Series{Labels: labelsOf(stream.Metric), Values: make([]float64, m.steps), has: make([]bool, m.steps)}
			for i := range s.Values {
				s.Values[i] = math.NaN()
			}
			m.series = append(m.series, s)
		}
		for _, p := range stream.Values {
			offset := p.Timestamp.Time().Sub(m.from)
			i := int(offset / m.step)
			if offset < 0 || offset%m.step != 0 || i >= m.steps {
				return withText(ErrBadResponse, "a point at "+stamp(p.Timestamp.Time())+" was not asked for")
			}
			m.series[at].Values[i] = float64(p.Value)
			m.series[at].has[i] = true
		}
	}
	return nil
}

// sum returns the sum of a vector in the order of its labels, which decides the last bit.
func (c *Client) sum(v model.Value) (float64, error) {
	var sum float64
	switch v := v.(type) {
	case *model.Scalar:
		sum = float64(v.Value)
	case model.Vector:
		if len(v) == 0 {
			return 0, ErrNoData
		}
		if len(v) > c.cfg.MaxSeries {
			return 0, fmt.Errorf("%w: %d series, more than %d", ErrTooLarge, len(v), c.cfg.MaxSeries)
		}
		labels := make(map[*model.Sample][]Label, len(v))
		for _, s := range v {
			if s.Histogram != nil {
				return 0, withText(ErrQuery, "the result holds histograms, not numbers")
			}
			labels[s] = labelsOf(s.Metric)
		}
		slices.SortFunc(v, func(a, b *model.Sample) int { return compareLabels(labels[a], labels[b]) })
		sum = float64(v[0].Value)
		for _, s := range v[1:] {
			sum += float64(s.Value)
		}
	default:
		return 0, withText(ErrQuery, fmt.Sprintf("the result is a %s; write an expression that is a scalar or an instant vector", kindOf(v)))
	}
	switch {
	case math.IsNaN(sum):
		return 0, fmt.Errorf("%w: %w", ErrNotFinite, ErrNoData)
	case math.IsInf(sum, 0):
		return 0, ErrNotFinite
	}
	return sum, nil
}

func kindOf(v model.Value) string {
	if v == nil {
		return "nothing"
	}
	return v.Type().String()
}

func labelsOf(metric model.Metric) []Label {
	labels := make([]Label, 0, len(metric))
	for name, value := range metric {
		labels = append(labels, Label{string(name), string(value)})
	}
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return labels
}

// compareLabels orders label sets as Prometheus does.
func compareLabels(a, b []Label) int {
	return slices.CompareFunc(a, b, func(a, b Label) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
}

// withParameters adds parameters to the address of each query; the API of client_golang
// takes them over into the form.
type withParameters struct {
	api.Client
	parameters url.Values
}

// URL implements api.Client.
func (w withParameters) URL(endpoint string, args map[string]string) *url.URL {
	u := w.Client.URL(endpoint, args)
	u.RawQuery = w.parameters.Encode()
	return u
}
