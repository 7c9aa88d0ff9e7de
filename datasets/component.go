package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// A ComponentType names a shape in time.
type ComponentType string

// The shapes; t is the time since the start, u the time since the component's
// latest beginning.
const (
	Daily    ComponentType = "daily"    // size cos(2 pi (time of day - peak) / 24h)
	Weekly   ComponentType = "weekly"   // days[day of week]
	Trend    ComponentType = "trend"    // perDay (t - from), in days
	Step     ComponentType = "step"     // size from at on, or for a time
	Ramp     ComponentType = "ramp"     // size u/over, then size
	Hump     ComponentType = "hump"     // a bell: size 2^-(2(t-at)/width)^2
	Spike    ComponentType = "spike"    // size u/rise, then size, then size 2^-(u-rise-hold)/fall
	Sawtooth ComponentType = "sawtooth" // size (u mod every)/every
	Batch    ComponentType = "batch"    // size while a job runs, again and again
	Walk     ComponentType = "walk"     // the sum of independent normal changes, sd an hour
	Noise    ComponentType = "noise"    // normal, autoregressive of order 1
	OnOff    ComponentType = "onoff"    // 0 or size, for exponential times; begins idle
	Poisson  ComponentType = "poisson"  // whole events: Poisson counts of the level's mean
)

// A shapeFields says which fields a type of component has besides op, from,
// until and name.
type shapeFields struct {
	kind  ComponentType
	needs string // blank-separated, must not be 0
	takes string // may be 0
}

func allShapes() []shapeFields {
	return []shapeFields{
		{Daily, "size", "peak"},
		{Weekly, "days", "blend"},
		{Trend, "perDay", ""},
		{Step, "size", "at for"},
		{Ramp, "size over", "at"},
		{Hump, "size width", "at every"},
		{Spike, "size", "at rise hold fall every jitter"},
		{Sawtooth, "size every", "at"},
		{Batch, "size for", "at every jitter"},
		{Walk, "sd", "revert"},
		{Noise, "sd", "correlation"},
		{OnOff, "size busy idle", ""},
		{Poisson, "", ""},
	}
}

// ComponentTypes lists the types, in the order of their description.
func ComponentTypes() []ComponentType {
	var types []ComponentType
	for _, s := range allShapes() {
		types = append(types, s.kind)
	}
	return types
}

// Fields returns the names of the fields that a component of type t must have
// and may have, besides type, name, op, from and until; nil for an unknown type.
func (t ComponentType) Fields() (required, optional []string) {
	for _, s := range allShapes() {
		if s.kind == t {
			return strings.Fields(s.needs), strings.Fields(s.takes)
		}
	}
	return nil, nil
}

// random reports whether components of type t draw random numbers by themselves.
func (c Component) random() bool {
	switch c.Type {
	case Walk, Noise, OnOff, Poisson:
		return true
	default:
		return c.Jitter > 0
	}
}

// stream returns the name of the component's random stream: its own, or its
// type and its number among those without a name.
func stream(components []Component, i int) string {
	c := components[i]
	if c.Name != "" {
		return c.Name
	}
	nth := 0
	for _, other := range components[:i+1] {
		if other.Type == c.Type && other.Name == "" {
			nth++
		}
	}
	if nth == 1 {
		return string(c.Type)
	}
	return fmt.Sprintf("%s-%d", c.Type, nth)
}

func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// known reports whether t is a type of component.
func (t ComponentType) known() bool { return slices.Contains(ComponentTypes(), t) }
