package datasets_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"hindcast.dev/datasets"
)

// TestDocs holds docs/datasets.md to the code: its example parses, and it names
// every scenario, unit, component type and field.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../docs/datasets.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(doc, -1)
	if len(examples) == 0 {
		t.Error("no example of a scenario")
	}
	for _, e := range examples {
		if s, err := datasets.ParseScenario([]byte(e[1])); err != nil || len(s.Generate(1).Values) == 0 {
			t.Errorf("%v\n%s", err, e[1])
		}
	}
	for _, s := range datasets.Scenarios() {
		row := regexp.MustCompile("(?m)^\\| `" + s.Name + "` \\|.*$").FindString(doc)
		if row == "" {
			t.Errorf("scenario %s has no row", s.Name)
		}
		if strings.Contains(row, "not random") == s.Random() {
			t.Errorf("scenario %s: random is %v, but the row is %s", s.Name, s.Random(), row)
		}
	}
	for _, u := range datasets.Units() {
		if !strings.Contains(doc, "| `"+string(u)+"` |") {
			t.Errorf("unit %s has no row", u)
		}
	}
	for _, c := range datasets.ComponentTypes() {
		required, optional := c.Fields()
		cell := func(names []string) string {
			if len(names) == 0 {
				return "|"
			}
			return "| `" + strings.Join(names, "`, `") + "` |"
		}
		start := "| `" + string(c) + "` " + cell(required)
		if row := strings.TrimSuffix(start, "|") + cell(optional); !strings.Contains(doc, row) {
			t.Errorf("no row that begins %s", row)
		}
	}
}

// TestDocsErrors finds the fault messages of the documentation in what the reader
// says.
func TestDocsErrors(t *testing.T) {
	data, err := os.ReadFile("../docs/datasets.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"#\n60,1\n60,1\n",
		strings.Repeat("#\n", 5) + "2025-10-26 02:45,1\n2025-10-26 02:00,1\n",
		strings.Repeat("#\n", 7) + "0,1\n60,NaN\n",
		strings.Repeat("#\n", 7) + "0,1\n60,1\n120,1\n180,1\n210,1\n300,1\n360,1\n",
	} {
		_, err := datasets.ReadCSV(strings.NewReader(text), "load.csv")
		if err == nil {
			t.Errorf("no error for %q", text)
			continue
		}
		if !strings.Contains(string(data), err.Error()+"\n") {
			t.Errorf("the documentation does not have %s", err)
		}
	}
}
