// Package sources derives from an expression of PromQL what counts where its series come
// from, so that whoever reads the expression can tell a load that fell from a part of its
// series that is missing.
package sources

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// labels tell sources apart: the target of a scrape, and within one that speaks for many
// pods, as a kubelet does, the pod. Any other label may come and go with what is served.
const labels = "job, instance, namespace, pod"

// A Counter counts the sources of one selector of an expression.
type Counter struct {
	// Expr is the number of those that have a series which is alive and, where the selector
	// is a range, long enough for the function around it.
	Expr string
	// Reach is how far back the series are read: so long after a source is back the values
	// of the expression are not whole yet.
	Reach time.Duration
}

// Counters returns those of expr, each once, the longest reach first. Selectors with an offset
// are of the past and have none.
func Counters(expr string) ([]Counter, error) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return nil, fmt.Errorf("parse query %q: %s", expr, strings.Join(strings.Fields(err.Error()), " "))
	}
	var all []Counter
	parser.Inspect(parsed, func(node parser.Node, path []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok && !past(selector.OriginalOffset, selector.OriginalOffsetExpr) {
			if c, ok := counter(selector, path); ok {
				all = append(all, c)
			}
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b Counter) int { return int(b.Reach - a.Reach) })
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(c Counter) bool {
		before := seen[c.Expr]
		seen[c.Expr] = true
		return before
	}), nil
}

// counter returns the one of a selector below path; false: it is of the past.
func counter(selector *parser.VectorSelector, path []parser.Node) (Counter, bool) {
	alive, reach := selector.String(), time.Duration(0)
	for i, node := range path {
		switch n := node.(type) {
		case *parser.SubqueryExpr:
			if past(n.OriginalOffset, n.OriginalOffsetExpr) {
				return Counter{}, false
			}
			reach += n.Range
		case *parser.MatrixSelector:
			reach += n.Range
			if call, ok := path[max(i, 1)-1].(*parser.Call); ok {
				// A series that ended has a rate until its range is over, and one that has just
				// begun has none yet.
				alive = call.String() + " and " + alive
			}
		}
	}
	return Counter{"count(count by (" + labels + ") (" + alive + "))", reach}, true
}

func past(offset time.Duration, computed *parser.DurationExpr) bool {
	return offset != 0 || computed != nil
}
