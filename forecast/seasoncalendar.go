package forecast

import (
	"math"
	"slices"
	"time"
)

// A calendar knows which periods are usual at a step; the zero value knows none.
type calendar struct{ step time.Duration }

func newCalendar(step time.Duration) calendar { return calendar{step: max(step, 0)} }

const (
	calendarDay  = 24 * time.Hour
	calendarWeek = 7 * calendarDay
	calendarYear = 365*calendarDay + 6*time.Hour
)

// steps returns the length of d in steps, 0 where that is not a whole number of at
// least two.
func (c calendar) steps(d time.Duration) int {
	if c.step <= 0 || d%c.step != 0 || d/c.step < 2 {
		return 0
	}
	return int(d / c.step)
}

func (c calendar) day() int { return c.steps(calendarDay) }

// year returns the number of steps of a day, a week, a month or a quarter in a year, 0
// for other steps.
func (c calendar) year() int {
	if c.step < calendarDay || c.step > calendarYear/2 {
		return 0
	}
	perYear := float64(calendarYear) / float64(c.step)
	for _, usual := range []int{365, 52, 12, 4} {
		// Months have 28 to 31 days.
		if math.Abs(perYear-float64(usual)) <= .06*float64(usual) {
			return usual
		}
	}
	return 0
}

// usual returns the periods that are always looked at.
func (c calendar) usual() []int {
	return []int{c.steps(calendarDay), c.steps(calendarWeek), c.year()}
}

// snap returns the usual length that is nearest to a period among those within the
// tolerance in steps, else the period rounded.
func (c calendar) snap(period, tolerance float64) int {
	best, distance := int(math.Round(period)), tolerance
	consider := func(steps int) {
		if d := math.Abs(float64(steps) - period); steps > 0 && d <= distance {
			best, distance = steps, d
		}
	}
	for _, steps := range c.lengths() {
		consider(steps)
	}
	return best
}

// lengths returns the periods of clocks and calendars, 0 for those that are not whole.
func (c calendar) lengths() []int {
	lengths := c.usual()
	for _, m := range []time.Duration{5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720} {
		lengths = append(lengths, c.steps(m*time.Minute))
	}
	return lengths
}

// isUsual reports whether a period is among those that are always looked at.
func (c calendar) isUsual(period int) bool { return slices.Contains(c.usual(), period) }
