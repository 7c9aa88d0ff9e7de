package promapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// appendValue appends the JSON of what a query gave, its times moved by shift
// milliseconds. An answer may have a million points, so they are written without
// reflection.
func appendValue(b []byte, value parser.Value, shift int64) ([]byte, error) {
	switch v := value.(type) {
	case promql.Matrix:
		return appendList(b, v, func(b []byte, s promql.Series) ([]byte, error) { return appendSeries(b, s, shift) })
	case promql.Vector:
		return appendList(b, v, func(b []byte, s promql.Sample) ([]byte, error) { return appendSample(b, s, shift) })
	case promql.Scalar:
		v.T += shift
		return appendJSON(b, v)
	case promql.String:
		v.T += shift
		return appendJSON(b, v)
	default:
		return nil, fmt.Errorf("a query gave a %T", value)
	}
}

func appendList[T any](b []byte, list []T, one func([]byte, T) ([]byte, error)) ([]byte, error) {
	b = append(b, '[')
	for i, element := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = one(b, element); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendSeries(b []byte, s promql.Series, shift int64) (_ []byte, err error) {
	b = appendLabels(append(b, `{"metric":`...), s.Metric)
	if len(s.Floats) > 0 {
		b, _ = appendList(append(b, `,"values":`...), s.Floats, func(b []byte, p promql.FPoint) ([]byte, error) {
			return appendPoint(b, p.T+shift, p.F), nil
		})
	}
	if len(s.Histograms) > 0 {
		b, err = appendList(append(b, `,"histograms":`...), s.Histograms, func(b []byte, p promql.HPoint) ([]byte, error) {
			return appendHistogram(b, p, shift)
		})
	}
	return append(b, '}'), err
}

func appendSample(b []byte, s promql.Sample, shift int64) (_ []byte, err error) {
	b = appendLabels(append(b, `{"metric":`...), s.Metric)
	if s.H == nil {
		b = appendPoint(append(b, `,"value":`...), s.T+shift, s.F)
	} else {
		b, err = appendHistogram(append(b, `,"histogram":`...), promql.HPoint{T: s.T, H: s.H}, shift)
	}
	return append(b, '}'), err
}

// appendHistogram appends a native histogram. No run has any; imported blocks may.
func appendHistogram(b []byte, p promql.HPoint, shift int64) ([]byte, error) {
	p.T += shift
	return appendJSON(b, p)
}

func appendJSON(b []byte, v any) ([]byte, error) {
	data, err := json.Marshal(v)
	return append(b, data...), err
}

func appendPoint(b []byte, t int64, v float64) []byte {
	b = append(appendTime(append(b, '['), t), ',', '"')
	// Prometheus writes out exponents beyond these bounds only.
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return append(strconv.AppendFloat(b, v, format, -1, 64), '"', ']')
}

// appendTime appends milliseconds as seconds.
func appendTime(b []byte, t int64) []byte {
	if t < 0 {
		b, t = append(b, '-'), -t
	}
	b = strconv.AppendInt(b, t/1000, 10)
	if part := t % 1000; part != 0 {
		b = append(b, '.', byte('0'+part/100), byte('0'+part/10%10), byte('0'+part%10))
	}
	return b
}

func appendLabels(b []byte, ls labels.Labels) []byte {
	b = append(b, '{')
	first := true
	ls.Range(func(l labels.Label) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendText(append(appendText(b, l.Name), ':'), l.Value)
	})
	return append(b, '}')
}

// appendText appends a string. Markup is not escaped: what reads this reads JSON.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return appendEscaped(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendEscaped(b []byte, s string) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // no string is an error
	}
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}
