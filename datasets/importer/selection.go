package importer

import (
	"fmt"
	"regexp"
	"strings"
)

// A selection is a selector of series as in PromQL, name{label="value", other=~"x.*"},
// with the name of a column before it if need be: cpu=container_cpu_usage_seconds_total.
type selection struct {
	column   string
	metric   string
	matchers []matcher
}

func (s selection) name() string {
	if s.column != "" {
		return s.column
	}
	return s.metric
}

func (s selection) matches(labels map[string]string) bool {
	if s.metric != "" && labels["__name__"] != s.metric {
		return false
	}
	for _, m := range s.matchers {
		if !m.matches([]byte(labels[m.field])) {
			return false
		}
	}
	return true
}

var (
	columnPrefix = regexp.MustCompile(`^([a-zA-Z_]\w*)=([a-zA-Z_:{].*)$`)
	metricHead   = regexp.MustCompile(`^[a-zA-Z_:][\w:]*`)
	labelMatch   = regexp.MustCompile(`^\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(,|$)`)
)

func parseSelections(texts []string) ([]selection, error) {
	var all []selection
	for _, text := range texts {
		var s selection
		rest := strings.TrimSpace(text)
		if m := columnPrefix.FindStringSubmatch(rest); m != nil {
			s.column, rest = m[1], m[2]
		}
		s.metric = metricHead.FindString(rest)
		rest = strings.TrimSpace(rest[len(s.metric):])
		bad := fmt.Errorf("select %q is no selector; write name{label=\"value\"}", text)
		if rest != "" {
			inner, closed := strings.CutSuffix(rest, "}")
			if !closed || inner[0] != '{' {
				return nil, bad
			}
			inner = strings.TrimSpace(inner[1:])
			for inner != "" {
				m := labelMatch.FindStringSubmatch(inner)
				if m == nil {
					return nil, bad
				}
				value, ok := unescape(m[3][1 : len(m[3])-1])
				if !ok {
					return nil, bad
				}
				one, err := newMatcher(text, m[1], m[2], value)
				if err != nil {
					return nil, err
				}
				s.matchers = append(s.matchers, one)
				inner = strings.TrimSpace(inner[len(m[0]):])
			}
		}
		if s.metric == "" && len(s.matchers) == 0 {
			return nil, bad
		}
		all = append(all, s)
	}
	return all, nil
}

// parseLabels reads {a="b",c="d"}, in which the name of the metric may stand as the first,
// quoted. Nothing is no labels.
func parseLabels(b []byte) (map[string]string, bool) {
	labels := make(map[string]string)
	if len(b) == 0 {
		return labels, true
	}
	text := strings.TrimSpace(string(b[1 : len(b)-1]))
	for text != "" {
		name, rest, ok := labelName(text)
		if !ok {
			return nil, false
		}
		rest = strings.TrimSpace(rest)
		if name[0] == '"' && (rest == "" || rest[0] == ',') {
			value, ok := unescape(name[1 : len(name)-1])
			if !ok {
				return nil, false
			}
			labels["__name__"] = value
		} else {
			value, after, ok := labelValue(rest)
			if !ok {
				return nil, false
			}
			labels[strings.Trim(name, `"`)] = value
			rest = strings.TrimSpace(after)
		}
		if rest != "" {
			if rest[0] != ',' {
				return nil, false
			}
			rest = strings.TrimSpace(rest[1:])
		}
		text = rest
	}
	return labels, true
}

// labelName cuts a plain or quoted name off, quotes kept.
func labelName(text string) (name, rest string, ok bool) {
	if text[0] == '"' {
		end := closingQuote(text)
		if end < 0 {
			return "", "", false
		}
		return text[:end+1], text[end+1:], true
	}
	i := 0
	for i < len(text) && nameByte(text[i]) {
		i++
	}
	return text[:i], text[i:], i > 0
}

// labelValue reads ="value".
func labelValue(text string) (value, rest string, ok bool) {
	text, ok = strings.CutPrefix(text, "=")
	if text = strings.TrimSpace(text); !ok || text == "" || text[0] != '"' {
		return "", "", false
	}
	end := closingQuote(text)
	if end < 0 {
		return "", "", false
	}
	value, ok = unescape(text[1:end])
	return value, text[end+1:], ok
}

// closingQuote returns where the quotes that open text close; -1: nowhere.
func closingQuote(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// unescape reads \\, \" and \n; any other escape stands for itself, as in the parsers of
// Prometheus.
func unescape(text string) (string, bool) {
	if !strings.Contains(text, `\`) {
		return text, true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		i++
		if i == len(text) {
			return "", false
		}
		switch text[i] {
		case 'n':
			b.WriteByte('\n')
		case '\\', '"', '\'':
			b.WriteByte(text[i])
		default:
			b.WriteByte('\\')
			b.WriteByte(text[i])
		}
	}
	return b.String(), true
}
