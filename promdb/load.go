package promdb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"hindcast.dev/datasets"
)

// dataPrefix marks the folder of a TSDB where a file could be named too.
const dataPrefix = "tsdb:"

// DefaultLoadStep is the step of a load that is read from a TSDB.
const DefaultLoadStep = time.Minute

// OpenLoad reads a load: the CSV file at path, or, for tsdb:DIR, what a query gives on the
// data of a Prometheus server. Query and step are for the latter only; without a query it
// is that of which hindcast record made the blocks, or the only metric that there is.
func OpenLoad(ctx context.Context, path, query string, step time.Duration) (datasets.Series, error) {
	dir, ok := strings.CutPrefix(path, dataPrefix)
	if !ok {
		return datasets.Open(path)
	}
	s, err := openLoad(ctx, dir, query, step)
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func openLoad(ctx context.Context, dir, query string, step time.Duration) (s datasets.Series, err error) {
	data, err := OpenData(dir)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	recorded, err := recording(dir)
	if err != nil {
		return s, err
	}
	if query == "" {
		if query = recorded.query; query == "" {
			if query, err = data.onlyMetric(ctx); err != nil {
				return s, err
			}
		}
	}
	s = datasets.Series{
		Name: filepath.Base(filepath.Clean(dir)), Unit: datasets.RPS,
		Step: cmp.Or(step, recorded.step, DefaultLoadStep),
	}
	if s.Step <= 0 || s.Step%time.Millisecond != 0 {
		return s, fmt.Errorf("step %v is not a positive whole number of milliseconds", s.Step)
	}
	first, last, err := data.span(ctx, query)
	if err != nil {
		return s, err
	}
	s.Start = first.Truncate(s.Step)
	if s.Start.Before(first) {
		s.Start = s.Start.Add(s.Step)
	}
	if err := data.evaluate(ctx, &s, query, last); err != nil {
		return s, err
	}
	return s, trim(&s, query)
}

// evaluate asks a day at a time, so that a query holds no more samples than that.
func (d *Data) evaluate(ctx context.Context, s *datasets.Series, query string, last time.Time) error {
	const maxSteps = 50_000_000
	if last.Sub(s.Start)/s.Step > maxSteps {
		return fmt.Errorf("more than %d steps of %v from %s to %s; give a longer step", maxSteps, s.Step, stamp(s.Start), stamp(last))
	}
	days := max(1, 24*time.Hour/s.Step)
	for from := s.Start; !from.After(last); from = from.Add(days * s.Step) {
		to := from.Add((days - 1) * s.Step)
		if to.After(last) {
			to = last
		}
		values, err := d.eval.queryRange(ctx, query, from, to, s.Step, 0)
		if err != nil {
			return err
		}
		s.Values = append(s.Values, values...)
	}
	return nil
}

// trim drops what is missing at the ends, and refuses what is no load.
func trim(s *datasets.Series, query string) error {
	for len(s.Values) > 0 && math.IsNaN(s.Values[0]) {
		s.Values, s.Start = s.Values[1:], s.Start.Add(s.Step)
	}
	for n := len(s.Values); n > 0 && math.IsNaN(s.Values[n-1]); n = len(s.Values) {
		s.Values = s.Values[:n-1]
	}
	if len(s.Values) == 0 {
		return fmt.Errorf("query %q: %w at any time", query, ErrNoData)
	}
	for i, v := range s.Values {
		if v < 0 || v > datasets.HighestLoad {
			return fmt.Errorf("query %q is %g at %s; load is from 0 to %g", query, v, stamp(s.Start.Add(time.Duration(i)*s.Step)), datasets.HighestLoad)
		}
	}
	return nil
}

// onlyMetric returns the name of the metric, if there is one only.
func (d *Data) onlyMetric(ctx context.Context) (string, error) {
	q, err := d.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return "", err
	}
	defer q.Close()
	names, _, err := q.LabelValues(ctx, model.MetricNameLabel, nil)
	if err != nil {
		return "", err
	}
	switch len(names) {
	case 0:
		return "", ErrNoData
	case 1:
		return "{" + model.MetricNameLabel + "=" + strconv.Quote(names[0]) + "}", nil
	}
	shown := names[:min(len(names), 5)]
	return "", fmt.Errorf("holds %d metrics (%s, ...); say which is the load by --query, such as 'sum(rate(%s[2m]))'",
		len(names), strings.Join(shown, ", "), names[0])
}

// span returns the first and the last sample that a query reads.
func (d *Data) span(ctx context.Context, query string) (first, last time.Time, err error) {
	parsed, err := parse(query)
	if err != nil {
		return first, last, err
	}
	q, err := d.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return first, last, err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, matchers := range parser.ExtractSelectors(parsed) {
		set := q.Select(ctx, false, nil, matchers...)
		for set.Next() {
			it := set.At().Iterator(nil)
			for it.Next() != 0 { // chunkenc.ValNone
				low, high = min(low, it.AtT()), max(high, it.AtT())
			}
			if err := it.Err(); err != nil {
				return first, last, err
			}
		}
		if err := set.Err(); err != nil {
			return first, last, err
		}
	}
	if low > high {
		return first, last, fmt.Errorf("query %q: %w: no series matches", query, ErrNoData)
	}
	return time.UnixMilli(low).UTC(), time.UnixMilli(high).UTC(), nil
}

// recordedLoad is what hindcast record says of its blocks.
type recordedLoad struct {
	query string
	step  time.Duration
}

func recording(dir string) (recordedLoad, error) {
	const name = "recording.json"
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return recordedLoad{}, nil
	}
	if err != nil {
		return recordedLoad{}, err
	}
	type query struct{ Name, Expr string }
	var plan struct {
		Schema        string
		Load, Queries []query
		Step          time.Duration
	}
	if err := json.Unmarshal(data, &plan); err != nil {
		return recordedLoad{}, fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case len(plan.Load) > 0:
		return recordedLoad{plan.Load[0].Expr, plan.Step}, nil
	case len(plan.Queries) > 0:
		// The values were recorded under the name of the query, or of their series.
		return recordedLoad{"", plan.Step}, nil
	}
	return recordedLoad{}, nil
}
