package promdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
)

// ErrNoData is returned by a query that found no sample, and by one whose result
// is not a number, such as 0/0. No data is never zero.
var ErrNoData = errors.New("no data")

// A Sample is one element of an instant vector.
type Sample struct {
	Labels []Label // sorted by name, the metric name among them as __name__
	Value  float64
}

// A Range is one series of a range query.
type Range struct {
	Labels []Label   // sorted by name
	Values []float64 // one for each step, NaN where there is none
}

// String returns the sample's series in PromQL notation and its value.
func (s Sample) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, l := range s.Labels {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(l.Name + "=" + strconv.Quote(l.Value))
	}
	b.WriteString("} " + strconv.FormatFloat(s.Value, 'g', -1, 64))
	return b.String()
}

// Query evaluates expr at the instant at, over the samples with a timestamp of
// at most at less Config.Delay and Config.Lag. The elements of a vector are summed in the order
// of their labels. Without an element, or with NaN for a result, the error wraps
// ErrNoData; an infinite result is a value.
func (db *DB) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	if db.closed {
		return 0, ErrClosed
	}
	db.queryCount.Add(1)
	return db.eval.query(ctx, expr, at, db.cfg.delay(at))
}

// QueryRange evaluates expr at from, from+step and so on, up to and including
// to, in one request made at the instant to: it sees the samples with a
// timestamp of at most to less Config.Delay and Config.Lag. The elements of a vector are summed
// step by step. A step without an element is NaN.
func (db *DB) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error) {
	if db.closed {
		return nil, ErrClosed
	}
	db.queryCount.Add(1)
	return db.eval.queryRange(ctx, expr, from, to, step, db.cfg.delay(to))
}

// QueryVector is Query without the sum: it returns the elements sorted by their
// labels, NaN among them, and none where there is no data. A scalar is one
// element without labels.
func (db *DB) QueryVector(ctx context.Context, expr string, at time.Time) ([]Sample, error) {
	if db.closed {
		return nil, ErrClosed
	}
	db.queryCount.Add(1)
	return db.eval.queryVector(ctx, expr, at, db.cfg.delay(at))
}

// answer is the complete result of an instant query, data or none.
type answer struct {
	value  float64
	result result
}

type result uint8

const (
	isValue result = iota
	isEmpty
	isNaN
)

func (a answer) unpack(expr string, at time.Time) (float64, error) {
	switch a.result {
	case isEmpty:
		return 0, fmt.Errorf("query %q at %s: %w", expr, stamp(at), ErrNoData)
	case isNaN:
		return 0, fmt.Errorf("query %q at %s: result is not a number: %w", expr, stamp(at), ErrNoData)
	default:
		return a.value, nil
	}
}

// evaluator is a PromQL engine over a storage. It is safe for concurrent use.
type evaluator struct {
	engine *promql.Engine
	source storage.Queryable
}

func newEvaluator(source storage.Queryable, lookback time.Duration, maxSamples int) *evaluator {
	return &evaluator{
		source: source,
		engine: promql.NewEngine(promql.EngineOpts{
			LookbackDelta: lookback,
			MaxSamples:    maxSamples,
			// The deadline is on the wall clock, which must not decide a result; the
			// caller's context bounds a query.
			Timeout: 365 * 24 * time.Hour,
			// Subqueries without a step take the default evaluation interval of a server.
			NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
			Parser:                   newExprCache(),
		}),
	}
}

func (e *evaluator) query(ctx context.Context, expr string, at time.Time, delay time.Duration) (float64, error) {
	a, err := e.answer(ctx, expr, at, delay)
	if err != nil {
		return 0, err
	}
	return a.unpack(expr, at)
}

// answer returns the sum of expr at an instant, or that there is none.
func (e *evaluator) answer(ctx context.Context, expr string, at time.Time, delay time.Duration) (answer, error) {
	vector, err := e.instant(ctx, expr, at, delay)
	if err != nil {
		return answer{}, err
	}
	if len(vector) == 0 {
		return answer{result: isEmpty}, nil
	}
	sum := vector[0].F
	for _, s := range vector[1:] {
		sum += s.F
	}
	if math.IsNaN(sum) {
		return answer{result: isNaN}, nil
	}
	return answer{value: sum}, nil
}

func (e *evaluator) queryVector(ctx context.Context, expr string, at time.Time, delay time.Duration) ([]Sample, error) {
	vector, err := e.instant(ctx, expr, at, delay)
	if err != nil {
		return nil, err
	}
	samples := make([]Sample, len(vector))
	for i, s := range vector {
		samples[i] = Sample{Labels: fromLabels(s.Metric), Value: s.F}
	}
	return samples, nil
}

// A failedQuery says which query failed beside what the engine says.
type failedQuery struct {
	expr string
	at   time.Time
	err  error
}

func (e *failedQuery) Error() string {
	return fmt.Sprintf("query %q at %s: %v", e.expr, stamp(e.at), e.err)
}

func (e *failedQuery) Unwrap() error { return e.err }

// instant returns the elements of expr at an instant, sorted by labels: their
// order decides the last bit of the sum.
func (e *evaluator) instant(ctx context.Context, expr string, at time.Time, delay time.Duration) (promql.Vector, error) {
	at = floor(at)
	q, err := e.engine.NewInstantQuery(ctx, e.gate(at, delay), nil, expr, at)
	if err != nil {
		return nil, err // it names the query
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, &failedQuery{expr, at, execError(ctx, res.Err)}
	}
	switch v := res.Value.(type) {
	case promql.Scalar:
		return promql.Vector{{F: v.V}}, nil
	case promql.Vector:
		for _, s := range v {
			if s.H != nil {
				return nil, fmt.Errorf("query %q at %s: %w of floats, not histograms", expr, stamp(at), ErrType)
			}
		}
		slices.SortFunc(v, func(a, b promql.Sample) int { return labels.Compare(a.Metric, b.Metric) })
		return v, nil
	default:
		return nil, fmt.Errorf("query %q: %w", expr, ErrType)
	}
}

func (e *evaluator) queryRange(
	ctx context.Context, expr string, from, to time.Time, step, delay time.Duration,
) (values []float64, err error) {
	err = e.overRange(ctx, expr, from, to, step, delay, func(matrix promql.Matrix, steps int, at func(int64) int) {
		values = make([]float64, steps)
		seen := make([]bool, steps)
		for _, series := range matrix {
			for _, p := range series.Floats {
				values[at(p.T)] += p.F
				seen[at(p.T)] = true
			}
		}
		for i, ok := range seen {
			if !ok {
				values[i] = math.NaN()
			}
		}
	})
	return values, err
}

// queryRanges is queryRange without the sum.
func (e *evaluator) queryRanges(
	ctx context.Context, expr string, from, to time.Time, step, delay time.Duration,
) (ranges []Range, err error) {
	err = e.overRange(ctx, expr, from, to, step, delay, func(matrix promql.Matrix, steps int, at func(int64) int) {
		for _, series := range matrix {
			r := Range{Labels: fromLabels(series.Metric), Values: make([]float64, steps)}
			for i := range r.Values {
				r.Values[i] = math.NaN()
			}
			for _, p := range series.Floats {
				r.Values[at(p.T)] = p.F
			}
			ranges = append(ranges, r)
		}
	})
	return ranges, err
}

// overRange evaluates expr and hands out its series, sorted by labels, the number of
// steps, and which step a time is; the series are the engine's own again afterwards.
func (e *evaluator) overRange(
	ctx context.Context, expr string, from, to time.Time, step, delay time.Duration,
	take func(matrix promql.Matrix, steps int, at func(t int64) int),
) error {
	from, to = floor(from), floor(to)
	if step <= 0 || step%time.Millisecond != 0 {
		return fmt.Errorf("query %q: step %s is not a positive whole number of milliseconds", expr, step)
	}
	if to.Before(from) {
		return fmt.Errorf("query %q: range ends at %s, before its start at %s", expr, stamp(to), stamp(from))
	}
	q, err := e.engine.NewRangeQuery(ctx, e.gate(to, delay), nil, expr, from, to, step)
	if err != nil {
		return err
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return fmt.Errorf("query %q from %s to %s: %w", expr, stamp(from), stamp(to), execError(ctx, res.Err))
	}
	matrix, err := res.Matrix()
	if err != nil {
		return fmt.Errorf("query %q: %w", expr, ErrType)
	}
	for _, series := range matrix {
		if len(series.Histograms) > 0 {
			return fmt.Errorf("query %q from %s to %s: %w of floats, not histograms",
				expr, stamp(from), stamp(to), ErrType)
		}
	}
	slices.SortFunc(matrix, func(a, b promql.Series) int { return labels.Compare(a.Metric, b.Metric) })
	take(matrix, int(to.Sub(from)/step)+1, func(t int64) int { return int((t - from.UnixMilli()) / step.Milliseconds()) })
	return nil
}

func (e *evaluator) gate(at time.Time, delay time.Duration) gated {
	return gated{Queryable: e.source, maxt: at.Add(-delay).UnixMilli()}
}

// execError returns the error of ctx where that ended a query: the engine has
// errors of its own for it.
func execError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// floor rounds a query's instant down to the millisecond.
func floor(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// stamp writes an instant as messages show it, to the millisecond.
func stamp(t time.Time) string { return floor(t).Format(time.RFC3339Nano) }

// FormatDuration writes a duration as PromQL does: 2m30s.
func FormatDuration(d time.Duration) string { return model.Duration(d).String() }

func fromLabels(ls labels.Labels) []Label {
	out := make([]Label, 0, ls.Len())
	ls.Range(func(l labels.Label) { out = append(out, Label{Name: l.Name, Value: l.Value}) })
	return out
}
