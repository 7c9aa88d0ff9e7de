package strict_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"hindcast.dev/internal/strict"
)

type base struct {
	Kind string `json:"kind,omitempty"`
}

type level string

// upper is read by a method of its own.
type upper string

func (u *upper) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "bad" {
		return errors.New("bad is not allowed")
	}
	*u = upper(strings.ToUpper(s))
	return nil
}

type item struct {
	Name string  `json:"name,omitempty"`
	N    *int32  `json:"num,omitempty"`
	F    float64 `json:"f,omitempty"`
}

type object struct {
	base   `json:",inline"`
	Base   base              `json:"base,omitzero"`
	Items  []item            `json:"items,omitempty"`
	Labels map[level]string  `json:"labels,omitempty"`
	Sub    map[string]*item  `json:"sub,omitempty"`
	On     bool              `json:"open,omitempty"`
	Seed   uint64            `json:"seed,omitempty"`
	Upper  upper             `json:"upper,omitempty"`
	Free   any               `json:"free,omitempty"`
	At     time.Time         `json:"at,omitzero"`
	Extra  map[string]string `json:"-"`
}

func decode(t *testing.T, in string) (object, error) {
	t.Helper()
	docs, err := strict.Parse([]byte(in), "f.yaml")
	if err != nil {
		return object{}, err
	}
	if len(docs) != 1 {
		t.Fatalf("%d documents, want 1", len(docs))
	}
	var o object
	return o, docs[0].Decode(&o)
}

func TestDecode(t *testing.T) {
	three := int32(3)
	for _, tc := range []struct {
		name, in string
		want     object
	}{
		{"fields of an embedded struct", "kind: A", object{base: base{Kind: "A"}}},
		{"comments and order", "# a\nopen: true # b\nkind: A\n", object{base: base{Kind: "A"}, On: true}},
		{"JSON", `{"kind":"A","items":[{"name":"x","num":3}],"seed":18446744073709551615}`,
			object{base: base{Kind: "A"}, Items: []item{{Name: "x", N: &three}}, Seed: 1<<64 - 1}},
		{"JSON with tabs", "{\n\t\"kind\":\t\"A\",\n\t\"open\": true\n}", object{base: base{Kind: "A"}, On: true}},
		{"numbers", "items: [{num: +3, f: 1e3}, {num: 3.0, f: .5}, {f: 7}]",
			object{Items: []item{{N: &three, F: 1000}, {N: &three, F: 0.5}, {F: 7}}}},
		{"bools of YAML 1.1", "open: yes", object{On: true}},
		{"quoted words that look like other types", `items: [{name: "yes"}, {name: '12'}, {name: !!str 12}]`,
			object{Items: []item{{Name: "yes"}, {Name: "12"}, {Name: "12"}}}},
		{"null is absent", "items: null\nkind: ~\nupper:\nsub: {a: null}", object{Sub: map[string]*item{"a": nil}}},
		{"empty is not absent", "items: []\nlabels: {}", object{Items: []item{}, Labels: map[level]string{}}},
		{"maps", "labels: {a.b/c: d, 1: e}", object{Labels: map[level]string{"a.b/c": "d", "1": "e"}}},
		{"own methods", "upper: x\nat: 2024-01-02T03:04:05Z",
			object{Upper: "X", At: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)}},
		{"anything", "free: {a: [1, x, null, true, 2.50]}", object{Free: map[string]any{
			"a": []any{json.Number("1"), "x", nil, true, json.Number("2.5")}}}},
		{"alias", "base: &b {kind: A}\nsub: {x: &i {name: q}, w: *i}",
			object{Base: base{Kind: "A"}, Sub: map[string]*item{"x": {Name: "q"}, "w": {Name: "q"}}}},
		{"merge, own keys first", "sub: {x: &i {name: q, f: 1}, w: {<<: *i, f: 2}}",
			object{Sub: map[string]*item{"x": {Name: "q", F: 1}, "w": {Name: "q", F: 2}}}},
		{"merge of a list, the first wins", "sub: {x: &i {name: q}, w: &j {name: r, f: 1}, z: {<<: [*i, *j]}}",
			object{Sub: map[string]*item{"x": {Name: "q"}, "w": {Name: "r", F: 1}, "z": {Name: "q", F: 1}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := decode(t, tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(object{})); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			var kubernetes object
			if err := yaml.Unmarshal([]byte(tc.in), &kubernetes, json2Number); err != nil {
				t.Fatalf("Kubernetes refuses it: %v", err)
			}
			if d := cmp.Diff(kubernetes, got, cmp.AllowUnexported(object{})); d != "" {
				t.Errorf("-Kubernetes +got:\n%s", d)
			}
		})
	}
}

func json2Number(d *json.Decoder) *json.Decoder { d.UseNumber(); return d }

func TestDecodeFaults(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     []string
	}{
		{"unknown field", "itemz: []", []string{`f.yaml:1: itemz: unknown field; did you mean "items"?`}},
		{"unknown field far from all", "base: {whatever: 1}", []string{`f.yaml:1: base.whatever: unknown field; known: kind`}},
		{"wrong case", "items:\n- Name: x", []string{`f.yaml:2: items[0].Name: unknown field; did you mean "name"?`}},
		{"all at once, with lines", "kindd: A\nitems:\n- nam: x\n- {num: x}\n",
			[]string{
				`f.yaml:1: kindd: unknown field; did you mean "kind"?`,
				`f.yaml:3: items[0].nam: unknown field; did you mean "name"?`,
				`f.yaml:4: items[1].num: expected an integer, got "x"`,
			}},
		{"repeated key", "kind: A\nopen: true\nkind: B", []string{`f.yaml:3: kind: stands twice, first on line 1; remove one`}},
		{"repeated key of a map", "labels: {a.b: x, a.b: y}", []string{`f.yaml:1: labels[a.b]: stands twice, first on line 1; remove one`}},
		{"repeated key where anything goes", "free: {a: 1, a: 2}", []string{`f.yaml:1: free.a: stands twice, first on line 1; remove one`}},
		{"number for a string", "kind: 12", []string{`f.yaml:1: kind: expected a string, got 12; put it in quotes`}},
		{"bool of YAML 1.1 for a string", "kind: on", []string{`f.yaml:1: kind: expected a string, got "on"; put it in quotes`}},
		{"bool of YAML 1.1 as a key", "labels: {y: a}", []string{`f.yaml:1: labels: expected a string as a key, got "y"; put it in quotes`}},
		{"string for a bool", `open: "true"`, []string{`f.yaml:1: open: expected true or false, got "true"`}},
		{"list for a mapping", "base: [a]", []string{`f.yaml:1: base: expected a mapping, got a list`}},
		{"mapping for a list", "items: {name: a}", []string{`f.yaml:1: items: expected a list, got a mapping`}},
		{"mapping for a string", "kind: {a: b}", []string{`f.yaml:1: kind: expected a string, got a mapping`}},
		{"fraction for an integer", "items: [{num: 1.5}]", []string{`f.yaml:1: items[0].num: expected an integer, got 1.5`}},
		{"out of range", "items: [{num: 3000000000}]", []string{`f.yaml:1: items[0].num: expected an integer of 32 bits, got 3000000000`}},
		{"negative", "seed: -1", []string{`f.yaml:1: seed: expected an integer of at least 0 and 64 bits, got -1`}},
		{"octal", "seed: 0777", []string{`f.yaml:1: seed: write 0777 as a decimal integer, or put it in quotes`}},
		{"infinite", "items: [{f: .inf}]", []string{`f.yaml:1: items[0].f: .inf is not a decimal number`}},
		{"word for a number", "items: [{f: x}]", []string{`f.yaml:1: items[0].f: expected a number, got "x"`}},
		{"own method", "upper: bad", []string{`f.yaml:1: upper: cannot read "bad": bad is not allowed`}},
		{"inside an own method", "upper: {a: 1, a: 2}", []string{`f.yaml:1: upper.a: stands twice, first on line 1; remove one`}},
		{"unknown tag", "kind: !secret x", []string{`f.yaml:1: kind: the tag "!secret" is not understood; leave it out`}},
		{"hostile key", `"a\nb": 1`, []string{`f.yaml:1: "a\nb": unknown field; known: kind, base, items, labels, sub, open, seed, upper, free, at`}},
		{"scalar document", "hello", []string{`f.yaml:1: expected a mapping, got "hello"`}},
		{"alias of itself", "free: &a [*a]", []string{`f.yaml:1: free` + strings.Repeat("[0]", 198) + `: the document is nested too deeply or too large; use fewer aliases or split it`}},
		{"syntax", "kind: A\n  open: true: x\n", []string{`f.yaml:2: invalid YAML: mapping values are not allowed in this context`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := decode(t, tc.in)
			if err == nil {
				t.Fatal("no error")
			}
			if d := cmp.Diff(tc.want, strings.Split(err.Error(), "\n")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestAliasBombIsAnError(t *testing.T) {
	var in strings.Builder
	in.WriteString("free:\n- &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(&in, "- &a%d [%s]\n", i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	_, err := decode(t, in.String())
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("err = %v, want one about the size", err)
	}
}

func TestParse(t *testing.T) {
	docs, err := strict.Parse([]byte("# only a comment\n---\nkind: A\n---\n---\nkind: B\nitems: [{name: x}, {name: y}]\n...\n"), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) != 2 {
		t.Fatalf("%d documents, want 2", len(docs))
	}
	if got := docs[0].Text("kind") + docs[1].Text("kind") + docs[1].Text("none"); got != "AB" {
		t.Errorf("kinds = %q, want AB", got)
	}
	if docs[0].Line() != 3 || docs[1].Line() != 6 {
		t.Errorf("lines %d and %d, want 3 and 6", docs[0].Line(), docs[1].Line())
	}
	items := docs[1].Items("items")
	if len(items) != 2 || items[1].Text("name") != "y" {
		t.Fatalf("items = %v", items)
	}
	if got, want := items[1].Fault("no %s", "use").Error(), "f.yaml:7: items[1]: no use"; got != want {
		t.Errorf("fault = %q, want %q", got, want)
	}
}

func TestNodeKeepsItsPlace(t *testing.T) {
	docs, err := strict.Parse([]byte("name: a\nscaler:\n  kind: A\n  itemz: []\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	var outer struct {
		Name   string      `json:"name"`
		Scaler strict.Node `json:"scaler"`
		Absent strict.Node `json:"absent"`
	}
	if err := docs[0].Decode(&outer); err != nil {
		t.Fatal(err)
	}
	if !outer.Absent.IsZero() || outer.Scaler.IsZero() {
		t.Errorf("absent is zero: %v, scaler is zero: %v", outer.Absent.IsZero(), outer.Scaler.IsZero())
	}
	var o object
	err = outer.Scaler.Decode(&o)
	var fault *strict.Fault
	if !errors.As(err, &fault) {
		t.Fatalf("err = %v, want a *Fault", err)
	}
	want := strict.Fault{Line: 4, Path: "scaler.itemz", Msg: `unknown field; did you mean "items"?`}
	if d := cmp.Diff(want, *fault); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := err.Error(); !strings.HasPrefix(got, "line 4: scaler.itemz: ") {
		t.Errorf("message without a file = %q", got)
	}
}

// loneTag is the tag that makes anything a string; the YAML parser drops it unseen.
var loneTag = regexp.MustCompile(`!([^!<0-9A-Za-z]|$)`)

// FuzzDecode holds that whatever is accepted means to Kubernetes what it means here.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"kind: A\nopen: yes\nseed: 0x10\n", "labels: {y: n, 1: a}", "items: [{num: +3, f: 1_0}]", "free: 2001-01-01",
		"sub: {x: &i {name: q}, w: {<<: *i, f: 2}}", "free: !!binary aGk=", "upper: x\nat: 2024-01-02T03:04:05Z",
		"free: [0o17, 0b1, .5, 5., 1e3, ~, Null, TRUE, 1:30, -0, 0.0]", "a: &a [*a]", `{"kind":"\u00e9"}`, "? [a]\n: b",
		"%YAML 1.1\n---\nkind: |\n  a\n", "\ufeffkind: A", "kind: >-\n a\n b\n", "free: =", "? kind\n: A",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if loneTag.Match(data) {
			return
		}
		docs, err := strict.Parse(data, "f")
		if err != nil || len(docs) != 1 {
			return
		}
		var got, want object
		if err := docs[0].Decode(&got); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "f:") {
					t.Errorf("message without its place: %q", line)
				}
			}
			return
		}
		if err := yaml.Unmarshal(data, &want, json2Number); err != nil {
			return // YAML that the parser of Kubernetes, an older one, cannot read
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(object{})); d != "" {
			t.Errorf("-Kubernetes +got:\n%s", d)
		}
	})
}

func ExampleNode_Decode() {
	docs, _ := strict.Parse([]byte("nam: shop\nreplicas: many\n"), "shop.yaml")
	var v struct {
		Name     string `json:"name"`
		Replicas int32  `json:"replicas"`
	}
	fmt.Println(docs[0].Decode(&v))
	// Output:
	// shop.yaml:1: nam: unknown field; did you mean "name"?
	// shop.yaml:2: replicas: expected an integer, got "many"
}

// TestLineOf: a path leads to the line of its key, or of the item of a list, whatever the style of the
// YAML; what is not there to the line of what it belongs into.
func TestLineOf(t *testing.T) {
	docs, err := strict.Parse([]byte(`# a comment
spec: &spec
  plain: 1
  list:
  - {a: 1,
     b: 2}
  -
    a: {deep: [x,
      y]}
copy: *spec
"json": {"k":
  [1, {"last": true}]}
`), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"": 2, "spec": 2, "spec.plain": 3, "spec.list": 4, "spec.list[0]": 5, "spec.list[0].a": 5, "spec.list[0].b": 6,
		"spec.list[1]": 8, "spec.list[1].a": 8, "spec.list[1].a.deep[0]": 8, "spec.list[1].a.deep[1]": 9,
		"copy": 10, "copy.plain": 3, "json": 11, "json.k[1].last": 12,
		"none": 2, "spec.none": 2, "spec.list[7]": 4, "spec.list[0].none.deeper": 5, "spec.plain.none": 3, "spec.list.a": 4, "spec[0]": 2,
		"spec.list[x]": 4, "spec.list[99999999999999999999]": 4,
	} {
		if got := docs[0].LineOf(path); got != want {
			t.Errorf("%q is on line %d, want %d", path, got, want)
		}
	}
	var none strict.Node
	if got := none.LineOf("spec"); got != 0 {
		t.Errorf("an absent node has line %d", got)
	}
}
