package reports_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

func hostileCheck(guards int) *result.Check {
	c := &result.Check{
		Outcome: result.CheckRegression, Series: hostileTrace, Baseline: "a|b\x1b[2J`.json", Level: 0.95,
	}
	for i := range guards {
		c.Guards = append(c.Guards, result.Guard{
			Outcome: [...]result.CheckOutcome{result.CheckPass, result.CheckRegression, result.CheckInconclusive}[i%3],
			Subject: strconv.Itoa(i) + "<img src=x onerror=alert(1)>|`[d](http://e.f)\x00\n=cmd()" + strings.Repeat("|", 500),
			Measure: "WAPE at 5m", Unit: "%", Old: 0.05, New: 0.06, Loss: 0.2,
			Interval: &result.Interval{0.1, 0.3}, Margin: 0.01, Reason: "worse",
		})
	}
	return c
}

// TestCheckJUnitIsXML wants well-formed XML with the counts that its cases have,
// whatever the names are.
func TestCheckJUnitIsXML(t *testing.T) {
	var b bytes.Buffer
	if err := reports.CheckJUnit(&b, hostileCheck(7)); err != nil {
		t.Fatal(err)
	}
	counts, names := map[string]int{}, 0
	dec := xml.NewDecoder(&b)
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			counts[e.Name.Local]++
			for _, a := range e.Attr {
				if e.Name.Local == "testsuites" {
					counts["said "+a.Name.Local] = int(a.Value[0] - '0')
				}
				if a.Name.Local == "name" && strings.Contains(a.Value, "<img src=x onerror=alert(1)>|`[d](http://e.f)") {
					names++
				}
			}
		}
	}
	for said, element := range map[string]string{"tests": "testcase", "failures": "failure", "skipped": "skipped"} {
		if counts["said "+said] != counts[element] || counts[element] == 0 {
			t.Errorf("%s=%d, but there are %d <%s>", said, counts["said "+said], counts[element], element)
		}
	}
	if names != 7 {
		t.Errorf("%d of 7 names show as they are", names)
	}
}

// TestCheckMarkdownIsSmallAndTame wants a summary that fits beside others, whose table
// no name breaks and in which no name is markup.
func TestCheckMarkdownIsSmallAndTame(t *testing.T) {
	var b bytes.Buffer
	if err := reports.CheckMarkdown(&b, hostileCheck(2000)); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if len(text) >= 50_000 {
		t.Errorf("%d bytes", len(text))
	}
	if strings.ContainsAny(text, "<>\x00\x1b") || regexp.MustCompile(`[^\\]\]\(`).MatchString(text) {
		t.Error("a name became markup")
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			if bars := strings.Count(line, "|") - strings.Count(line, `\|`); bars != 8 {
				t.Errorf("%d bars: %s", bars, line)
			}
		}
	}
	if !strings.Contains(text, "more are not listed") {
		t.Error("it does not say that guards are left out")
	}
	first := strings.Index(text, "REGRESSION")
	if pass := strings.Index(text, "| pass"); pass >= 0 && pass < first {
		t.Error("what passes comes before what does not")
	}
}

func TestCheckTextIsTame(t *testing.T) {
	var b bytes.Buffer
	if err := reports.CheckText(&b, hostileCheck(4)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x00\x1b") || strings.Contains(b.String(), "\n=cmd()") {
		t.Errorf("a name steers the terminal: %q", b.String())
	}
}
