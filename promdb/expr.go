package promdb

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// ErrLookAhead is returned for an expression with an @ modifier or a negative
// offset: both name an instant other than the past of the query's own.
var ErrLookAhead = errors.New("@ modifiers and negative offsets could look ahead and are off")

// ErrType is returned for an expression that is neither a scalar nor an instant
// vector.
var ErrType = errors.New("expression must be a scalar or an instant vector")

// Validate reports why expr could not be queried: a syntax error with its
// position, ErrLookAhead or ErrType. The message is one line.
func Validate(expr string) error {
	_, err := parse(expr)
	return err
}

// MetricNames returns the sorted names of the metrics that expr selects. It is
// exact if every selector of expr names its metric; otherwise expr may read
// series of any name besides those returned. Errors are those of Validate.
func MetricNames(expr string) (names []string, exact bool, err error) {
	parsed, err := parse(expr)
	if err != nil {
		return nil, false, err
	}
	exact = true
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		sel, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		named := false
		for _, m := range sel.LabelMatchers {
			if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && m.Value != "" {
				names = append(names, m.Value)
				named = true
			}
		}
		exact = exact && named
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), exact, nil
}

// parse returns the syntax tree of an expression that may be queried.
func parse(expr string) (parser.Expr, error) {
	p := parser.NewParser(parser.Options{})
	parsed, err := p.ParseExpr(expr)
	if err != nil {
		return nil, fmt.Errorf("parse query %q: %s", expr, oneLine(err))
	}
	if t := parsed.Type(); t != parser.ValueTypeScalar && t != parser.ValueTypeVector {
		return nil, fmt.Errorf("query %q is a %s: %w", expr, parser.DocumentedType(t), ErrType)
	}
	// An offset such as -(5m) is negative only once its expression is evaluated,
	// which changes the tree: hence on a copy.
	epoch := time.Unix(0, 0)
	resolved, err := promql.PreprocessExpr(cloneExpr(parsed), epoch, epoch, 0)
	if err != nil {
		return nil, fmt.Errorf("parse query %q: %s", expr, oneLine(err))
	}
	if looksAhead(resolved) {
		return nil, fmt.Errorf("query %q: %w", expr, ErrLookAhead)
	}
	return parsed, nil
}

func looksAhead(expr parser.Expr) bool {
	found := false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			found = found || n.Timestamp != nil || n.StartOrEnd != 0 || n.OriginalOffset < 0
		case *parser.SubqueryExpr:
			found = found || n.Timestamp != nil || n.StartOrEnd != 0 || n.OriginalOffset < 0
		}
		return nil
	})
	return found
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// maxParsed bounds the parse cache; the expressions of a run are a handful.
const maxParsed = 1024

// exprCache is a parser that remembers. Parsing a selector with a regular
// expression costs about as much as evaluating it.
type exprCache struct {
	parser.Parser // for what the engine does not parse

	mu     sync.Mutex
	parsed map[string]parser.Expr // never handed out, only copies
}

func newExprCache() *exprCache {
	return &exprCache{
		Parser: parser.NewParser(parser.Options{}),
		parsed: make(map[string]parser.Expr),
	}
}

// ParseExpr implements parser.Parser.
func (c *exprCache) ParseExpr(expr string) (parser.Expr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.parsed[expr]; ok {
		return cloneExpr(e), nil
	}
	e, err := parse(expr)
	if err != nil {
		return nil, err
	}
	if len(c.parsed) >= maxParsed {
		clear(c.parsed)
	}
	c.parsed[expr] = e
	return cloneExpr(e), nil
}

// A Selector is one selector of an expression, without its range and offset.
type Selector struct {
	Expr string
	// Reach is how far before the instant of a query the expression reads it: ranges
	// and offsets, those of the subqueries around it included.
	Reach time.Duration
}

// Selectors returns the selectors that expr reads, each once with its longest reach, in
// the order of their text. Errors are those of Validate.
func Selectors(expr string) ([]Selector, error) {
	parsed, err := parse(expr)
	if err != nil {
		return nil, err
	}
	reach := map[string]time.Duration{}
	parser.Inspect(parsed, func(node parser.Node, path []parser.Node) error {
		sel, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		back := sel.OriginalOffset
		for _, above := range path {
			switch n := above.(type) {
			case *parser.MatrixSelector:
				back += n.Range
			case *parser.SubqueryExpr:
				back += n.Range + n.OriginalOffset
			}
		}
		bare := parser.VectorSelector{Name: sel.Name, LabelMatchers: sel.LabelMatchers}
		text := bare.String()
		reach[text] = max(reach[text], back)
		return nil
	})
	var out []Selector
	for _, text := range slices.Sorted(maps.Keys(reach)) {
		out = append(out, Selector{Expr: text, Reach: reach[text]})
	}
	return out, nil
}
