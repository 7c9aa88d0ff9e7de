package datasets_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/datasets"
)

func TestScenariosShipped(t *testing.T) {
	var names []string
	for _, s := range datasets.Scenarios() {
		names = append(names, s.Name)
		if s.Description == "" || len(s.Components) == 0 {
			t.Errorf("%s has no description or no components", s.Name)
		}
		if got, err := datasets.Find(s.Name); err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(s, got); diff != "" {
			t.Errorf("Find(%q) differs:\n%s", s.Name, diff)
		}
		if _, err := os.Stat(filepath.Join("scenarios", s.Name+".yaml")); err != nil {
			t.Errorf("the file is not called after the scenario: %v", err)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %v", names)
	}
	for _, want := range []string{
		"batch-nightly", "diurnal-weekly", "flash-crowd", "jmeter-ramp", "ramp", "random-walk",
		"regime-change", "sawtooth", "scale-to-zero", "shop", "spike", "step",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestFindSuggests(t *testing.T) {
	for name, want := range map[string]string{
		"shp":         `unknown scenario "shp"; did you mean "shop"?`,
		"flash_crowd": `unknown scenario "flash_crowd"; did you mean "flash-crowd"?`,
		"batch":       `unknown scenario "batch"; did you mean "batch-nightly"?`,
	} {
		_, err := datasets.Find(name)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
		if !errors.Is(err, datasets.ErrUnknownScenario) {
			t.Errorf("%v does not wrap ErrUnknownScenario", err)
		}
	}
	if _, err := datasets.Find("elephant"); err == nil || !strings.Contains(err.Error(), "known: batch-nightly, ") {
		t.Errorf("a name like no other: %v, want a list", err)
	}
}

func TestScenarioRoundTrip(t *testing.T) {
	for _, s := range datasets.Scenarios() {
		text, err := s.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := datasets.ParseScenario(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Errorf("%s changed on its way:\n%s", s.Name, diff)
		}
	}
}

func TestParseScenario(t *testing.T) {
	got, err := datasets.ParseScenario([]byte(`
name: mine
step: 30s
length: 1d
base: 10
components:
- {type: step, at: 1h30m, size: 5}
- type: weekly
  op: multiply
  days: {sat: -0.5}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := datasets.Scenario{
		Name: "mine", Unit: datasets.RPS, Start: at("2026-01-05T00:00:00Z"),
		Step: datasets.Duration(30 * time.Second), Length: datasets.Duration(24 * time.Hour), Base: 10,
		Components: []datasets.Component{
			{Type: datasets.Step, At: datasets.Duration(90 * time.Minute), Size: 5},
			{Type: datasets.Weekly, Op: datasets.Multiply, Days: map[string]float64{"sat": -0.5}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Start.Weekday() != time.Monday {
		t.Errorf("the default start is a %s", got.Start.Weekday())
	}
}

// head makes a component the only one of an otherwise sound scenario.
const head = "{name: x, step: 1m, length: 1d, base: 1, components: ["

func TestParseScenarioErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", "", `scenario: want fields and values, as in "name: value"`},
		{"a list", "[1]", `scenario: want fields and values, as in "name: value"`},
		{"no YAML", "a: [", "parse scenario: yaml: line 1: did not find expected node content"},
		{"twice", "name: a\nname: b\n", `parse scenario: yaml: unmarshal errors: line 2: key "name" already set in map`},
		{"unknown field", "{name: x, stp: 1m, step: 1m, length: 1h, base: 1}", `stp: unknown field; did you mean "step"?`},
		{"wrong case", "{Name: y, name: x, step: 1m, length: 1h, base: 1}", `Name: unknown field; did you mean "name"?`},
		{"no value", "{name: x, step: , length: 1h, base: 1}", "step: has no value; want a duration such as 90s, 6h, 1d12h or 2w"},
		{"number for a duration", "{name: x, step: 60, length: 1h, base: 1}", `step: 60; want a duration such as 90s, 6h, 1d12h or 2w`},
		{"unit of a duration", "{name: x, step: 1y, length: 1h, base: 1}", `step: "1y"; want a duration such as 90s, 6h, 1d12h or 2w`},
		{"negative duration", "{name: x, step: -1m, length: 1h, base: 1}", `step: "-1m"; want a duration such as 90s, 6h, 1d12h or 2w`},
		{"text for a number", "{name: x, step: 1m, length: 1h, base: many}", `base: "many"; want a number`},
		{"number for text", "{name: 7, step: 1m, length: 1h, base: 1}", `name: 7; want text`},
		{"no time", "{name: x, start: monday, step: 1m, length: 1h, base: 1}", `start: "monday"; want an RFC 3339 time such as 2026-01-05T00:00:00Z`},
		{"components no list", "{name: x, step: 1m, length: 1h, base: 1, components: 3}", `components: 3; want a list of components`},
		{"name", "{name: A b, step: 1m, length: 1h, base: 1}", `name: "A b"; want lower-case letters, digits and hyphens`},
		{"unit", "{name: x, unit: core, step: 1m, length: 1h, base: 1}", `unit: unknown unit "core"; did you mean "cores"?`},
		{"year", "{name: x, start: 0001-01-02T00:00:00Z, step: 1m, length: 1h, base: 1}", "start: year 1; want 1970 to 2100"},
		{"negative base", "{name: x, step: 1m, length: 1h, base: -1}", "base: -1 is negative"},
		{"huge base", "{name: x, step: 1m, length: 1h, base: 1e10}", "base: 1e+10; want a number of size 1e+09 at most"},
		{"no step", "{name: x, length: 1h, base: 1}", "step: is missing or 0; want a duration such as 1m"},
		{"short", "{name: x, step: 1m, length: 1m, base: 1}", "length: 1m is less than two steps of 1m"},
		{"no multiple", "{name: x, step: 7m, length: 1h, base: 1}", "length: 1h is not a multiple of the step 7m"},
		{"too long", "{name: x, step: 1ms, length: 52w, base: 1}", "length: 364d has more than 50000000 steps of 1ms"},

		{"type", head + "{type: dayly, size: 1}]}", `components[0].type: unknown type "dayly"; did you mean "daily"?`},
		{"no type", head + "{size: 1}]}", `components[0].type: unknown type ""; known: daily, weekly, trend, step, ramp, hump, spike, sawtooth, batch, walk, noise, onoff, poisson`},
		{"op", head + "{type: daily, size: 1, op: times}]}", `components[0].op: unknown operation "times"; known: add, multiply`},
		{"component field", head + "{type: daily, size: 1, peek: 3h}]}", `components[0].peek: unknown field; did you mean "peak"?`},
		{"another type's field", head + "{type: daily, size: 1, fall: 3h}]}", "components[0].fall: daily has no such field; it has size, peak"},
		{"a field too many", head + "{type: poisson, sd: 3}]}", "components[0].sd: poisson has no such field; it has none"},
		{"needed field", head + "{type: ramp, size: 1}]}", "components[0].over: is missing or 0; ramp needs size, over"},
		{"component no object", head + "daily]}", `components[0]: want fields and values, as in "name: value"`},
		{"past the end", head + "{type: step, size: 1, at: 2d}]}", "components[0].at: 2d is past the end at 1d"},
		{"until before from", head + "{type: daily, size: 1, from: 2h, until: 1h}]}", "components[0].until: 1h is not after from, 2h"},
		{"every", head + "{type: sawtooth, size: 1, every: 30s}]}", "components[0].every: 30s is less than the step 1m"},
		{"jitter", head + "{type: batch, size: 1, for: 1m, every: 1h, jitter: 1h}]}", "components[0].jitter: 1h is not less than every, 1h"},
		{"width", head + "{type: hump, size: 1, width: 2h, every: 1h}]}", "components[0].width: 2h is more than every, 1h"},
		{"peak", head + "{type: daily, size: 1, peak: 24h}]}", "components[0].peak: 1d is not a time of day"},
		{"blend", head + "{type: weekly, days: {sat: 1}, blend: 25h}]}", "components[0].blend: 1d1h is more than a day"},
		{"day", head + "{type: weekly, days: {saturday: 1}}]}", "components[0].days.saturday: unknown day; want mon, tue, wed, thu, fri, sat or sun"},
		{"days", head + "{type: weekly, days: [1, 2]}]}", `components[0].days: [1,2]; want numbers by day, such as {sat: -0.3, sun: -0.2}`},
		{"spike without duration", head + "{type: spike, size: 1}]}", "components[0]: spike needs rise, hold or fall, or it has no duration"},
		{"quick onoff", head + "{type: onoff, size: 1, busy: 1s, idle: 1h}]}", "components[0]: busy 1s and idle 1h; neither may be less than the step 1m"},
		{"sd", head + "{type: noise, sd: -1}]}", "components[0].sd: -1; want more than 0, and at most 10 under multiply"},
		{"large sd", head + "{type: walk, op: multiply, sd: 11}]}", "components[0].sd: 11; want more than 0, and at most 10 under multiply"},
		{"name taken", head + "{type: noise, sd: 1}, {type: walk, sd: 1, name: noise}]}", `components[1].name: "noise" is also the name of components[0]`},
		{"poisson not last", head + "{type: poisson}, {type: noise, sd: 1}]}", "components[0]: poisson must be the last component: it counts the events of the level before it"},
		{"poisson with op", head + "{type: poisson, op: multiply}]}", "components[0]: poisson has no op, from or until"},
		{"poisson of cores", "{name: x, unit: cores, step: 1m, length: 1d, base: 1, components: [{type: poisson}]}", "components[0]: poisson counts events, but the unit is cores"},

		{"all decoding faults at once", "{nam: x, step: 1, components: [{typ: daily}, {type: daily, size: big}]}",
			"nam: unknown field; did you mean \"name\"?\n" +
				"step: 1; want a duration such as 90s, 6h, 1d12h or 2w\n" +
				"components[0].typ: unknown field; did you mean \"type\"?\n" +
				"components[1].size: \"big\"; want a number"},
		{"all other faults at once", "{name: x!, step: 1m, length: 90s, base: -1, components: [{type: ramp}]}",
			"name: \"x!\"; want lower-case letters, digits and hyphens\n" +
				"base: -1 is negative\n" +
				"length: 1m30s is less than two steps of 1m\n" +
				"components[0].size: is missing or 0; ramp needs size, over\n" +
				"components[0].over: is missing or 0; ramp needs size, over"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := datasets.ParseScenario([]byte(tt.text))
			if err == nil {
				t.Fatalf("no error, but %+v", s)
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
		})
	}
}

func TestDuration(t *testing.T) {
	tests := []struct {
		text  string
		want  time.Duration
		print string
	}{
		{"0s", 0, "0s"}, {"0", 0, "0s"}, {"90s", 90 * time.Second, "1m30s"}, {"1h", time.Hour, "1h"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"}, {"90m", 90 * time.Minute, "1h30m"},
		{"1d", 24 * time.Hour, "1d"}, {"1d12h", 36 * time.Hour, "1d12h"}, {"1.5d", 36 * time.Hour, "1d12h"},
		{"2w", 14 * 24 * time.Hour, "14d"}, {"1w1d1h1m1s", 193*time.Hour + 61*time.Second, "8d1h1m1s"},
		{"250ms", 250 * time.Millisecond, "250ms"}, {"10m", 10 * time.Minute, "10m"}, {"20h", 20 * time.Hour, "20h"},
	}
	for _, tt := range tests {
		var d datasets.Duration
		if err := d.UnmarshalText([]byte(tt.text)); err != nil || time.Duration(d) != tt.want {
			t.Errorf("%s is %s, %v; want %s", tt.text, time.Duration(d), err, tt.want)
		}
		if d.String() != tt.print {
			t.Errorf("%s prints as %s, want %s", tt.text, d, tt.print)
		}
		var again datasets.Duration
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Errorf("%s became %s, %v", d, again, err)
		}
	}
	for _, bad := range []string{"", "d", "-1h", "-1d", "1d-1h", "1", "1x", "1d1", "h1d", "1d1w", "200000d", "NaNd", "1e99w", "99999999h"} {
		var d datasets.Duration
		if err := d.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is read as %s", bad, d)
		}
	}
}
