package datasets

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"hindcast.dev/internal/suggest"
)

// Validate returns all faults of s at once, each with the path of its field.
func (s Scenario) Validate() error {
	s = s.filled()
	var d decoder
	if !isScenarioName(s.Name) {
		d.fault("name", "%s; want lower-case letters, digits and hyphens", quote(s.Name))
	}
	if _, err := ParseUnit(string(s.Unit)); err != nil {
		d.fault("unit", "%v", err)
	}
	if y := s.Start.Year(); y < 1970 || y > lastYear-100 {
		d.fault("start", "year %d; want 1970 to %d", y, lastYear-100)
	}
	checkNumber(&d, "base", s.Base)
	if s.Base < 0 {
		d.fault("base", "%g is negative", s.Base)
	}
	switch {
	case s.Step <= 0:
		d.fault("step", "is missing or 0; want a duration such as 1m")
	case s.Length < 2*s.Step:
		d.fault("length", "%s is less than two steps of %s", s.Length, s.Step)
	case s.Length%s.Step != 0:
		d.fault("length", "%s is not a multiple of the step %s", s.Length, s.Step)
	case s.Length/s.Step > maxPoints:
		d.fault("length", "%s has more than %d steps of %s", s.Length, maxPoints, s.Step)
	}
	streams := make(map[string]int)
	for i, c := range s.Components {
		path := fmt.Sprintf("components[%d]", i)
		s.checkComponent(&d, path, c)
		name := stream(s.Components, i)
		if first, taken := streams[name]; taken {
			d.fault(path+".name", "%s is also the name of components[%d]", quote(name), first)
		}
		streams[name] = i
		if c.Type == Poisson && i != len(s.Components)-1 {
			d.fault(path, "poisson must be the last component: it counts the events of the level before it")
		}
	}
	return errors.Join(d.faults...)
}

func isScenarioName(name string) bool {
	return name != "" && len(name) <= 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (s Scenario) checkComponent(d *decoder, path string, c Component) {
	if !c.Type.known() {
		names := make([]string, 0, 16)
		for _, t := range ComponentTypes() {
			names = append(names, string(t))
		}
		d.fault(path+".type", "unknown type %s%s", quote(string(c.Type)), suggest.Hint(string(c.Type), names))
		return
	}
	if c.Op != "" && c.Op != Add && c.Op != Multiply {
		d.fault(path+".op", "unknown operation %s%s", quote(string(c.Op)), suggest.Hint(string(c.Op), []string{"add", "multiply"}))
	}
	c.checkFields(d, path)
	c.checkTimes(d, path, s.Length, s.Step)
	checkNumber(d, path+".size", c.Size)
	checkNumber(d, path+".perDay", c.PerDay)
	checkNumber(d, path+".sd", c.SD)
	if c.SD < 0 || c.SD > 10 && c.Op == Multiply {
		d.fault(path+".sd", "%g; want more than 0, and at most 10 under multiply", c.SD)
	}
	if c.Type == Poisson {
		if c.Op != "" || c.From != 0 || c.Until != 0 {
			d.fault(path, "poisson has no op, from or until")
		}
		if s.Unit != RPS && s.Unit != CountPerStep {
			d.fault(path, "poisson counts events, but the unit is %s", s.Unit)
		}
	}
}

// checkFields compares the fields that are set with those of the type.
func (c Component) checkFields(d *decoder, path string) {
	required, optional := c.Type.Fields()
	common := []string{"type", "name", "op", "from", "until"}
	set := c.set()
	for _, name := range required {
		if !slices.Contains(set, name) {
			d.fault(path+"."+name, "is missing or 0; %s needs %s", c.Type, strings.Join(required, ", "))
		}
	}
	own := slices.Concat(required, optional)
	for _, name := range set {
		if slices.Contains(own, name) || slices.Contains(common, name) {
			continue
		}
		if len(own) == 0 {
			d.fault(path+"."+name, "%s has no such field; it has none", c.Type)
			continue
		}
		d.fault(path+"."+name, "%s has no such field; it has %s", c.Type, strings.Join(own, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Days)) {
		if !slices.Contains(weekdays(), name) {
			d.fault(path+".days."+name, "unknown day; want mon, tue, wed, thu, fri, sat or sun")
		}
		checkNumber(d, path+".days."+name, c.Days[name])
	}
}

// set lists the fields of c that are not zero, sorted by name.
func (c Component) set() []string {
	var names []string
	for name, field := range fieldsOf(&c) {
		zero := false
		switch f := field.(type) {
		case *Duration:
			zero = *f == 0
		case *float64:
			zero = *f == 0
		case *map[string]float64:
			zero = len(*f) == 0
		}
		if !zero {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c Component) checkTimes(d *decoder, path string, length, step Duration) {
	for _, begin := range []struct {
		field string
		at    Duration
	}{{"from", c.From}, {"at", c.At}} {
		if begin.at >= length && length > 0 {
			d.fault(path+"."+begin.field, "%s is past the end at %s", begin.at, length)
		}
	}
	if c.Until != 0 && c.Until <= c.From {
		d.fault(path+".until", "%s is not after from, %s", c.Until, c.From)
	}
	if c.Every != 0 && c.Every < step {
		d.fault(path+".every", "%s is less than the step %s", c.Every, step)
	}
	if c.Every != 0 && c.Jitter >= c.Every {
		d.fault(path+".jitter", "%s is not less than every, %s", c.Jitter, c.Every)
	}
	if c.Peak >= Duration(day) {
		d.fault(path+".peak", "%s is not a time of day", c.Peak)
	}
	if c.Every != 0 && c.Width > c.Every {
		d.fault(path+".width", "%s is more than every, %s", c.Width, c.Every)
	}
	if c.Blend > Duration(day) {
		d.fault(path+".blend", "%s is more than a day", c.Blend)
	}
	if c.Type == OnOff && (c.Busy != 0 && c.Busy < step || c.Idle != 0 && c.Idle < step) {
		d.fault(path, "busy %s and idle %s; neither may be less than the step %s", c.Busy, c.Idle, step)
	}
	if c.Type == Spike && c.Rise+c.Hold+c.Fall == 0 {
		d.fault(path, "spike needs rise, hold or fall, or it has no duration")
	}
}

// checkNumber bounds numbers so that no product of them overflows.
func checkNumber(d *decoder, path string, v float64) {
	const most = 1e9
	if !(math.Abs(v) <= most) {
		d.fault(path, "%g; want a number of size %g at most", v, float64(most))
	}
}
