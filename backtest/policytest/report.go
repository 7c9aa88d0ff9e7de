package policytest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A Report is the outcome of the tests of one file.
type Report struct {
	File  string
	Tests []Result
}

// A Result is the outcome of one test.
type Result struct {
	Name        string
	Line        int // of the file, on which the test begins
	Evaluations []Evaluation
}

// An Evaluation is one decision.
type Evaluation struct {
	At      time.Duration // since the first one
	Before  int32         // .spec.replicas
	Got     int32         // .spec.replicas afterwards
	Want    int32         // or Any
	Reason  string        // of the decision
	Details []string      // metrics and limits behind it
}

// OK reports whether the evaluation left as many replicas as expected.
func (e Evaluation) OK() bool { return e.Want == Any || e.Want == e.Got }

// Failures returns the number of tests that failed.
func (r Report) Failures() int {
	n := 0
	for i := range r.Tests {
		if !r.Tests[i].Passed() {
			n++
		}
	}
	return n
}

// Passed reports whether every evaluation was as expected.
func (r *Result) Passed() bool { return r.firstWrong() < 0 }

func (r *Result) firstWrong() int {
	for i := range r.Evaluations {
		if !r.Evaluations[i].OK() {
			return i
		}
	}
	return -1
}

// Diff returns the difference between what was expected and what came: the rows
// with wrong evaluations, and the reason of the first one. It is empty where the
// test passed.
func (r *Result) Diff() string {
	first := r.firstWrong()
	if first < 0 {
		return ""
	}
	var b strings.Builder
	const perRow = 16
	for from := 0; from < len(r.Evaluations); from += perRow {
		row := r.Evaluations[from:min(from+perRow, len(r.Evaluations))]
		writeRow(&b, row)
	}
	e := r.Evaluations[first]
	fmt.Fprintf(&b, "first difference: evaluation %d, at %s: %d -> %d, expected %d\n",
		first, e.At, e.Before, e.Got, e.Want)
	fmt.Fprintf(&b, "  %s\n", printable(e.Reason))
	for _, d := range e.Details {
		fmt.Fprintf(&b, "  %s\n", printable(d))
	}
	return b.String()
}

// writeRow writes neighbours in columns, unless all are as expected.
func writeRow(b *strings.Builder, row []Evaluation) {
	const lines = 4
	var cells [lines][]string
	wrong, width := false, 0
	for _, e := range row {
		want, mark := strconv.Itoa(int(e.Want)), ""
		if e.Want == Any {
			want = "_"
		}
		if !e.OK() {
			mark, wrong = "^", true
		}
		for i, text := range [lines]string{e.At.String(), want, strconv.Itoa(int(e.Got)), mark} {
			cells[i] = append(cells[i], text)
			width = max(width, len(text))
		}
	}
	if !wrong {
		return
	}
	for i, title := range [lines]string{"time", "expected", "got", ""} {
		var line strings.Builder
		fmt.Fprintf(&line, "%-8s", title)
		for _, text := range cells[i] {
			fmt.Fprintf(&line, "  %*s", width, text)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// WriteText writes the results for humans, failures with their Diff.
func WriteText(w io.Writer, reports []Report) error {
	var b bytes.Buffer
	failed, total := 0, 0
	for _, r := range reports {
		for i := range r.Tests {
			t := &r.Tests[i]
			word := "ok  "
			if !t.Passed() {
				word = "FAIL"
			}
			fmt.Fprintf(&b, "%s %s:%d: %s\n", word, printable(r.File), t.Line, printable(t.Name))
			for line := range strings.Lines(t.Diff()) {
				b.WriteString("     " + line)
			}
		}
		failed += r.Failures()
		total += len(r.Tests)
	}
	if failed > 0 {
		fmt.Fprintf(&b, "%d of %d tests failed\n", failed, total)
	} else {
		fmt.Fprintf(&b, "%d tests passed\n", total)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// The elements of a JUnit file that CI systems read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the results as a JUnit XML file, a suite for each file of
// tests. It holds no times, so that equal results are equal bytes.
func WriteJUnit(w io.Writer, reports []Report) error {
	var all junitSuites
	for _, r := range reports {
		suite := junitSuite{Name: r.File, Tests: len(r.Tests), Failures: r.Failures()}
		for i := range r.Tests {
			t := &r.Tests[i]
			c := junitCase{Class: r.File, Name: t.Name, File: r.File, Line: t.Line}
			if first := t.firstWrong(); first >= 0 {
				e := t.Evaluations[first]
				c.Failure = &junitFailure{
					Message: fmt.Sprintf("evaluation %d: got %d replicas, expected %d", first, e.Got, e.Want),
					Type:    "replicas",
					Text:    t.Diff(),
				}
			}
			suite.Cases = append(suite.Cases, c)
		}
		all.Suites = append(all.Suites, suite)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
	}
	b, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write JUnit file: %w", err)
	}
	_, err = w.Write(append([]byte(xml.Header), append(b, '\n')...))
	return err
}

// printable keeps a name from a file from breaking or colouring the lines of a
// terminal.
func printable(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}
