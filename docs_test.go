package hindcast_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
)

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// jsonNames returns the JSON names of the fields of a type and of all within it.
func jsonNames(of reflect.Type, seen map[reflect.Type]bool) []string {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Array {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() || seen[of] {
		return nil
	}
	seen[of] = true
	var names []string
	for f := range of.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
		names = append(names, jsonNames(f.Type, seen)...)
	}
	return names
}

// TestResultPageNamesEveryField wants every field of result.json in the page that
// describes it, as a code span or a heading.
func TestResultPageNamesEveryField(t *testing.T) {
	text := page(t, "docs/result.md")
	fields := jsonNames(reflect.TypeFor[result.Result](), map[reflect.Type]bool{})
	if len(fields) < 80 {
		t.Errorf("found only %d fields", len(fields))
	}
	for _, field := range fields {
		name := regexp.QuoteMeta(field)
		if !regexp.MustCompile("`([a-zA-Z]+\\.)?" + name + "`|(?m)^#+ .*\\b" + name + `\b`).MatchString(text) {
			t.Errorf("docs/result.md does not say what %s is", field)
		}
	}
}

func TestResultPageNamesEveryColumn(t *testing.T) {
	text := page(t, "docs/result.md")
	var timeline, forecasts bytes.Buffer
	if err := result.NewTimelineWriter(struct {
		io.Writer
		io.Closer
	}{&timeline, io.NopCloser(nil)}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := result.WriteForecasts(&forecasts, nil); err != nil {
		t.Fatal(err)
	}
	for _, file := range []*bytes.Buffer{&timeline, &forecasts} {
		gz, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		header, err := io.ReadAll(gz)
		if err != nil {
			t.Fatal(err)
		}
		for column := range strings.SplitSeq(strings.TrimSpace(string(header)), ",") {
			if !strings.Contains(text, "`"+column+"`") {
				t.Errorf("docs/result.md does not say what column %s is", column)
			}
		}
	}
	for _, name := range []string{
		result.ResultFile, result.TimingFile, result.ExperimentFile, result.HTMLFile, result.MarkdownFile,
		result.PlotsDir, result.RunsDir, result.TSDBDir, result.ForecastsDir,
		result.TimelineFile, result.DecisionsFile, result.HPADecisionsFile, result.LatencyFile, result.RulesDir + "/", result.RulesFile, result.Schema,
	} {
		if !strings.Contains(text, name) {
			t.Errorf("docs/result.md does not name %s", name)
		}
	}
}

// TestArchitecturePageNamesEveryRoom keeps the map of the house complete.
func TestArchitecturePageNamesEveryRoom(t *testing.T) {
	text := page(t, "docs/architecture.md")
	for _, f := range sources(t) {
		if !strings.Contains(text, "`"+f.room+"`") {
			t.Errorf("docs/architecture.md does not name %s", f.room)
		}
	}
}

// TestLinksLead wants every relative link and picture of the pages to exist, and the
// headings that links point at.
func TestLinksLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	checked := 0
	for _, name := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(page(t, name), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(m[1], "://") {
				continue
			}
			checked++
			file := name
			if target != "" {
				file = filepath.Join(filepath.Dir(name), filepath.FromSlash(target))
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: link to %s: %v", name, m[1], err)
				continue
			}
			if anchor != "" && !hasHeading(page(t, file), anchor) {
				t.Errorf("%s: link to %s: no such heading", name, m[1])
			}
		}
	}
	if checked < 20 {
		t.Errorf("checked only %d links", checked)
	}
}

// TestPagesNameFilesThatExist checks code spans that look like Go files or commands of
// this repository.
func TestPagesNameFilesThatExist(t *testing.T) {
	span := regexp.MustCompile("`((?:[a-z0-9]+/)+[a-z0-9_]+\\.(?:go|sh|py|yaml))`")
	checked := 0
	for _, name := range pages(t) {
		for _, m := range span.FindAllStringSubmatch(page(t, name), -1) {
			checked++
			if _, err := os.Stat(filepath.FromSlash(m[1])); err != nil {
				t.Errorf("%s names %s: %v", name, m[1], err)
			}
		}
	}
	if checked < 20 {
		t.Errorf("checked only %d names of files", checked)
	}
}

// pages returns the Markdown files of the repository.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// hasHeading reports whether a page has a heading whose anchor, as GitHub makes it, is
// the given one.
func hasHeading(text, anchor string) bool {
	drop := regexp.MustCompile("[^a-z0-9 _-]")
	for line := range strings.Lines(text) {
		if heading := strings.TrimLeft(line, "#"); heading != line {
			slug := drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			if strings.ReplaceAll(slug, " ", "-") == anchor {
				return true
			}
		}
	}
	return false
}
