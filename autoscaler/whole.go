package autoscaler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"hindcast.dev/internal/sources"
	"hindcast.dev/policy"
)

// ErrSeriesMissing is the error of a value to which only a part of its series added, too few of
// them for the load to be known.
var ErrSeriesMissing = errors.New("a part of the series is missing")

const (
	// countEvery is how often sources are counted while nothing is wrong. Loops that ask the same
	// count in the same turn of it, so that one answer serves them all.
	countEvery = time.Minute
	// fell is the share of the highest value since the last count below which sources are counted at
	// once: what is missing does harm only where the value falls.
	fell = 0.98
	// settles is how long the series of a pod may take to come after it, and to go after it.
	settles = 5 * time.Minute
	// remembered is how long before the newest count earlier ones are expected again.
	remembered = 10 * time.Minute
)

// SourcesAcceptedAfter is how long sources may be missing until those that are left are taken as all
// that there are: a fault of scraping should be found by then, and a change of the application
// not hold its scaler for longer.
const SourcesAcceptedAfter = 30 * time.Minute

// Sources is what a Loop knows of where the series of a query come from.
type Sources struct {
	// Count is how many there are, and Expected how many there should be by the counts before and
	// the pods, both as counted last; NaN: not known. Of a query with several selectors they are
	// those of the one that lacks most.
	Count, Expected float64
	// Missing says that too few are there for the value to be counted downwards, Since when.
	Missing bool
	Since   time.Time
	// Accepted says that they had been missing for so long that those that are left were taken as
	// all that there are, in this step.
	Accepted bool
}

// A watch keeps the values of one query from being taken for the load while a part of its
// series is missing.
type watch struct {
	selectors []*selector
	phase     time.Duration // of the turns of countEvery
	asked     time.Time     // for counts; zero: never
	highest   float64       // value since then
	last      float64       // newest value that was let through; NaN: none
}

// A selector is one of a query, by the sources of its series.
type selector struct {
	sources.Counter
	seen     []counted // the newest last, none of them while sources were missing
	state    Sources
	lackedAt time.Time // the newest count that was too low
}

// counted is one count.
type counted struct {
	at   time.Time
	n    float64
	pods int32 // the most that may have been among the sources
}

func newWatch(expr string) (*watch, error) {
	counters, err := sources.Counters(expr)
	if err != nil {
		return nil, err
	}
	h := fnv.New64a()
	h.Write([]byte(expr)) // never fails
	w := &watch{phase: time.Duration(h.Sum64() % uint64(countEvery)), last: math.NaN()}
	for _, c := range counters {
		w.selectors = append(w.selectors, &selector{Counter: c, state: Sources{Count: math.NaN(), Expected: math.NaN()}})
	}
	return w, nil
}

// judge returns the value, or ErrSeriesMissing in its place. What there is of the load is the least
// that it can be: a value that is above the last one counts whatever is missing.
func (w *watch) judge(ctx context.Context, from Querier, now time.Time, v policy.Value, pods *podCounts, least float64) policy.Value {
	for _, s := range w.selectors {
		s.state.Accepted = false
	}
	if v.Err != nil || math.IsNaN(v.Value) {
		return v
	}
	due := w.due(now, v.Value)
	if w.highest = max(w.highest, v.Value); due {
		w.asked, w.highest = now, v.Value
	}
	var lacking *selector
	for _, s := range w.selectors {
		if due {
			s.count(ctx, from, now, pods, least)
		}
		if s.incomplete(now) {
			lacking = s
		}
	}
	if lacking != nil && v.Value < w.last {
		return policy.Value{Name: v.Name, Err: fmt.Errorf("%w: %s", ErrSeriesMissing, lacking.words())}
	}
	w.last = v.Value
	return v
}

// state is that of the selector that lacks most.
func (w *watch) state() Sources {
	worst, accepted := Sources{Count: math.NaN(), Expected: math.NaN()}, false
	for _, s := range w.selectors {
		one := s.state
		accepted = accepted || one.Accepted
		if math.IsNaN(worst.Count) || one.Missing && !worst.Missing ||
			one.Missing == worst.Missing && one.Count*worst.Expected < worst.Count*one.Expected {
			worst = one
		}
	}
	worst.Accepted = accepted
	return worst
}

func (w *watch) due(now time.Time, value float64) bool {
	turn := func(t time.Time) time.Time { return t.Add(w.phase).Truncate(countEvery) }
	missing := func(s *selector) bool { return s.state.Missing }
	return w.asked.IsZero() || value < fell*w.highest || slices.ContainsFunc(w.selectors, missing) || !turn(now).Equal(turn(w.asked))
}

// count asks for the sources. Where that fails nothing new is known.
func (s *selector) count(ctx context.Context, from Querier, now time.Time, pods *podCounts, least float64) {
	n, err := from.Query(ctx, s.Expr, now)
	if errors.Is(err, policy.ErrNoData) {
		n, err = 0, nil // what else the value consists of, such as vector(0), is not of this selector
	}
	s.state.Count, s.state.Expected = math.NaN(), math.NaN()
	if err == nil {
		s.state.Count, s.state.Expected = n, max(n, s.expected(pods.fewest()))
	}
	switch whole := err == nil && n >= least*s.state.Expected; {
	case whole:
		s.state.Missing, s.state.Since = false, time.Time{}
	case s.state.Missing && now.Sub(s.state.Since) >= SourcesAcceptedAfter:
		s.state.Missing, s.state.Since, s.state.Accepted = false, time.Time{}, true
		s.seen, s.lackedAt = nil, time.Time{}
	case err != nil:
		return
	default:
		if !s.state.Missing {
			s.state.Missing, s.state.Since = true, now
		}
		s.lackedAt = now
		return
	}
	if err == nil {
		s.remember(counted{now, n, pods.behind(n)})
	}
}

// remember keeps a count and drops those that are too old beside it.
func (s *selector) remember(c counted) {
	old := func(before counted) bool { return c.at.Sub(before.at) > remembered }
	s.seen = append(slices.DeleteFunc(s.seen, old), c)
}

// expected is the highest of the counts before. It is not known whether the sources are the pods:
// where there are fewer pods than at a count, there may be fewer sources by the same share.
func (s *selector) expected(pods int32) float64 {
	most := 0.0
	for _, c := range s.seen {
		n := c.n
		if pods < c.pods {
			n *= float64(pods) / float64(c.pods)
		}
		most = max(most, n)
	}
	return most
}

// incomplete reports whether a value of now may lack a part: sources are missing, or were so lately
// that the value still reaches back to then.
func (s *selector) incomplete(now time.Time) bool {
	return s.state.Missing || !s.lackedAt.IsZero() && now.Sub(s.lackedAt) <= s.Reach
}

func (s *selector) words() string {
	if !s.state.Missing {
		return fmt.Sprintf("the targets are back, but the query still reads up to %v of the time without them", s.Reach)
	}
	return fmt.Sprintf("they come from %.0f targets, in place of %.0f, since %s", s.state.Count, s.state.Expected, stamp(s.state.Since))
}

// podCounts are how many pods there were lately, from which series come.
type podCounts struct {
	began  time.Time // of the first
	lately []podCount
}

type podCount struct {
	at          time.Time
	ready, most int32 // most: all that exist, as a pod may be scraped before it is ready
}

func (p *podCounts) observe(in *policy.Input) {
	c := podCount{in.Now, in.Status, max(in.Status, int32(len(in.Pods)))}
	if in.Pods != nil && in.PodsErr == nil {
		c.ready = 0
		for i := range in.Pods {
			if in.Pods[i].Ready && !in.Pods[i].Deleting {
				c.ready++
			}
		}
	}
	if p.began.IsZero() {
		p.began = in.Now
	}
	p.lately = append(slices.DeleteFunc(p.lately, func(old podCount) bool { return in.Now.Sub(old.at) > settles }), c)
}

// fewest are the pods that have had series for all of the time in which these settle.
func (p *podCounts) fewest() int32 {
	return slices.MinFunc(p.lately, func(a, b podCount) int { return cmp.Compare(a.ready, b.ready) }).ready
}

// behind are the most pods that n sources may be of; 0: of none. Until the time in which series
// settle is over, each may be of one that went before the first decision.
func (p *podCounts) behind(n float64) int32 {
	most := slices.MaxFunc(p.lately, func(a, b podCount) int { return cmp.Compare(a.most, b.most) }).most
	if most > 0 && p.lately[len(p.lately)-1].at.Sub(p.began) < settles {
		most = max(most, int32(min(n, math.MaxInt32)))
	}
	return most
}
