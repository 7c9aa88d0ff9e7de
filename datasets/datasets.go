// Package datasets reads, resamples, writes and generates recorded load.
//
// A dataset is one evenly spaced series with a unit. The package never invents
// data: a gap in the source is a NaN in the series, and resampling to a finer
// step repeats the recorded rate, it does not interpolate. It knows nothing of
// pods, policies or forecasts, and it opens only the files it is asked to.
package datasets

import (
	"fmt"
	"strconv"
	"time"

	"hindcast.dev/internal/suggest"
)

// A Unit says what a value of a series counts.
type Unit string

// The units of load; the zero value is not a unit.
const (
	RPS          Unit = "rps"            // requests per second, a mean over the step
	Cores        Unit = "cores"          // CPU cores in use, a mean over the step
	Percent      Unit = "percent"        // percent of a machine's CPU, a mean over the step
	CountPerStep Unit = "count-per-step" // events within the step
)

// Units lists every unit, in the order in which help texts show them.
func Units() []Unit { return []Unit{RPS, Cores, Percent, CountPerStep} }

// ParseUnit returns the unit called name, or an error that suggests one.
func ParseUnit(name string) (Unit, error) {
	all := Units()
	names := make([]string, len(all))
	for i, u := range all {
		if string(u) == name {
			return u, nil
		}
		names[i] = string(u)
	}
	return "", fmt.Errorf("unknown unit %s%s", quote(name), suggest.Hint(name, names))
}

// A Series is one evenly spaced recording: Values[i] holds over
// [Start + i*Step, Start + (i+1)*Step). NaN is a gap.
type Series struct {
	Name   string
	Unit   Unit
	Start  time.Time
	Step   time.Duration
	Values []float64
	// Relative reports that the source had no real dates (it counted seconds from
	// near 0), so that hours of the day are right only relative to each other.
	Relative bool
}

// End returns the instant at which the last value stops holding.
func (s Series) End() time.Time { return s.Start.Add(time.Duration(len(s.Values)) * s.Step) }

// maxPoints bounds every series this package builds (400 MB of values), so that
// a wrong date or step is an error and not an exhausted machine.
const maxPoints = 50_000_000

// HighestLoad is the highest load that readers accept: sums over a series, and bands around
// what is forecast of it, stay in the range of a float64.
const HighestLoad = 1e300

// check returns an error for a series that no reader of this package returns.
func (s Series) check() error {
	if s.Step <= 0 {
		return fmt.Errorf("series %s has step %s; it must be positive", quote(s.Name), s.Step)
	}
	for i, v := range s.Values {
		if v < 0 || v > HighestLoad {
			return fmt.Errorf("series %s has value %g at %s; load is from 0 to %g",
				quote(s.Name), v, s.Start.Add(time.Duration(i)*s.Step).UTC().Format(time.RFC3339), HighestLoad)
		}
	}
	return nil
}

// quote shows text from a file on one line, shortened.
func quote(text string) string { return strconv.Quote(shorten(text)) }

func shorten(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}
