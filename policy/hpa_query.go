package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/selection"
)

// vectorOf writes a metric named N with the selector S as the PromQL vector N{S}. A
// name that PromQL would read as something else becomes a matcher of __name__, and
// a label that is no identifier is quoted, as Prometheus 3 allows. To PromQL a label
// that is not there is an empty one.
func vectorOf(id *autoscalingv2.MetricIdentifier) (string, error) {
	if id.Name == "" {
		return "", errors.New("metric.name: not set")
	}
	if faults := content.IsPathSegmentName(id.Name); len(faults) > 0 {
		return "", fmt.Errorf("metric.name: %q %s", id.Name, strings.Join(faults, ", "))
	}
	if !utf8.ValidString(id.Name) {
		return "", fmt.Errorf("metric.name: %q is not valid UTF-8", id.Name)
	}
	var matchers []string
	if id.Selector != nil {
		selector, err := metav1.LabelSelectorAsSelector(id.Selector)
		if err != nil {
			return "", fmt.Errorf("metric.selector: %w", err)
		}
		requirements, _ := selector.Requirements()
		for _, r := range requirements {
			matchers = append(matchers, labelName(r.Key())+matcher(r.Operator(), r.Values().List()))
		}
	}
	// The requirements come in the order of a map where keys are equal.
	slices.Sort(matchers)
	if name := id.Name; isIdentifier(name, true) && !isReserved(name) {
		if matchers == nil {
			return name, nil
		}
		return name + "{" + strings.Join(matchers, ",") + "}", nil
	}
	matchers = slices.Insert(matchers, 0, "__name__="+strconv.Quote(id.Name))
	return "{" + strings.Join(matchers, ",") + "}", nil
}

// matcher writes operator and values of one requirement.
func matcher(op selection.Operator, values []string) string {
	switch op {
	case selection.Exists:
		return `!=""`
	case selection.DoesNotExist:
		return `=""`
	default: // The others have values.
	}
	equal := op == selection.In || op == selection.Equals
	switch {
	case len(values) == 1 && equal:
		return "=" + strconv.Quote(values[0])
	case len(values) == 1:
		return "!=" + strconv.Quote(values[0])
	}
	for i, v := range values {
		values[i] = regexp.QuoteMeta(v)
	}
	all := strconv.Quote(strings.Join(values, "|"))
	if equal {
		return "=~" + all
	}
	return "!~" + all
}

// labelName quotes what is not an identifier.
func labelName(s string) string {
	if isIdentifier(s, false) {
		return s
	}
	return strconv.Quote(s)
}

// isIdentifier goes by PromQL, where names of metrics may have colons.
func isIdentifier(s string, colons bool) bool {
	for i, c := range s {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || colons && c == ':'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isReserved knows the identifiers that are not metrics to PromQL, in any case.
func isReserved(s string) bool {
	switch strings.ToLower(s) {
	case "atan2", "bool", "group_left", "group_right", "ignoring", "inf", "nan", "on":
		return true
	}
	return false
}
