package datasets

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"hindcast.dev/internal/suggest"
)

// A Scenario is a recipe for load: a base level and components that shape it.
// docs/datasets.md describes the file format by example.
type Scenario struct {
	Name        string `json:"name"` // lower-case letters, digits and hyphens
	Description string `json:"description,omitempty"`
	Unit        Unit   `json:"unit,omitempty"` // default rps
	// Start is the first instant, at which hours of the day and days of the week
	// are read in UTC. The default is 2026-01-05T00:00:00Z, a Monday.
	Start      time.Time   `json:"start,omitzero"`
	Step       Duration    `json:"step"`
	Length     Duration    `json:"length"` // a multiple of Step, at least two
	Base       float64     `json:"base"`   // the level before any component, in Unit
	Components []Component `json:"components,omitempty"`
}

// A Component changes the level by a deviation d(t), which is 0 at rest: it is
// added, or the level is multiplied by 1 + d(t). Which of the fields below Op,
// From and Until a component has depends on its type; see [ComponentTypes].
type Component struct {
	Type ComponentType `json:"type"`
	// Name selects the stream of random numbers; the default is the type, with -2,
	// -3, ... for later components of the same type.
	Name string `json:"name,omitempty"`
	Op   Op     `json:"op,omitempty"` // default add
	// From and Until bound the component to [From, Until) after the start; an Until
	// of 0 is the end.
	From  Duration `json:"from,omitempty"`
	Until Duration `json:"until,omitempty"`

	Size        float64            `json:"size,omitempty"`        // d at its height: load under add, a share of the level under multiply
	At          Duration           `json:"at,omitempty"`          // when it happens, after the start
	Every       Duration           `json:"every,omitempty"`       // happens again after this time; 0 is once
	Jitter      Duration           `json:"jitter,omitempty"`      // each time starts late by a random part of this
	For         Duration           `json:"for,omitempty"`         // how long it lasts
	Over        Duration           `json:"over,omitempty"`        // how long the rise of a ramp takes
	Rise        Duration           `json:"rise,omitempty"`        // how long the linear rise of a spike takes
	Hold        Duration           `json:"hold,omitempty"`        // how long a spike keeps its height
	Fall        Duration           `json:"fall,omitempty"`        // half-life of what remains of a spike afterwards
	Width       Duration           `json:"width,omitempty"`       // of a hump, at half its height
	Peak        Duration           `json:"peak,omitempty"`        // time of day (UTC) of the daily maximum
	Days        map[string]float64 `json:"days,omitempty"`        // d by day of the week, mon to sun; a day left out is 0
	Blend       Duration           `json:"blend,omitempty"`       // how long the passage from one day to the next takes, around midnight
	PerDay      float64            `json:"perDay,omitempty"`      // how much d grows in a day
	SD          float64            `json:"sd,omitempty"`          // standard deviation: of noise, or of a walk's change in an hour
	Correlation Duration           `json:"correlation,omitempty"` // lag at which noise has lost half its correlation
	Revert      Duration           `json:"revert,omitempty"`      // half-life of a walk's way back to 0; 0 is never
	Busy        Duration           `json:"busy,omitempty"`        // mean length of the busy times of onoff
	Idle        Duration           `json:"idle,omitempty"`        // mean length of its idle times
}

// An Op says how a component meets the level that the components before it made.
type Op string

// The operations; the zero value means Add.
const (
	Add      Op = "add"      // level + d
	Multiply Op = "multiply" // level * (1 + d)
)

// ErrUnknownScenario is what [Find] returns for a name that no scenario has.
var ErrUnknownScenario = errors.New("unknown scenario")

//go:embed scenarios/*.yaml
var shipped embed.FS

// Scenarios returns the scenarios that ship with the program, sorted by name.
func Scenarios() []Scenario {
	entries, err := shipped.ReadDir("scenarios")
	if err != nil {
		panic("datasets: " + err.Error()) // The folder is part of the binary.
	}
	all := make([]Scenario, 0, len(entries))
	for _, e := range entries {
		data, err := shipped.ReadFile("scenarios/" + e.Name())
		if err != nil {
			panic("datasets: " + err.Error())
		}
		s, err := ParseScenario(data)
		if err != nil {
			panic("datasets: " + e.Name() + ": " + err.Error()) // A test parses every file.
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Scenario) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Find returns the shipped scenario called name. The error for any other name
// wraps [ErrUnknownScenario] and suggests one.
func Find(name string) (Scenario, error) {
	all := Scenarios()
	names := make([]string, len(all))
	for i, s := range all {
		if s.Name == name {
			return s, nil
		}
		names[i] = s.Name
	}
	return Scenario{}, fmt.Errorf("%w %s%s", ErrUnknownScenario, quote(name), suggest.Hint(name, names))
}

// filled returns s with the defaults of its fields.
func (s Scenario) filled() Scenario {
	if s.Unit == "" {
		s.Unit = RPS
	}
	if s.Start.IsZero() {
		s.Start = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)
	}
	return s
}

// YAML returns the text from which [ParseScenario] makes s again.
func (s Scenario) YAML() ([]byte, error) {
	data, err := yaml.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write scenario %s: %w", quote(s.Name), err)
	}
	return data, nil
}
