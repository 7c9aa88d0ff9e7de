package policytest

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"hindcast.dev/promdb"
)

// maxValues bounds what one sequence expands to.
const maxValues = 1_000_000

// A series is an input series with its values, one an evaluation.
type series struct {
	id     string // in PromQL notation
	name   string
	labels []promdb.Label
	values []parser.SequenceValue
}

// parseSeries reads a series and its values in the notation of promtool.
func parseSeries(metric, values string) (series, error) {
	var s series
	if metric == "" {
		return s, errors.New("series: is missing; write one such as 'queue_depth{queue=\"mail\"}'")
	}
	lset, err := parser.NewParser(parser.Options{}).ParseMetric(metric)
	if err != nil {
		return s, fmt.Errorf("series: %s", oneLine(err))
	}
	all := lset.Map()
	s.id, s.name = lset.String(), all["__name__"]
	delete(all, "__name__")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s.labels = append(s.labels, promdb.Label{Name: name, Value: all[name]})
	}
	switch {
	case s.name == "":
		return s, fmt.Errorf("series: %s has no metric name; put one before the braces", metric)
	case (s.name == podMilliCPU || s.name == podBytes) && len(s.labels) > 0:
		return s, fmt.Errorf("series: %s holds for each pod; remove its labels", s.name)
	}
	s.values, err = parseSequence(values)
	if err != nil {
		return s, fmt.Errorf("values: %w", err)
	}
	return s, nil
}

// amounts returns the values as amounts that a pod uses; NaN where there is none.
func (s *series) amounts() ([]float64, error) {
	out := make([]float64, len(s.values))
	for i, v := range s.values {
		switch {
		case missing(v):
			out[i] = math.NaN()
		case !(v.Value >= 0 && v.Value <= 1<<53):
			return out, fmt.Errorf("values: %g is not an amount that a pod can use", v.Value)
		default:
			out[i] = math.Round(v.Value)
		}
	}
	return out, nil
}

// Any is an expectation that every number of replicas meets.
const Any = -1

// parseExpectation reads replicas in the notation of promtool; a missing value is
// Any.
func parseExpectation(text string) ([]int32, error) {
	values, err := parseSequence(text)
	if err != nil {
		return nil, err
	}
	out := make([]int32, len(values))
	for i, v := range values {
		switch {
		case v.Omitted:
			out[i] = Any
		case v.Value != math.Trunc(v.Value) || v.Value < 0 || v.Value > math.MaxInt32:
			return nil, fmt.Errorf("%g, which is the value of evaluation %d, is not a number of replicas", v.Value, i)
		default:
			out[i] = int32(v.Value)
		}
	}
	return out, nil
}

// parseSequence reads values such as '1 2x3 4+5x6 _ _x2 stale'.
func parseSequence(text string) ([]parser.SequenceValue, error) {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return nil, errors.New("is missing; write values such as '2 4 8x10'")
	}
	if strings.Contains(text, "{") {
		return nil, errors.New("histograms are not understood; write numbers")
	}
	if expands(text) > maxValues {
		return nil, fmt.Errorf("more than %d values; write fewer", maxValues)
	}
	_, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc("x " + text)
	if err != nil {
		return nil, fmt.Errorf("%q: %s; write values such as '2 4 8x10', '1+2x5', '_' or 'stale'",
			shorten(text), oneLine(err))
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%q has no value", shorten(text))
	}
	return values, nil
}

var repetition = regexp.MustCompile(`[xX]([0-9]+)`)

// expands returns an upper bound of the number of values, before they are made.
func expands(text string) int {
	n := strings.Count(text, " ") + 1
	for _, m := range repetition.FindAllStringSubmatch(text, -1) {
		times, err := strconv.Atoi(m[1])
		if err != nil || times > maxValues {
			return math.MaxInt
		}
		n += times
	}
	return n
}

// missing reports a value that is no sample of its own.
func missing(v parser.SequenceValue) bool { return v.Omitted || stale(v) }

// stale reports the value that the parser makes of the word stale: the NaN with the
// payload of a staleness marker of Prometheus, which no other word stands for.
func stale(v parser.SequenceValue) bool {
	return math.Float64bits(v.Value) == 0x7ff0000000000002
}

var position = regexp.MustCompile(`^[0-9]+:[0-9]+: `)

// oneLine returns a message of the parser without the position, which counts from
// where the user does not.
func oneLine(err error) string {
	msg := strings.Join(strings.Fields(err.Error()), " ")
	msg = position.ReplaceAllString(msg, "")
	return strings.TrimPrefix(msg, "parse error: ")
}

func shorten(s string) string {
	const longest = 60
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}
