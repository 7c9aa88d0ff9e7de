package policytest_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"hindcast.dev/backtest/policytest"
)

func TestFaults(t *testing.T) {
	datadriven.RunTest(t, "testdata/faults", func(_ *testing.T, d *datadriven.TestData) string {
		if _, err := policytest.Decode([]byte(d.Input), "t.yaml"); err != nil {
			return err.Error() + "\n"
		}
		return "ok\n"
	})
}

func TestLoadNamesAMissingFile(t *testing.T) {
	if _, err := policytest.Load("testdata/none.yaml"); err == nil || !strings.Contains(err.Error(), "testdata/none.yaml") {
		t.Errorf("err = %v, want one with the path", err)
	}
}

// TestOnlyFilesWithAnEndAreRead keeps a device under file: from being read for ever.
func TestOnlyFilesWithAnEndAreRead(t *testing.T) {
	_, err := policytest.Decode([]byte("tests: [{name: a, file: "+os.DevNull+", expect_replicas: '1'}]"), "t.yaml")
	if err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("err = %v, want one about the kind of file", err)
	}
}

// TestDocs holds that the page names every field of the format.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy-tests.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range policytest.Formats() {
		for f := range reflect.TypeOf(of).Fields() {
			if name := f.Tag.Get("json"); !strings.Contains(string(page), "| `"+name+"` |") {
				t.Errorf("`%s` is not in the table of the page", name)
			}
		}
	}
}

// FuzzDecode holds that every message is one line with a place, and that what is
// sound can be run.
func FuzzDecode(f *testing.F) {
	for _, file := range []string{"hpa-metrics.yaml", "hpa-scale-up.yaml"} {
		data, err := os.ReadFile("../../examples/policy-tests/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("tests: [{name: a, expect_replicas: '1 _x2 0x1', input_series: [{series: a, values: 'stale 1e3 Inf'}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := policytest.Decode(data, "../../examples/policy-tests/t.yaml")
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "../../examples/") {
					t.Errorf("message without its place: %q", line)
				}
			}
			return
		}
		if len(data) < 8000 && !strings.Contains(string(data), "00000") {
			run(t, file)
		}
	})
}
