package promdb

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// What an evaluation does to a copy must not show in the original.
func TestCloneIsApart(t *testing.T) {
	for _, expr := range []string{
		`sum by (z, a) (rate(x{b=~"c.*"}[1m] offset 2m))`,
		`(a + on(y, b) group_left(z, k) (b)) > bool 1`,
		`quantile_over_time((0.5), ((x))[5m:1m])`,
		`-(x) and label_replace(y, "a", "$1", "b", "(.*)")`,
		`topk((3), x) or vector(time()) ^ 2`,
	} {
		original, err := parse(expr)
		if err != nil {
			t.Fatal(err)
		}
		want := parser.Tree(original)
		clone := cloneExpr(original)
		if got := parser.Tree(clone); got != want {
			t.Errorf("%s: copy is\n%s, want\n%s", expr, got, want)
		}
		if _, err := promql.PreprocessExpr(clone, time.Unix(1, 0), time.Unix(2, 0), time.Second); err != nil {
			t.Fatal(err)
		}
		deface(clone)
		if got := parser.Tree(original); got != want {
			t.Errorf("%s: original became\n%s, was\n%s", expr, got, want)
		}
	}
}

func deface(expr parser.Expr) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			n.Name, n.Offset, n.OriginalOffset = "defaced", 1, 1
		case *parser.SubqueryExpr:
			n.Range = 1
		case *parser.MatrixSelector:
			n.Range = 1
		case *parser.NumberLiteral:
			n.Val = -1
		case *parser.StringLiteral:
			n.Val = "defaced"
		case *parser.UnaryExpr:
			n.Op = parser.ADD
		case *parser.AggregateExpr:
			for i := range n.Grouping {
				n.Grouping[i] = "defaced"
			}
		case *parser.BinaryExpr:
			n.ReturnBool = !n.ReturnBool
			if n.VectorMatching != nil {
				for i := range n.VectorMatching.MatchingLabels {
					n.VectorMatching.MatchingLabels[i] = "defaced"
				}
				for i := range n.VectorMatching.Include {
					n.VectorMatching.Include[i] = "defaced"
				}
			}
		}
		return nil
	})
}
