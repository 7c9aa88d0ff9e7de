package reports

import (
	"strings"
	"unicode"
)

// plain makes a name from a dataset or manifest safe to print on one line: control
// characters, which steer terminals and break tables, and characters that reorder
// text become spaces or U+FFFD; runs of spaces collapse.
func plain(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

// printable is plain for a text of several lines, whose layout it keeps.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsSpace(r):
			return ' '
		case r == 0xFFFE, r == 0xFFFF, unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

var markdownEscaper = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "://", `\://`,
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "{", `\{`, "}", `\}`,
	"[", `\[`, "]", `\]`, "#", `\#`, "!", `\!`, "|", `\|`, "~", `\~`,
)

// markdown escapes s as text of one line of GitHub Markdown, also in a table cell.
func markdown(s string) string { return markdownEscaper.Replace(plain(s)) }

// slug turns a name into a file name of lower-case letters, digits and hyphens.
func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.TrimRight(b.String(), "-")
	if len(name) > 48 {
		name = strings.TrimRight(name[:48], "-")
	}
	if name == "" {
		return "unnamed"
	}
	return name
}

// slugs returns a different slug for every name, numbering those that would clash.
func slugs(names []string) []string {
	used := make(map[string]bool, len(names))
	out := make([]string, len(names))
	for i, name := range names {
		base := slug(name)
		out[i] = base
		for n := 2; used[out[i]]; n++ {
			out[i] = base + "-" + itoa(n)
		}
		used[out[i]] = true
	}
	return out
}
