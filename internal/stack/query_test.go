package stack_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// An answer is one series of an answer of Prometheus.
type answer struct {
	Metric map[string]string
	Value  [2]any
	Values [][2]any
}

func (a answer) newest() [2]any {
	if len(a.Values) > 0 {
		return a.Values[len(a.Values)-1]
	}
	return a.Value
}

// last is the newest value.
func (a answer) last() float64 {
	v, err := strconv.ParseFloat(a.newest()[1].(string), 64)
	if err != nil {
		panic(err)
	}
	return v
}

func (a answer) at() time.Time { return time.UnixMilli(int64(1000 * a.newest()[0].(float64))) }

// api asks Prometheus and decodes what lies under data.
func (s *stack) api(path string, form url.Values, data any) {
	s.t.Helper()
	code, body := s.prom.Get(s.t, "/api/v1/"+path, form)
	envelope := struct {
		Error string
		Data  any
	}{Data: data}
	if err := json.Unmarshal(body, &envelope); err != nil || code != http.StatusOK {
		s.t.Fatalf("%s?%s: %d %s %v", path, form.Encode(), code, envelope.Error, err)
	}
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// instant asks for the values of now.
func (s *stack) instant(expr string) []answer {
	s.t.Helper()
	var data struct {
		ResultType string
		Result     json.RawMessage
	}
	s.api("query", url.Values{"query": {expr}, "time": {unix(time.Now())}}, &data)
	return s.answers(data.ResultType, data.Result)
}

// ranged asks for the time since the stack is complete.
func (s *stack) ranged(expr string) []answer {
	s.t.Helper()
	var data struct {
		ResultType string
		Result     json.RawMessage
	}
	s.api("query_range", url.Values{"query": {expr}, "start": {unix(s.began)}, "end": {unix(time.Now())}, "step": {"15"}}, &data)
	return s.answers(data.ResultType, data.Result)
}

func (s *stack) answers(kind string, text json.RawMessage) []answer {
	s.t.Helper()
	var all []answer
	var into any = &all
	if kind == "scalar" {
		all = make([]answer, 1)
		into = &all[0].Value
	}
	if err := json.Unmarshal(text, into); err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
	return all
}

// labelValues returns the values of a label among the series of the last minutes, sorted.
func (s *stack) labelValues(selector, label string) []string {
	s.t.Helper()
	var values []string
	s.api("label/"+label+"/values", url.Values{"match[]": {selector}, "start": {unix(s.began)}, "end": {unix(time.Now())}}, &values)
	slices.Sort(values)
	return values
}
