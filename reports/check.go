package reports

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"hindcast.dev/backtest/result"
)

// A CI system cuts or refuses a step summary that is long (GitHub: 1 MiB of all
// steps together): so many guards of each check are listed, those that fail first,
// and names are cut to so many characters.
const (
	mostGuards = 60
	mostRunes  = 80
)

// checkTable lists the guards, the worst first.
func checkTable(c *result.Check) *table {
	t := &table{columns: []column{
		{"outcome", "", true}, {"guarded", "", true}, {"baseline", "", false}, {"now", "", false},
		{"worse by", "%", false}, {"interval", "%", true}, {"margin", "%", false},
	}}
	for _, outcome := range []result.CheckOutcome{result.CheckRegression, result.CheckInconclusive, result.CheckPass} {
		for i := range c.Guards {
			if g := &c.Guards[i]; g.Outcome == outcome && len(t.rows) < mostGuards {
				t.add(outcomeWord(outcome), shortened(g.Subject)+", "+g.Measure, figureText(g.Old, g.Unit), figureText(g.New, g.Unit),
					percentOf(g.Loss), intervalText(g), percent(result.Number(g.Margin)))
			}
		}
	}
	if left := len(c.Guards) - len(t.rows); left > 0 {
		t.note = fmt.Sprintf("%d more are not listed.", left)
	}
	return t
}

func outcomeWord(o result.CheckOutcome) string {
	if o == result.CheckRegression {
		return "REGRESSION"
	}
	return string(o)
}

// checkSentence sums a check up.
func checkSentence(c *result.Check) string {
	return fmt.Sprintf("%s on %s against %s: %d of %s worse than the margin, %d inconclusive, %d pass.",
		outcomeWord(c.Outcome), shortened(c.Series), shortened(c.Baseline), c.Count(result.CheckRegression),
		plural(len(c.Guards), "figure", "figures"), c.Count(result.CheckInconclusive), c.Count(result.CheckPass))
}

// reasons are a line for each guard that does not simply pass.
func reasons(c *result.Check) []string {
	var out []string
	for i := range c.Guards {
		if g := &c.Guards[i]; g.Outcome != result.CheckPass && len(out) < mostGuards {
			out = append(out, shortened(g.Subject)+", "+g.Measure+": "+g.Reason+".")
		}
	}
	return out
}

// CheckText writes a check for a terminal.
func CheckText(w io.Writer, c *result.Check) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\n", plain(checkSentence(c)))
	t := checkTable(c)
	if err := t.text(&b); err != nil {
		return err
	}
	for _, line := range append(reasons(c), t.note) {
		if line != "" {
			fmt.Fprintln(&b, plain(line))
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// CheckMarkdown writes a check as a section of a CI system's summary, below 50 kB.
func CheckMarkdown(w io.Writer, c *result.Check) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "### hindcast check: %s\n\n%s\n\n", markdown(outcomeWord(c.Outcome)), markdown(checkSentence(c)))
	t := checkTable(c)
	if err := t.markdown(&b); err != nil {
		return err
	}
	b.WriteByte('\n')
	for _, line := range reasons(c) {
		fmt.Fprintf(&b, "- %s\n", markdown(line))
	}
	fmt.Fprintf(&b, "\n%s\n", markdown(strings.TrimSpace(t.note+" Below 0 is better. The interval is a paired block bootstrap at "+
		percent(result.Number(c.Level))+" % for one figure; its lower end is corrected for the number of figures.")))
	_, err := w.Write(b.Bytes())
	return err
}

// The elements of a JUnit file that CI systems read.
type (
	checkSuites struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Suite    checkSuite `xml:"testsuite"`
	}
	checkSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []checkCase `xml:"testcase"`
	}
	checkCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *checkMessage `xml:"failure"`
		Skipped *checkMessage `xml:"skipped"`
	}
	checkMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
	}
)

// CheckJUnit writes a check as JUnit XML, a case for each figure: a regression is a
// failure, what is inconclusive is skipped, the only other word that JUnit has. It
// holds no times, so that equal checks are equal bytes.
func CheckJUnit(w io.Writer, c *result.Check) error {
	name := "hindcast check " + plain(c.Series)
	suite := checkSuite{Name: name, Tests: len(c.Guards), Failures: c.Count(result.CheckRegression), Skipped: c.Count(result.CheckInconclusive)}
	for i := range c.Guards {
		g := &c.Guards[i]
		one := checkCase{Class: name, Name: plain(g.Subject + ", " + g.Measure)}
		message := plain(fmt.Sprintf("%s: baseline %s, now %s, worse by %s %%, interval %s %%, margin %s %%", g.Reason,
			figureText(g.Old, g.Unit), figureText(g.New, g.Unit), percentOf(g.Loss), intervalText(g), percent(result.Number(g.Margin))))
		switch g.Outcome {
		case result.CheckRegression:
			one.Failure = &checkMessage{Message: message, Type: string(g.Outcome)}
		case result.CheckInconclusive:
			one.Skipped = &checkMessage{Message: message}
		case result.CheckPass:
		}
		suite.Cases = append(suite.Cases, one)
	}
	b, err := xml.MarshalIndent(checkSuites{Tests: suite.Tests, Failures: suite.Failures, Skipped: suite.Skipped, Suite: suite}, "", "  ")
	if err != nil {
		return fmt.Errorf("write JUnit file: %w", err)
	}
	_, err = w.Write(append([]byte(xml.Header), append(b, '\n')...))
	return err
}

// figureText writes a figure with four digits.
func figureText(n result.Number, unit string) string {
	if unit == "%" && n.Defined() {
		return significant(100*float64(n), 4) + " %"
	}
	return significant(float64(n), 4)
}

// percentOf writes a change in percent with two decimals: what matters is where it is
// beside the margin.
func percentOf(n result.Number) string {
	if !n.Defined() {
		return undefined
	}
	text := signed(fmt.Sprintf("%.2f", 100*float64(n)))
	if text == "−0.00" {
		return "0.00"
	}
	return text
}

func intervalText(g *result.Guard) string {
	if g.Interval == nil {
		return undefined
	}
	return percentOf(g.Interval[0]) + " to " + percentOf(g.Interval[1])
}

// shortened cuts a name that is longer than anybody reads.
func shortened(s string) string {
	if utf8.RuneCountInString(s) <= mostRunes {
		return s
	}
	return string([]rune(s)[:mostRunes-1]) + "…"
}
