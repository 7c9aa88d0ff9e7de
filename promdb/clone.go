package promdb

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// cloneExpr copies every part of a freshly parsed tree that the engine writes
// to: it unwraps, wraps and resolves nodes in place, sorts groupings and hangs
// series on selectors. Matchers, literals and duration expressions are shared.
func cloneExpr(expr parser.Expr) parser.Expr {
	switch e := expr.(type) {
	case *parser.AggregateExpr:
		c := *e
		c.Expr = cloneExpr(e.Expr)
		if e.Param != nil {
			c.Param = cloneExpr(e.Param)
		}
		c.Grouping = slices.Clone(e.Grouping)
		return &c
	case *parser.BinaryExpr:
		c := *e
		c.LHS, c.RHS = cloneExpr(e.LHS), cloneExpr(e.RHS)
		if e.VectorMatching != nil {
			m := *e.VectorMatching
			m.MatchingLabels = slices.Clone(m.MatchingLabels)
			m.Include = slices.Clone(m.Include)
			c.VectorMatching = &m
		}
		return &c
	case *parser.Call:
		c := *e
		c.Args = make(parser.Expressions, len(e.Args))
		for i, arg := range e.Args {
			c.Args[i] = cloneExpr(arg)
		}
		return &c
	case *parser.MatrixSelector:
		c := *e
		c.VectorSelector = cloneExpr(e.VectorSelector)
		return &c
	case *parser.ParenExpr:
		c := *e
		c.Expr = cloneExpr(e.Expr)
		return &c
	case *parser.SubqueryExpr:
		c := *e
		c.Expr = cloneExpr(e.Expr)
		return &c
	case *parser.UnaryExpr:
		c := *e
		c.Expr = cloneExpr(e.Expr)
		return &c
	case *parser.VectorSelector:
		c := *e
		return &c
	case *parser.NumberLiteral:
		c := *e
		return &c
	case *parser.StringLiteral:
		c := *e
		return &c
	default:
		return expr
	}
}
