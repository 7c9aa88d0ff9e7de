package reports

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"shop":                   "shop",
		" two\nlines\tand  more": "two lines and more",
		"\x1b[31mred":            "\ufffd[31mred",
		"a\u202egpj.exe":         "a\ufffdgpj.exe",
		"bad \xff utf-8":         "bad \ufffd utf-8",
		"Zürich 上海":              "Zürich 上海",
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"a|b":                   `a\|b`,
		"`code`":                "\\`code\\`",
		"<img onerror=x>":       "&lt;img onerror=x&gt;",
		"[link](http://evil.x)": `\[link\](http\://evil.x)`,
		"*bold* _it_ ~~no~~":    `\*bold\* \_it\_ \~\~no\~\~`,
		`\|`:                    `\\\|`,
		"=cmd()":                "=cmd()",
		"&lt;":                  "&amp;lt;",
	} {
		if got := markdown(in); got != want {
			t.Errorf("markdown(%q) = %q, want %q", in, got, want)
		}
	}
}

var unescaped = regexp.MustCompile("(^|[^\\\\])(\\\\\\\\)*[|`*_\\[\\]<>]")

func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"", "|", `\|`, "</script><img onerror=...>", "`\n`", "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := markdown(s)
		if strings.ContainsAny(got, "\r\n\x1b\x00") || !utf8.ValidString(got) {
			t.Errorf("markdown(%q) = %q is not one line of text", s, got)
		}
		if m := unescaped.FindString(got); m != "" {
			t.Errorf("markdown(%q) = %q leaves %q open", s, got, m)
		}
	})
}

func TestSlugs(t *testing.T) {
	got := slugs([]string{"v3", "V3", "</script><img onerror=...>", "../../etc/passwd", "|", "", "v3-2", strings.Repeat("long", 40)})
	want := []string{
		"v3", "v3-2", "script-img-onerror", "etc-passwd", "unnamed", "unnamed-2", "v3-2-2", strings.Repeat("long", 12),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
