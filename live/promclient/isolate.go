package promclient

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// ErrIsolation is the error of an expression that would reach beyond its namespace or its
// limits.
var ErrIsolation = errors.New("query is not allowed")

// namespaceLabel is the label of a series that says which namespace it is about.
const namespaceLabel = "namespace"

// Isolate returns expr with the matcher namespace="NAMESPACE" on each of its selectors. A
// selector that asks for another namespace is an error, not an empty answer, and so are
// @ modifiers, negative offsets and what exceeds the limits. An empty namespace adds
// nothing, but checks the rest. The message is one line.
func Isolate(expr, namespace string, limits Limits) (string, error) {
	limits = limits.withDefaults()
	if len(expr) > limits.MaxLength {
		return "", fmt.Errorf("query has %d bytes: %w: at most %d", len(expr), ErrIsolation, limits.MaxLength)
	}
	// Without options the parser knows no experimental function (info reads series
	// that no selector names) and no durations that are computed.
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return "", fmt.Errorf("query %q: %w: %s", expr, ErrIsolation, oneLine(err.Error()))
	}
	if t := parsed.Type(); t != parser.ValueTypeScalar && t != parser.ValueTypeVector {
		return "", fmt.Errorf("query %q is a %s: %w: write a scalar or an instant vector",
			expr, parser.DocumentedType(t), ErrIsolation)
	}
	var faults []error
	parser.Inspect(parsed, func(node parser.Node, path []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			if namespace != "" {
				faults = append(faults, confine(selector, namespace))
			}
			faults = append(faults, checkReach(selector, path, limits))
		}
		return nil
	})
	if err := errors.Join(faults...); err != nil {
		return "", fmt.Errorf("query %q: %w: %s", expr, ErrIsolation, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return parsed.String(), nil
}

// confine adds the matcher of the namespace to a selector.
func confine(selector *parser.VectorSelector, namespace string) error {
	own := labels.MustNewMatcher(labels.MatchEqual, namespaceLabel, namespace)
	for _, m := range selector.LabelMatchers {
		switch {
		case m.Name != namespaceLabel:
		case m.Type == labels.MatchEqual && m.Value == namespace:
			return nil
		case !m.Matches(namespace):
			return fmt.Errorf("%s excludes the namespace %q of the object", m, namespace)
		}
	}
	selector.LabelMatchers = append(selector.LabelMatchers, own)
	return nil
}

// checkReach returns an error if a selector looks ahead, further back than it may, or at
// more instants than it may.
func checkReach(selector *parser.VectorSelector, path []parser.Node, limits Limits) error {
	const defaultStep = time.Minute // of subqueries without one, unless the server says otherwise
	steps := 1
	reach := selector.OriginalOffset
	if selector.Timestamp != nil || selector.StartOrEnd != 0 || selector.OriginalOffset < 0 {
		return errors.New("@ modifiers and negative offsets could look ahead")
	}
	if selector.OriginalOffsetExpr != nil {
		return errors.New("a duration that is computed")
	}
	for _, node := range path {
		switch n := node.(type) {
		case *parser.MatrixSelector:
			if n.RangeExpr != nil {
				return errors.New("a duration that is computed")
			}
			reach += n.Range
		case *parser.SubqueryExpr:
			if n.RangeExpr != nil || n.StepExpr != nil || n.OriginalOffsetExpr != nil {
				return errors.New("a duration that is computed")
			}
			if n.Timestamp != nil || n.StartOrEnd != 0 || n.OriginalOffset < 0 {
				return errors.New("@ modifiers and negative offsets could look ahead")
			}
			reach += n.Range + n.OriginalOffset
			steps *= min(int(n.Range/orElse(n.Step, defaultStep))+1, limits.MaxSteps+1)
			if steps > limits.MaxSteps {
				return fmt.Errorf("subqueries evaluate more than %d steps", limits.MaxSteps)
			}
		}
	}
	if reach > limits.MaxRange {
		return fmt.Errorf("it reads %v back, more than %v", reach, limits.MaxRange)
	}
	return nil
}
