package importer

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// A matcher is one condition on a field; with =~ and !~ the whole value must match.
type matcher struct {
	text  string
	field string
	op    string
	value []byte
	re    *regexp.Regexp
}

func (m matcher) matches(value []byte) bool {
	switch m.op {
	case "=":
		return bytes.Equal(value, m.value)
	case "!=":
		return !bytes.Equal(value, m.value)
	case "=~":
		return m.re.Match(value)
	default:
		return !m.re.Match(value)
	}
}

func newMatcher(text, field, op, value string) (matcher, error) {
	m := matcher{text: text, field: field, op: op, value: []byte(value)}
	if op == "=~" || op == "!~" {
		re, err := regexp.Compile("^(?:" + value + ")$")
		if err != nil {
			return m, fmt.Errorf("select %q: %w", text, err)
		}
		m.re = re
	}
	return m, nil
}

// parseMatchers reads conditions of the form field=value.
func parseMatchers(texts []string) ([]matcher, error) {
	var all []matcher
	for _, text := range texts {
		at := strings.IndexAny(text, "=!")
		if at <= 0 {
			return nil, fmt.Errorf("select %q is no condition; write field=value, or with !=, =~ or !~", text)
		}
		op := text[at : at+1]
		if two := text[at:min(len(text), at+2)]; two == "!=" || two == "=~" || two == "!~" {
			op = two
		}
		if op == "!" {
			return nil, fmt.Errorf("select %q is no condition; write field=value, or with !=, =~ or !~", text)
		}
		m, err := newMatcher(text, strings.TrimSpace(text[:at]), op, strings.Trim(text[at+len(op):], `"`))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
