package promclient

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
)

// A Sample is one recorded value.
type Sample struct {
	Time  time.Time
	Value float64
}

// A RawSeries is the samples of a series as they were scraped.
type RawSeries struct {
	Labels  []Label // sorted by name, the metric's name among them as __name__
	Samples []Sample
}

// Raw returns the samples that the series of a selector have after from, up to and
// including to, sorted by labels: what was scraped, not what an expression makes of it.
// Series without a sample are left out. Staleness markers are not among them: the HTTP
// API does not show them.
func (c *Client) Raw(ctx context.Context, selector string, from, to time.Time) ([]RawSeries, error) {
	from, to = floor(from), floor(to)
	if !from.Before(to) {
		return nil, fmt.Errorf("samples of %s: range ends at %s, not after its start at %s", selector, stamp(to), stamp(from))
	}
	v, err := c.query(ctx, fmt.Sprintf("%s[%dms]", selector, to.Sub(from).Milliseconds()), to)
	if err == nil {
		var series []RawSeries
		if series, err = c.samples(v, from); err == nil {
			return series, nil
		}
	}
	return nil, c.wrap(err, "samples of %s from %s to %s", selector, stamp(from), stamp(to))
}

func (c *Client) samples(v model.Value, from time.Time) ([]RawSeries, error) {
	matrix, ok := v.(model.Matrix)
	if !ok {
		return nil, withText(ErrBadResponse, "a range selector gave a "+kindOf(v))
	}
	if len(matrix) > c.cfg.MaxSeries {
		return nil, fmt.Errorf("%w: %d series, more than %d", ErrTooLarge, len(matrix), c.cfg.MaxSeries)
	}
	series := make([]RawSeries, 0, len(matrix))
	for _, stream := range matrix {
		if len(stream.Histograms) > 0 {
			return nil, withText(ErrQuery, "the series holds histograms, not numbers")
		}
		s := RawSeries{Labels: labelsOf(stream.Metric)}
		for _, p := range stream.Values {
			// Servers before 3.0 count a sample at the very start of a range.
			if at := p.Timestamp.Time().UTC(); at.After(from) {
				s.Samples = append(s.Samples, Sample{at, float64(p.Value)})
			}
		}
		if len(s.Samples) > 0 {
			series = append(series, s)
		}
	}
	slices.SortFunc(series, func(a, b RawSeries) int { return compareLabels(a.Labels, b.Labels) })
	return series, nil
}
