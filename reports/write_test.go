package reports_test

import (
	"os"
	"testing"

	"hindcast.dev/reports"
)

func TestScratch(t *testing.T) {
	dir := os.Getenv("SCRATCH")
	if dir == "" {
		t.Skip()
	}
	os.RemoveAll(dir + "/run")
	f := synthetic{days: 10, name: "synthetic shop"}.folder(t, dir)
	if err := reports.Write(f, f.Dir); err != nil {
		t.Fatal(err)
	}
	reports.Table(os.Stdout, f)
}
