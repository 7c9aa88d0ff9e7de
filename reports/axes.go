package reports

import (
	"math"
	"time"

	"gonum.org/v1/plot"
)

// logOf is where v lies on a logarithmic axis, which is drawn as a linear one of
// log10, since gonum's own scale panics on 0 and misplaces the axis' name; values of
// floor and less lie at its low end.
func logOf(v, floor float64) float64 { return math.Log10(max(v, floor)) }

// linearTicks marks round values, about n of them; whole leaves out fractions.
type linearTicks struct {
	n     int
	whole bool
	scale float64 // labels show value*scale
}

func (t linearTicks) Ticks(low, high float64) []plot.Tick {
	k := t.scale
	if k == 0 {
		k = 1
	}
	low, high = low*k, high*k
	if !(high > low) {
		return nil
	}
	raw := (high - low) / float64(t.n)
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * unit
	for _, m := range [...]float64{1, 2, 2.5, 5} {
		if m*unit >= raw*0.999 && (m != 2.5 || unit >= 10) {
			step = m * unit
			break
		}
	}
	if t.whole {
		step = max(1, math.Ceil(step))
	}
	var ticks []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+1e-9*step; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step / k, Label: tickLabel(i*step, step)})
	}
	return ticks
}

func tickLabel(v, step float64) string {
	if v == 0 {
		return "0"
	}
	places := max(-int(math.Floor(math.Log10(step)+1e-9)), 0)
	return significant(v, places+max(digits(v), 1-places))
}

// logTicks marks the decades of an axis of log10, and 2 and 5 between them where the range is short.
type logTicks struct {
	label func(v float64) string
}

func (t logTicks) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	few := high-low < 1.5
	for e := math.Floor(low); e <= math.Ceil(high); e++ {
		for m := 1.0; m < 10; m++ {
			at := e + math.Log10(m)
			if at < low-1e-9 || at > high+1e-9 {
				continue
			}
			tick := plot.Tick{Value: at}
			if m == 1 || few && (m == 2 || m == 5) {
				tick.Label = t.label(m * math.Pow(10, e))
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// clock labels instants, given as Unix seconds, on a time axis.
type clock struct {
	start    time.Time
	relative bool // the source has no real dates: days are counted from 1
}

func seconds1970(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// axis says what the labels mean.
func (k clock) axis() string {
	if k.relative {
		return "time since the start (days, hours)"
	}
	return "time (UTC)"
}

// label names the instant t; marks of step seconds are that far apart.
func (k clock) label(t, step float64) string {
	const day = 86400
	if k.relative {
		s := t - seconds1970(k.start)
		n := math.Floor(s / day)
		at := time.Unix(int64(math.Round(s-n*day)), 0).UTC().Format("15:04")
		if at == "00:00" || step >= day {
			return "day " + itoa(int(n)+1)
		}
		return at
	}
	at := time.Unix(0, int64(math.Round(t*1e3))*1e6).UTC()
	switch {
	case step >= 56*day:
		return at.Format("2 Jan 2006")
	case step >= 7*day:
		return at.Format("2 Jan")
	case step >= day, at.Format("15:04") == "00:00":
		return at.Format("Mon 2 Jan")
	case step < 60:
		return at.Format("15:04:05")
	}
	return at.Format("15:04")
}

// instant names t in full: "Mon 2 Jun 2025, 14:00" or "day 3, 14:00".
func (k clock) instant(t time.Time) string {
	if k.relative {
		d := t.Sub(k.start)
		day := int(math.Floor(d.Hours() / 24))
		return "day " + itoa(day+1) + ", " + time.Time{}.Add(d-time.Duration(day)*24*time.Hour).Format("15:04")
	}
	return t.UTC().Format("Mon 2 Jan 2006, 15:04")
}

// Ticks marks round hours, days (from midnight, or from the start where days are
// relative) or weeks, at most nine.
func (k clock) Ticks(low, high float64) []plot.Tick {
	const minute, hour, day = 60, 3600, 86400
	step := 364.0 * day
	for _, s := range [...]float64{
		1, 5, 10, 30, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute,
		hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour,
		day, 2 * day, 7 * day, 14 * day, 28 * day, 56 * day, 91 * day, 182 * day,
	} {
		if (high-low)/s <= 9 {
			step = s
			break
		}
	}
	// 1970 began on a Thursday; weeks are marked on Mondays.
	origin := 4.0 * day
	if k.relative {
		origin = seconds1970(k.start)
	}
	var ticks []plot.Tick
	for i := math.Ceil((low - origin) / step); origin+i*step <= high; i++ {
		at := origin + i*step
		ticks = append(ticks, plot.Tick{Value: at, Label: k.label(at, step)})
	}
	return ticks
}

// unnamed is a ticker's marks without their labels, for panels above others.
type unnamed struct{ plot.Ticker }

func (u unnamed) Ticks(low, high float64) []plot.Tick {
	ticks := u.Ticker.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = " " // a mark without any label would count as minor
		}
	}
	return ticks
}
