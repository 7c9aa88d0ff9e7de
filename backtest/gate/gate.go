// Package gate holds a run against a baseline and says whether it got worse: the
// decision of `hindcast check`.
//
// It refuses to compare what was not measured on the same load, and to decide where
// the data does not: a third outcome says so. It reads no folder and draws nothing.
//
// The rule, for each guarded figure, whose loss is how much worse it got as a share
// of the baseline's figure (of the error budget for good requests):
//
//   - regression: the interval of the loss lies above 0, so it is not chance, and the
//     loss itself is above the margin, so it matters;
//   - pass: the interval lies below the margin (a test of non-inferiority); a figure
//     that is the same in every block passes on any data;
//   - inconclusive: neither, or too few blocks for an interval.
//
// Both cannot be: a loss above the margin is not below the upper end of an interval
// that lies below it. Intervals come from a paired block bootstrap and leave out 2.5 %
// at each end. Of several guards the run fails by any one, so the lower end leaves out
// 2.5 % divided by their number (Bonferroni): the chance of a false alarm by any of
// them is at most 2.5 %. It passes only with all of them, so the upper end needs no
// such correction (intersection-union test: Berger, Technometrics 24, 1982).
package gate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hindcast.dev/backtest/result"
)

// Options say what is guarded and how much is tolerated.
type Options struct {
	// Margin is the relative loss of WAPE that is tolerated, ScalerMargin that of
	// over-provisioning and price, and as a share of the error budget of bad requests.
	// Fractions; 0 means 0.01 and 0.05.
	Margin, ScalerMargin float64
	// Models and Policies are those of the baseline that are guarded; empty: all.
	Models, Policies []string
}

// The defaults of Options.
const (
	DefaultMargin       = 0.01
	DefaultScalerMargin = 0.05
)

// Check holds a run against a baseline. It returns an error that says what to do
// where the two cannot be compared.
func Check(run, baseline *result.Blocks, opt Options) (result.Check, error) {
	if opt.Margin == 0 {
		opt.Margin = DefaultMargin
	}
	if opt.ScalerMargin == 0 {
		opt.ScalerMargin = DefaultScalerMargin
	}
	if err := sameSeries(run.Series, baseline.Series); err != nil {
		return result.Check{}, err
	}
	kept, err := Select(baseline, opt.Models, opt.Policies)
	if err != nil {
		return result.Check{}, fmt.Errorf("the baseline does not guard this: %w", err)
	}
	figures, err := figuresOf(run, kept, opt)
	if err != nil {
		return result.Check{}, err
	}
	c := result.Check{Series: run.Series.Name, Level: 1 - 2*alpha}
	for i := range figures {
		g := figures[i].judge(alpha/float64(len(figures)), alpha)
		if worse(g.Outcome, c.Outcome) {
			c.Outcome = g.Outcome
		}
		c.Guards = append(c.Guards, g)
	}
	return c, nil
}

func worse(a, b result.CheckOutcome) bool {
	order := []result.CheckOutcome{"", result.CheckPass, result.CheckInconclusive, result.CheckRegression}
	return slices.Index(order, a) > slices.Index(order, b)
}

// A figure is one that is guarded.
type figure struct {
	result.Guard
	paired
	blockSeconds float64
	least        float64 // stretches or days that an interval needs
	days         bool    // the blocks are days, of which the house resamples few
	missing      int     // blocks without a figure, now
}

// judge decides; lower and upper are the chances that the ends of the interval leave
// out.
func (f *figure) judge(lower, upper float64) result.Guard {
	g := f.Guard
	if f.missing > 0 {
		g.Outcome, g.Loss = result.CheckRegression, result.Undefined()
		g.Reason = fmt.Sprintf("the forecast is undefined in %d of %d blocks", f.missing, len(f.change))
		return g
	}
	if f.unchanged() {
		g.Outcome, g.Loss, g.Reason = result.CheckPass, 0, "nothing changed"
		return g
	}
	g.Outcome, g.Loss = result.CheckInconclusive, result.Undefined()
	if total(f.scale) <= 0 {
		g.Reason = "the figure of the baseline is 0, of which no share can be taken; update the baseline if this is meant"
		return g
	}
	loss := f.loss()
	g.Loss = result.Number(loss)
	length, short := f.length()
	if f.days {
		length, short = leastLength(len(f.change)), 0
	}
	if n := f.parts(length); n < f.least {
		g.Reason = f.tooShort(length)
		return g
	}
	low, high := f.interval(length, short, lower, upper)
	g.Interval = &result.Interval{result.Number(low), result.Number(high)}
	switch {
	case low > 0 && loss > g.Margin:
		g.Outcome, g.Reason = result.CheckRegression, "worse by more than the margin, and not by chance"
	case high < g.Margin && low > 0:
		g.Outcome, g.Reason = result.CheckPass, "worse, but by less than the margin"
	case high < g.Margin:
		g.Outcome, g.Reason = result.CheckPass, "not worse by the margin"
	default:
		g.Reason = "the interval holds the margin: neither better nor worse is sure; score more data"
	}
	return g
}

func (f *figure) tooShort(length int) string {
	if f.days {
		return fmt.Sprintf("too short: %d days were scored, an interval needs %d", len(f.change), fewestDays)
	}
	hours := func(blocks float64) string {
		return strconv.FormatFloat(math.Ceil(blocks*f.blockSeconds/360)/10, 'f', -1, 64) + " h"
	}
	return fmt.Sprintf("too short: errors hang together over %s, and %s were scored of the %s that an interval needs",
		hours(float64(length)), hours(float64(len(f.change))), hours(float64(length)*f.least))
}

// sameSeries returns an error that says in what two loads differ.
func sameSeries(run, base result.ScoredSeries) error {
	if run.Checksum == base.Checksum && run.StepSeconds == base.StepSeconds && run.ScoredFrom.Equal(base.ScoredFrom) {
		return nil
	}
	what := "other values"
	switch {
	case run.StepSeconds != base.StepSeconds:
		what = fmt.Sprintf("steps of %v s, not %v s", run.StepSeconds, base.StepSeconds)
	case run.Points != base.Points:
		what = fmt.Sprintf("%d points, not %d", run.Points, base.Points)
	case !run.ScoredFrom.Equal(base.ScoredFrom):
		what = "another warm-up"
	}
	return fmt.Errorf("the load %q is not that of the baseline, %q: it has %s; update the baseline with --update-baseline if this is meant",
		run.Name, base.Name, what)
}

// Select returns what of b is asked for; empty lists ask for all. The error names
// what b does not have.
func Select(b *result.Blocks, models, policies []string) (*result.Blocks, error) {
	out := *b
	var faults []error
	if len(models) > 0 {
		out.Models = nil
		for _, name := range models {
			i := slices.IndexFunc(b.Models, func(m result.ModelBlocks) bool { return m.Name == name })
			if i < 0 {
				faults = append(faults, fmt.Errorf("no model %q; there is %s", name, list(modelNames(b))))
				continue
			}
			out.Models = append(out.Models, b.Models[i])
		}
	}
	if len(policies) > 0 {
		out.Policies = nil
		for _, name := range policies {
			i := slices.IndexFunc(b.Policies, func(p result.PolicyBlocks) bool { return p.Name == name })
			if i < 0 {
				faults = append(faults, fmt.Errorf("no policy %q; there is %s", name, list(policyNames(b))))
				continue
			}
			out.Policies = append(out.Policies, b.Policies[i])
		}
	}
	return &out, errors.Join(faults...)
}

func modelNames(b *result.Blocks) []string {
	var names []string
	for _, m := range b.Models {
		names = append(names, m.Name)
	}
	return names
}

func policyNames(b *result.Blocks) []string {
	var names []string
	for _, p := range b.Policies {
		names = append(names, p.Name)
	}
	return names
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return strings.Join(quoted, ", ")
}
