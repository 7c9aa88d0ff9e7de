package promapi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hindcast.dev/internal/promtest"
	"hindcast.dev/promdb/promapi"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// A questioner makes up queries over the small world.
type questioner struct{ *rand.Rand }

func (q questioner) of(choices ...string) string { return choices[q.IntN(len(choices))] }

func (q questioner) selector() string {
	if q.IntN(8) == 0 {
		return q.of(`{__name__=~"re.*"}`, `{pod="1"}`, `{__name__!="queue",policy="hpa"}`)
	}
	return q.of("replicas", "queue", "requests_total", "tiny", "duration_seconds_bucket") +
		q.of("", "", `{policy="v3"}`, `{policy=~"h.+"}`, `{policy!="hpa",pod=~"0|2"}`, `{code="503"}`, `{le!="+Inf"}`, `{none=""}`)
}

func (q questioner) duration() string { return q.of("30s", "1m", "5m", "17m", "1h", "3h") }

func (q questioner) modifier() string {
	return q.of("", "", "", " offset "+q.duration(), " offset -1m", " @ start()", " @ end()", " @ "+unix(epoch.Add(4*time.Hour)))
}

func (q questioner) vector(depth int) string {
	if depth == 0 {
		return q.selector() + q.modifier()
	}
	inner := func() string { return q.vector(depth - 1) }
	switch q.IntN(11) {
	case 0, 1:
		return q.of("rate", "increase", "irate", "delta", "deriv", "changes", "resets", "avg_over_time", "max_over_time",
			"stddev_over_time", "count_over_time", "last_over_time", "present_over_time", "absent_over_time") +
			"(" + q.selector() + "[" + q.duration() + "]" + q.modifier() + ")"
	case 2, 3:
		return q.of("sum", "avg", "min", "max", "count", "stddev", "group", "topk", "bottomk", "quantile", "count_values") + q.aggregation(inner())
	case 4:
		return inner() + q.of(" + ", " - ", " * ", " / ", " % ", " ^ ", " > ", " <= bool ") + q.of("2", "0.5", "1e3", "scalar(queue)")
	case 5:
		return "sum by (policy) (" + inner() + ")" + q.of(" / ", " - ", " and ", " or ", " unless ", " > ") + "sum by (policy) (" + inner() + ")"
	case 6:
		return q.of("max_over_time", "sum_over_time", "avg_over_time") + "((" + inner() + ")[" + q.of("20m:1m", "1h:5m", "10m:", "30m:90s") + "]" + q.modifier() + ")"
	case 7:
		return "histogram_quantile(" + q.of("0.5", "0.99", "2") + ", sum by (le, policy) (rate(duration_seconds_bucket[" + q.duration() + "])))"
	case 8:
		return q.of("abs", "ceil", "sqrt", "ln", "timestamp", "hour", "sort_desc", "absent") + "(" + inner() + ")"
	case 9:
		return `label_replace(` + inner() + `, "other", "x$1", "policy", "(.).*")`
	default:
		return "predict_linear(" + q.selector() + "[" + q.duration() + "], 600)"
	}
}

// aggregation appends the rest of an aggregation whose operator was just written.
func (q questioner) aggregation(inner string) string {
	return q.of("", " by (policy)", " by (pod, policy)", " without (code)") + "(" + inner + ")"
}

// question is a random query that parses; those with a parameter get it here.
func (q questioner) question() string {
	query := q.vector(q.IntN(3))
	for _, o := range [][2]string{{"topk", "2"}, {"bottomk", "1"}, {"quantile", "0.7"}, {"count_values", `"value"`}} {
		operator, parameter := o[0], o[1]
		for _, grouping := range []string{"", " by (policy)", " by (pod, policy)", " without (code)"} {
			if operator != "quantile" || grouping != "" || !strings.Contains(query, "histogram_quantile(") {
				query = strings.ReplaceAll(query, operator+grouping+"(", operator+grouping+"("+parameter+", ")
			}
		}
	}
	return query
}

// TestPrometheusAnswersTheSame asks a real server and this API the same questions about
// the same blocks, and wants the same bytes back.
func TestPrometheusAnswersTheSame(t *testing.T) {
	promtest.RequireVersion(t, promapi.Version) // others differ in a thing or two
	dirs := blocks(t)
	merged := t.TempDir()
	for _, dir := range dirs {
		if err := os.CopyFS(merged, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	server := promtest.Start(t, merged)
	h := promapi.New(reader(t, dirs), promapi.Config{Start: epoch, End: end})
	q := questioner{rand.New(rand.NewPCG(3, 5))}
	asked, failed, empty, size := 0, 0, 0, 0
	compare := func(path string, form url.Values) {
		t.Helper()
		wantCode, want := server.Get(t, promapi.Prefix+path, form)
		code, got := get(t, h, promapi.Prefix+path, form)
		asked++
		size += len(got)
		switch {
		case code != http.StatusOK:
			failed++
		case strings.Contains(string(got), `"result":[]`) || strings.Contains(string(got), `"data":[]`):
			empty++
		}
		if code != wantCode || canonical(t, got) != canonical(t, want) {
			t.Errorf("%s %v:\n%d %.1000s, the server says\n%d %.1000s", path, form, code, got, wantCode, want)
		}
	}
	for range 150 {
		query := q.question()
		at := epoch.Add(time.Duration(q.Int64N(int64(end.Sub(epoch) + 8*time.Minute)))).Truncate(time.Millisecond)
		form := url.Values{"query": {query}, "time": {q.of(unix(at), at.Format(time.RFC3339Nano))}}
		if strings.HasPrefix(query, "sort") || !strings.Contains(query, "topk") {
			compare("query", form)
		}
		form = url.Values{
			"query": {query}, "start": {unix(at)}, "end": {unix(at.Add(time.Duration(q.IntN(200)) * time.Minute))},
			"step": {q.of("15", "37.5", "1m", "13m")},
		}
		// The series of an instant vector have no order of which to take the first.
		if q.IntN(4) == 0 {
			form.Set("limit", strconv.Itoa(q.IntN(4)))
		}
		compare("query_range", form)
	}
	for range 40 {
		form := url.Values{"match[]": {q.selector()}}
		if q.IntN(2) == 0 {
			form.Add("match[]", q.selector())
		}
		if q.IntN(2) == 0 {
			at := epoch.Add(time.Duration(q.Int64N(int64(end.Sub(epoch) + 8*time.Hour))))
			form.Set("start", unix(at))
			form.Set("end", unix(at.Add(time.Duration(q.IntN(10)-1)*time.Hour)))
		}
		compare("series", form)
		if q.IntN(2) == 0 {
			form.Set("limit", strconv.Itoa(q.IntN(4)))
		}
		compare("labels", form)
		compare("label/"+q.of("pod", "policy", "__name__", "none", "U__le", "pa_th")+"/values", form)
	}
	for _, fault := range faults {
		compare(fault.path, fault.form)
	}
	t.Logf("%d questions, %d KiB of answers, %d of them empty, %d errors", asked, size>>10, empty, failed)
	if asked < 400 || failed > asked/4 || empty > asked/3 {
		t.Error("too few questions with an answer")
	}
}

// canonical sorts what has no order: the series of an instant vector and of a list, and
// warnings. It leaves out the warning that only this API gives.
func canonical(t *testing.T, body []byte) string {
	t.Helper()
	var v struct {
		Data            json.RawMessage
		Warnings, Infos []string
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	text := strings.TrimSuffix(string(body), "}")
	if i := strings.LastIndex(text, `,"warnings":[`); i > 0 && v.Warnings != nil {
		text = text[:i]
	} else if i := strings.LastIndex(text, `,"infos":[`); i > 0 && v.Infos != nil {
		text = text[:i]
	}
	v.Warnings = slices.DeleteFunc(v.Warnings, func(w string) bool { return strings.HasPrefix(w, "no data: the run goes from ") })
	slices.Sort(v.Warnings)
	slices.Sort(v.Infos)
	before, after, _ := strings.Cut(text, string(v.Data))
	after += fmt.Sprint(v.Warnings, v.Infos)
	var data struct {
		ResultType string
		Result     []json.RawMessage
	}
	if json.Unmarshal(v.Data, &data) != nil && json.Unmarshal(v.Data, &data.Result) != nil {
		return before + string(v.Data) + after
	}
	var elements []string
	for _, e := range data.Result {
		elements = append(elements, string(e))
	}
	slices.Sort(elements)
	return before + data.ResultType + strings.Join(elements, "\n") + after
}

// faults are requests that are wrong or at the limits.
var faults = []struct {
	path string
	form url.Values
}{
	{"query", url.Values{"query": {"sum("}}},
	{"query", url.Values{"query": {""}}},
	{"query", url.Values{"query": {"1"}, "time": {"yesterday"}}},
	{"query", url.Values{"query": {"1"}, "time": {"1"}, "timeout": {"x"}}},
	{"query", url.Values{"query": {"1"}, "time": {"1"}, "limit": {"-1"}}},
	{"query", url.Values{"query": {"1"}, "time": {"1"}, "limit": {"many"}}},
	{"query", url.Values{"query": {"queue"}, "time": {"1709535602"}, "lookback_delta": {"x"}}},
	{"query", url.Values{"query": {"queue"}, "time": {"1709535602"}, "lookback_delta": {"20m"}}},
	{"query", url.Values{"query": {"queue + on(policy) requests_total"}, "time": {"1709535602"}}},
	{"query", url.Values{"query": {"nonsense(queue)"}, "time": {"1709535602"}}},
	{"query", url.Values{"query": {`"text"`}, "time": {"1709535602"}}},
	{"query", url.Values{"query": {`queue[5m]`}, "time": {"1709535602"}}},
	{"query", url.Values{"query": {`rate(replicas[5m])`}, "time": {"1709535602"}}},
	{"query", url.Values{"query": {"1"}, "time": {"-1.5"}}},
	{"query", url.Values{"query": {"1/0"}, "time": {"2024-03-04T01:02:03.456+02:00"}}},
	{"query_range", url.Values{"query": {"1"}}},
	{"query_range", url.Values{"query": {"1"}, "start": {"1"}}},
	{"query_range", url.Values{"query": {"1"}, "start": {"1"}, "end": {"0"}, "step": {"1"}}},
	{"query_range", url.Values{"query": {"1"}, "start": {"1"}, "end": {"2"}, "step": {"0"}}},
	{"query_range", url.Values{"query": {"1"}, "start": {"1"}, "end": {"2"}, "step": {"-5m"}}},
	{"query_range", url.Values{"query": {"1"}, "start": {"1"}, "end": {"2"}, "step": {"1e30"}}},
	{"query_range", url.Values{"query": {"1"}, "start": {"0"}, "end": {"11001"}, "step": {"1"}}},
	{"query_range", url.Values{"query": {"1"}, "start": {"0"}, "end": {"11000"}, "step": {"1"}}},
	{"query_range", url.Values{"query": {"queue[5m]"}, "start": {"0"}, "end": {"11000"}, "step": {"1h"}}},
	{"series", nil},
	{"series", url.Values{"match[]": {"{}"}}},
	{"series", url.Values{"match[]": {`{policy=""}`}}},
	{"series", url.Values{"match[]": {"sum(x)"}}},
	{"series", url.Values{"match[]": {"queue"}, "limit": {"1"}}},
	{"series", url.Values{"match[]": {"queue"}, "start": {"x"}}},
	{"labels", url.Values{"end": {"x"}}},
	{"labels", url.Values{"match[]": {"{"}}},
	{"label/p%FFd/values", nil},
	{"label/pod/values", url.Values{"limit": {"2"}}},
	{"format_query", url.Values{"query": {"sum(rate(x[5m]))by(y)/on(y)z"}}},
	{"format_query", url.Values{"query": {"sum("}}},
	{"query_exemplars", url.Values{"query": {"queue"}, "start": {"1"}, "end": {"2"}}},
	{"rules", nil},
	{"alertmanagers", nil},
	{"targets", nil},
	{"targets/metadata", nil},
	{"scrape_pools", nil},
	{"status/walreplay", nil},
	{"metadata", nil},
	{"metadata", url.Values{"limit": {"x"}}},
}

// Version is that of the module that go.mod requires.
func TestVersion(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`github.com/prometheus/prometheus v0\.(\d+)(\d\d)\.(\d+)\n`).FindSubmatch(text)
	if m == nil {
		t.Fatal("go.mod does not require Prometheus")
	}
	minor, err := strconv.Atoi(string(m[2]))
	if want := fmt.Sprintf("%s.%d.%s", m[1], minor, m[3]); err != nil || want != promapi.Version {
		t.Errorf("it is %s, go.mod requires %s", promapi.Version, want)
	}
}
