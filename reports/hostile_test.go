package reports_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

const hostileTrace = "</script><img onerror=alert(1) src=x>`|`\x1b[31m\n=cmd()"

func hostileRun(t *testing.T) *result.Folder {
	t.Helper()
	return synthetic{days: 8, name: hostileTrace, rename: map[string]string{
		"hpa": "<svg onload=alert(1)>", "v2": "a|b `c` [d](http://e.f) *g*", "v3": `=cmd()"'&`,
	}}.folder(t, t.TempDir())
}

// Names come from traces and manifests of others: they show as text and do nothing.
func TestHostileNamesInThePage(t *testing.T) {
	f := hostileRun(t)
	if err := reports.Write(f, f.Dir); err != nil {
		t.Fatal(err)
	}
	page := readFile(t, filepath.Join(f.Dir, result.HTMLFile))
	texts := ""
	for _, e := range elements(t, page) {
		switch e.name {
		case "img", "script":
			t.Errorf("a name became <%s>", e.name)
		case "html":
			texts = e.text
		}
		for name := range e.attrs {
			if strings.HasPrefix(name, "on") {
				t.Errorf("a name became %s of <%s>", name, e.name)
			}
		}
	}
	for _, name := range []string{"</script><img onerror=alert(1) src=x>", "<svg onload=alert(1)>", `=cmd()"'&`, "a|b `c` [d](http://e.f) *g*"} {
		if !strings.Contains(texts, name) {
			t.Errorf("%q does not show as text", name)
		}
	}
	plots, err := filepath.Glob(filepath.Join(f.Dir, result.PlotsDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plots {
		if base := filepath.Base(p); !regexp.MustCompile(`^[a-z0-9-]+\.(svg|png)$`).MatchString(base) {
			t.Errorf("a name became the file %q", base)
		}
		if filepath.Ext(p) == ".svg" {
			for _, e := range elements(t, readFile(t, p))[1:] {
				if e.name == "svg" || e.name == "script" || e.name == "img" {
					t.Errorf("%s: a name became <%s>", p, e.name)
				}
			}
		}
	}
}

func TestHostileNamesInMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := reports.Markdown(&b, hostileRun(t)); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	if m := regexp.MustCompile(`<[a-zA-Z/!]`).FindString(got); m != "" {
		t.Errorf("HTML in Markdown: %q", m)
	}
	if m := regexp.MustCompile("(^|[^\\\\])`").FindString(got); m != "" {
		t.Errorf("an open backtick: %q", m)
	}
	targets := regexp.MustCompile(`([^\\]\]\()([^)]*)\)`)
	if strings.Contains(targets.ReplaceAllString(got, "$1)"), "http://") || strings.ContainsAny(got, "\x1b\r") {
		t.Error("a link or a control character of a name is left")
	}
	bars := regexp.MustCompile(`(^|[^\\])\|`)
	columns := 0
	for line := range strings.SplitSeq(got, "\n") {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := len(bars.FindAllString(line, -1))
		if columns != 0 && n != columns {
			t.Errorf("%d bars in a table of %d: %s", n, columns, line)
		}
		columns = n
	}
	for _, l := range targets.FindAllStringSubmatch(got, -1) {
		if !regexp.MustCompile(`^(plots/|\./)[^ <>\[\]"]*$`).MatchString(l[2]) {
			t.Errorf("a link leads to %q", l[2])
		}
	}
}

func TestHostileNamesOnATerminal(t *testing.T) {
	f := hostileRun(t)
	f.Result.Policies[0].Name = "red\x1b[31m\u202e\nrow"
	f.Result.Verdict.Sentence = "one\x1b]0;title\x07\nline"
	for name, write := range map[string]func(*bytes.Buffer) error{
		"Table":   func(b *bytes.Buffer) error { return reports.Table(b, f) },
		"Compare": func(b *bytes.Buffer) error { return reports.Compare(b, []*result.Folder{f}) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexAny(b.String(), "\x1b\x07\u202e"); i >= 0 {
			t.Errorf("%s lets control characters through: %q", name, b.String()[i:])
		}
		if strings.Contains(b.String(), "\nrow") {
			t.Errorf("%s breaks a row at a name", name)
		}
	}
}
