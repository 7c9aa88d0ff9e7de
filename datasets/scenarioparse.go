package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"hindcast.dev/internal/suggest"
)

// ParseScenario reads a scenario from YAML (or JSON). It is strict: a field that
// is unknown, or that the type of its component does not have, is an error with
// a suggestion. All faults are returned at once, each with its path.
func ParseScenario(data []byte) (Scenario, error) {
	text, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return Scenario{}, fmt.Errorf("parse scenario: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	var d decoder
	var s Scenario
	var components []json.RawMessage
	d.object("", text, &s, map[string]any{"components": &components})
	for i, raw := range components {
		var c Component
		d.object(fmt.Sprintf("components[%d]", i), raw, &c, nil)
		s.Components = append(s.Components, c)
	}
	if len(d.faults) > 0 {
		return Scenario{}, errors.Join(d.faults...)
	}
	if err := s.Validate(); err != nil {
		return Scenario{}, err
	}
	return s.filled(), nil
}

// A decoder gathers faults where json.Decoder stops at the first.
type decoder struct{ faults []error }

func (d *decoder) fault(path, format string, args ...any) {
	d.faults = append(d.faults, fault(path, format, args...))
}

func fault(path, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if path == "" {
		return errors.New("scenario: " + message)
	}
	return errors.New(path + ": " + message)
}

// object decodes a JSON object into the struct dst points to; instead names
// other destinations for some fields.
func (d *decoder) object(path string, data []byte, dst any, instead map[string]any) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil || raw == nil {
		d.fault(path, "want fields and values, as in \"name: value\"")
		return
	}
	target := fieldsOf(dst)
	maps.Copy(target, instead)
	known := slices.Sorted(maps.Keys(target))
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		at := join(path, name)
		field, ok := target[name]
		if !ok {
			d.fault(at, "unknown field%s", suggest.Hint(name, known))
			continue
		}
		if bytes.Equal(raw[name], []byte("null")) {
			d.fault(at, "has no value; want %s", expected(field))
			continue
		}
		if err := json.Unmarshal(raw[name], field); err != nil {
			d.fault(at, "%s; want %s", show(raw[name]), expected(field))
		}
	}
}

// show returns a JSON value as a message shows it.
func show(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return quote(text)
	}
	return shorten(string(raw))
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fieldsOf maps the JSON names of a struct's fields to pointers to them.
func fieldsOf(dst any) map[string]any {
	v := reflect.ValueOf(dst).Elem()
	fields := make(map[string]any, v.NumField())
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i).Addr().Interface()
	}
	return fields
}

// expected says in words what a field holds.
func expected(field any) string {
	switch field.(type) {
	case *Duration:
		return "a duration such as 90s, 6h, 1d12h or 2w"
	case *float64:
		return "a number"
	case *time.Time:
		return "an RFC 3339 time such as 2026-01-05T00:00:00Z"
	case *map[string]float64:
		return "numbers by day, such as {sat: -0.3, sun: -0.2}"
	case *[]json.RawMessage:
		return "a list of components"
	default:
		return "text"
	}
}
