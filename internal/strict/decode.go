package strict

import (
	"encoding"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"hindcast.dev/internal/suggest"
)

// maxNodes bounds what one document may grow to once its aliases are followed, so
// that a few lines of aliases of aliases are an error and not an exhausted machine.
const maxNodes = 1_000_000

// maxDepth bounds nesting, which no object needs and every recursion pays for.
const maxDepth = 200

type decoder struct {
	file    string
	budget  int // nodes that may still be visited
	depth   int
	stopped bool // the budget ran out and was complained about
	faults  []error
}

func (d *decoder) fault(n *yaml.Node, path, msg string) {
	d.faults = append(d.faults, &Fault{File: d.file, Line: max(1, n.Line), Path: path, Msg: msg})
}

// enter counts a node; false: the document is too large and n must not be read.
func (d *decoder) enter(n *yaml.Node, path string) bool {
	d.budget--
	if d.stopped {
		return false
	}
	if d.budget < 0 || d.depth >= maxDepth {
		d.stopped = true
		d.fault(n, path, "the document is nested too deeply or too large; use fewer aliases or split it")
		return false
	}
	if n.Style&yaml.TaggedStyle != 0 && !coreTag(n.ShortTag()) {
		d.fault(n, path, "the tag "+strconv.Quote(n.Tag)+" is not understood; leave it out")
		return false
	}
	d.depth++
	return true
}

func (d *decoder) leave() { d.depth-- }

func coreTag(tag string) bool {
	switch tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return true
	}
	return false
}

// value stores n in v.
func (d *decoder) value(n *yaml.Node, path string, v reflect.Value) {
	n = resolve(n)
	if v.Type() == nodeType {
		if !isNull(n) {
			v.Set(reflect.ValueOf(Node{file: d.file, path: path, yaml: n}))
		}
		return
	}
	if !d.enter(n, path) {
		return
	}
	defer d.leave()
	if d.unmarshals(n, path, v) || isNull(n) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		target := reflect.New(v.Type().Elem())
		d.value(n, path, target.Elem())
		v.Set(target)
	case reflect.Struct:
		d.structure(n, path, v)
	case reflect.Map:
		d.mapping(n, path, v)
	case reflect.Slice:
		d.list(n, path, v)
	case reflect.Interface:
		if x, ok := d.any(n, path); ok && x != nil {
			v.Set(reflect.ValueOf(x))
		}
	default:
		d.scalar(n, path, v)
	}
}

// unmarshals stores n in v by v's own method and reports whether it has one.
func (d *decoder) unmarshals(n *yaml.Node, path string, v reflect.Value) bool {
	if v.Kind() == reflect.Pointer || !v.CanAddr() {
		return false
	}
	own, isJSON := reflect.TypeAssert[json.Unmarshaler](v.Addr())
	text, isText := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	if !isJSON && !isText {
		return false
	}
	if isNull(n) {
		return true
	}
	x, ok := d.any(n, path)
	if !ok {
		return true
	}
	if !isJSON {
		s, isString := x.(string)
		if !isString {
			d.fault(n, path, "expected a string, got "+describe(n))
		} else if err := text.UnmarshalText([]byte(s)); err != nil {
			d.fault(n, path, oneLine(err))
		}
		return true
	}
	b, err := json.Marshal(x)
	if err == nil {
		err = own.UnmarshalJSON(b)
	}
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		d.fault(n, path, "expected "+article(wrong.Type)+", got "+describe(n))
	case err != nil:
		d.fault(n, path, "cannot read "+describe(n)+": "+oneLine(err))
	}
	return true
}

// article names a type that a method of json.Unmarshaler asked for.
func article(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[json.Number]():
		return "a number"
	case t.Kind() == reflect.String:
		return "a string"
	}
	return "a value of type " + t.String()
}

func (d *decoder) structure(n *yaml.Node, path string, v reflect.Value) {
	fields := make(map[string]reflect.Value)
	var names []string
	collectFields(v, fields, &names)
	for _, p := range d.pairs(n, path) {
		f, ok := fields[p.key]
		if !ok {
			d.fault(p.at, join(path, p.key), "unknown field"+suggest.Hint(p.key, names))
			continue
		}
		d.value(p.value, join(path, p.key), f)
	}
}

// collectFields finds the fields of v and of the structs embedded in it, by their
// JSON names.
func collectFields(v reflect.Value, fields map[string]reflect.Value, names *[]string) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			collectFields(v.Field(i), fields, names)
		case !f.IsExported():
		default:
			if name == "" {
				name = f.Name
			}
			fields[name] = v.Field(i)
			*names = append(*names, name)
		}
	}
}

func (d *decoder) mapping(n *yaml.Node, path string, v reflect.Value) {
	t := v.Type()
	m := reflect.MakeMap(t)
	for _, p := range d.pairs(n, path) {
		item := reflect.New(t.Elem()).Elem()
		d.value(p.value, entry(path, p.key), item)
		m.SetMapIndex(reflect.ValueOf(p.key).Convert(t.Key()), item)
	}
	if n.Kind == yaml.MappingNode {
		v.Set(m)
	}
}

func (d *decoder) list(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.fault(n, path, "expected a list, got "+describe(n))
		return
	}
	s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(item, path+"["+strconv.Itoa(i)+"]", s.Index(i))
	}
	v.Set(s)
}

func (d *decoder) scalar(n *yaml.Node, path string, v reflect.Value) {
	x, ok := d.any(n, path)
	if !ok {
		return
	}
	switch v.Kind() {
	case reflect.String:
		s, ok := x.(string)
		if !ok {
			hint := ""
			if n.Kind == yaml.ScalarNode {
				hint = "; put it in quotes"
			}
			d.fault(n, path, "expected a string, got "+describe(n)+hint)
			return
		}
		v.SetString(s)
	case reflect.Bool:
		b, ok := x.(bool)
		if !ok {
			d.fault(n, path, "expected true or false, got "+describe(n))
			return
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		text, ok := integer(x)
		if !ok {
			d.fault(n, path, "expected an integer, got "+describe(n))
			return
		}
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			d.fault(n, path, "expected an integer of "+strconv.Itoa(v.Type().Bits())+" bits, got "+describe(n))
			return
		}
		v.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		text, ok := integer(x)
		if !ok {
			d.fault(n, path, "expected an integer, got "+describe(n))
			return
		}
		u, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			bits := strconv.Itoa(v.Type().Bits())
			d.fault(n, path, "expected an integer of at least 0 and "+bits+" bits, got "+describe(n))
			return
		}
		v.SetUint(u)
	case reflect.Float32, reflect.Float64:
		num, ok := x.(json.Number)
		if !ok {
			d.fault(n, path, "expected a number, got "+describe(n))
			return
		}
		f, _ := num.Float64() // any has checked it
		v.SetFloat(f)
	default:
		panic("strict: cannot decode into " + v.Type().String())
	}
}

func integer(x any) (text string, ok bool) {
	n, ok := x.(json.Number)
	return n.String(), ok && !strings.ContainsAny(n.String(), ".eE")
}

// any returns n as encoding/json would with UseNumber, or false after a fault.
func (d *decoder) any(n *yaml.Node, path string) (any, bool) {
	n = resolve(n)
	if !d.enter(n, path) {
		return nil, false
	}
	defer d.leave()
	switch n.Kind {
	case yaml.MappingNode:
		before := len(d.faults)
		m := make(map[string]any)
		for _, p := range d.pairs(n, path) {
			m[p.key], _ = d.any(p.value, entry(path, p.key))
		}
		return m, len(d.faults) == before
	case yaml.SequenceNode:
		before := len(d.faults)
		s := make([]any, len(n.Content))
		for i, item := range n.Content {
			s[i], _ = d.any(item, path+"["+strconv.Itoa(i)+"]")
		}
		return s, len(d.faults) == before
	default:
		return d.plain(n, path)
	}
}

// plain returns the value of a scalar.
func (d *decoder) plain(n *yaml.Node, path string) (any, bool) {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		if b, ok := oldBool(n); ok {
			return b, true
		}
		return n.Value, true
	case "!!null":
		return nil, true
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			d.fault(n, path, "expected true or false, got "+describe(n))
			return nil, false
		}
		return b, true
	case "!!int":
		if digits := strings.TrimPrefix(n.Value, "+"); isDecimal(digits) {
			return json.Number(digits), true
		}
		d.fault(n, path, "write "+describe(n)+" as a decimal integer, or put it in quotes")
		return nil, false
	case "!!float":
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(n.Value, "_xX") {
			d.fault(n, path, describe(n)+" is not a decimal number")
			return nil, false
		}
		b, _ := json.Marshal(f) // it is finite
		return json.Number(b), true
	}
	d.fault(n, path, "cannot read "+describe(n)+"; put it in quotes")
	return nil, false
}

// oldBool reports the values that YAML 1.1, which Kubernetes reads, takes for a
// bool and YAML 1.2 for a string.
func oldBool(n *yaml.Node) (value, ok bool) {
	const notPlain = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle |
		yaml.TaggedStyle
	if n.Style&notPlain != 0 {
		return false, false
	}
	switch n.Value {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

// isDecimal reports whether s is an integer as JSON writes it.
func isDecimal(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits[0] == '0' && s != "0" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}
