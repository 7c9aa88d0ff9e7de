package policytest_test

import (
	"os"
	"path/filepath"
	"testing"

	"hindcast.dev/backtest/policytest"
)

func run(t *testing.T, f *policytest.File) policytest.Report {
	t.Helper()
	report, err := f.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestExamples runs the shipped files, which hold the sequences of Kubernetes.
func TestExamples(t *testing.T) {
	paths, err := filepath.Glob("../../examples/policy-tests/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no example files: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := policytest.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			report := run(t, f)
			if n := report.Failures(); n > 0 {
				if err := policytest.WriteText(os.Stderr, []policytest.Report{report}); err != nil {
					t.Fatal(err)
				}
				t.Errorf("%d of %d tests failed", n, len(report.Tests))
			}
		})
	}
}
