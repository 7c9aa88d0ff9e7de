package autoscaler_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

const twoLines = `{"time":"2026-03-02T12:00:00Z","spec":2,"replicas":2,"raw":2,"reason":"a"}
{"time":"2026-03-02T12:00:30Z","spec":2,"replicas":3,"raw":3,"reason":"b","scaled":true}
`

// TestReadLogFaults: what cannot be read says in which line and why, after the records
// before it.
func TestReadLogFaults(t *testing.T) {
	const third = `{"time":"2026-03-02T12:01:00Z","spec":3,"replicas":3,"raw":3,"reason":"c"`
	tests := []struct {
		name, line, want string
	}{
		{"cut off", third, "line 3: unexpected end of JSON input"},
		{"not JSON", "time=12:01", "line 3: invalid character"},
		{"wrong type", `{"time":"2026-03-02T12:01:00Z","spec":"3"}`, "line 3: json: cannot unmarshal string"},
		{"no time", `{"spec":3}`, "line 3: time is missing"},
		{"a phase that is none", third + `,"pods":[{"name":"shop-0","phase":"Lost"}]}`, `line 3: pod shop-0: phase "Lost"`},
		{"fewer pods than none", third + `,"pods":[{"phase":"Running","count":-1}]}`, "line 3: pod : count -1"},
		{"more pods than fit", third + `,"pods":[{"phase":"Running","count":2000000000}]}`, "line 3: pod : count 2000000000"},
		{"many pods, many times", third + `,"pods":[{"phase":"Running","count":1000000},{"phase":"Running","count":1000000}]}`, "line 3: pods: more than"},
		{"a number that is none", third + `,"values":[{"name":"load","value":null,"notFinite":"7"}]}`, `line 3: value of load: notFinite "7"`},
		{"a line without end", strings.Repeat(" ", 1<<24+1), "line 3: " + bufio.ErrTooLong.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var reasons []string
			var last error
			for rec, err := range autoscaler.ReadLog(strings.NewReader(twoLines + tt.line + "\n" + twoLines)) {
				if last != nil {
					t.Fatal("went on after an error")
				}
				if last = err; err == nil {
					reasons = append(reasons, rec.Reason)
				}
			}
			if diff := cmp.Diff([]string{"a", "b"}, reasons); diff != "" {
				t.Errorf("records before the fault: %s", diff)
			}
			if last == nil || !strings.HasPrefix(last.Error(), "read decision log: "+tt.want) {
				t.Errorf("%v, want %s", last, tt.want)
			}
		})
	}
}

// TestReadLogFailingReader passes the reader's own error on.
func TestReadLogFailingReader(t *testing.T) {
	broken := errors.New("unplugged")
	var last error
	n := 0
	for _, err := range autoscaler.ReadLog(io.MultiReader(strings.NewReader(twoLines), iotest.ErrReader(broken))) {
		if last = err; err == nil {
			n++
		}
	}
	if n != 2 || !errors.Is(last, broken) {
		t.Errorf("%d records, %v", n, last)
	}
}

// TestReadLogIsLazy: who stops early reads no more, and who ranges again reads on.
func TestReadLogIsLazy(t *testing.T) {
	bad := twoLines + "rubbish\n"
	for rec, err := range autoscaler.ReadLog(strings.NewReader(bad)) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Scaled {
			break
		}
	}
}

// TestReadLogIsLenient: fields of later versions, empty lines, other line ends and a
// missing last one are no faults.
func TestReadLogIsLenient(t *testing.T) {
	text := strings.ReplaceAll(strings.ReplaceAll(twoLines, "\n", "\r\n\r\n"), `"spec":2`, `"spec":2,"mood":"calm"`)
	recs := readLog(t, strings.TrimRight(text, "\r\n"))
	if diff := cmp.Diff(readLog(t, twoLines), recs); diff != "" {
		t.Error(diff)
	}
	for range autoscaler.ReadLog(strings.NewReader("\n")) {
		t.Error("a record in an empty log")
	}
}

// FuzzReadLog: no input panics, and what can be read comes through a second log as the
// same input of a policy.
func FuzzReadLog(f *testing.F) {
	f.Add([]byte(twoLines))
	f.Add([]byte(`{"time":"2026-03-02T12:00:00Z","values":[{"name":"a","value":1e-7},{"name":"b","value":null,"error":"no data","noData":true},{"name":"c","value":null,"notFinite":"+Inf"}]}`))
	f.Add([]byte(`{"time":"2026-03-02T12:00:00.5+02:00","pods":[{"first":"shop-0","count":3,"phase":"Running","ready":true,"milliCPU":300,"bytes":5,"sampleAgeSeconds":20.1,"windowSeconds":15}]}`))
	f.Add([]byte(`{"time":"2026-03-02T12:00:00Z","pods":[{"name":"p","phase":"Pending","started":"2026-03-02T11:59:00Z"},{"phase":"","count":1}],"podsError":"x","hold":true,"skipped":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		pods := 0
		for rec, err := range autoscaler.ReadLog(bytes.NewReader(data)) {
			if err != nil {
				return
			}
			in := rec.Input()
			if pods += len(in.Pods); pods > 10_000 {
				return // long, not interesting
			}
			var out bytes.Buffer
			log := autoscaler.NewLog(&out)
			log.Record(autoscaler.Step{Input: in})
			if log.Err() != nil {
				continue // a zone or year that JSON does not take
			}
			again := readLog(t, out.String())[0].Input()
			if len(again.Pods) != len(in.Pods) || len(again.Values) != len(in.Values) || !again.Now.Equal(in.Now) {
				t.Fatalf("%+v\nbecame %+v", in, again)
			}
			for i := range in.Values {
				a, b := in.Values[i], again.Values[i]
				if fmt.Sprint(a) != fmt.Sprint(b) || errors.Is(a.Err, policy.ErrNoData) != errors.Is(b.Err, policy.ErrNoData) {
					t.Errorf("%+v became %+v", a, b)
				}
			}
			for i := range in.Pods {
				a, b := in.Pods[i], again.Pods[i]
				if a.Ready != b.Ready || a.Phase != b.Phase || (a.Sample == nil) != (b.Sample == nil) || a.Sample != nil && a.Sample.MilliCPU != b.Sample.MilliCPU {
					t.Errorf("%+v became %+v", a, b)
				}
			}
		}
	})
}

// TestDocs holds docs/decisions.md to the code: it names every field, and no other, and
// its examples are records.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../docs/decisions.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	want := map[string]bool{}
	fieldsOf(reflect.TypeFor[autoscaler.Record](), "", want)
	for field := range want {
		if !strings.Contains(doc, "\n| `"+field+"` |") {
			t.Errorf("no row for %s", field)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(doc, -1) {
		if !want[row[1]] {
			t.Errorf("a row for %s, which is no field", row[1])
		}
	}
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(doc, -1)
	if len(examples) == 0 {
		t.Error("no example")
	}
	for _, e := range examples {
		if recs := readLog(t, e[1]); len(recs) == 0 {
			t.Errorf("no record in %s", e[1])
		}
		strict := json.NewDecoder(strings.NewReader(e[1]))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&autoscaler.Record{}); err != nil {
			t.Errorf("%v in %s", err, e[1])
		}
	}
}

// fieldsOf collects the JSON names of a type, those of nested types behind a point.
func fieldsOf(t reflect.Type, prefix string, into map[string]bool) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		into[prefix+name] = true
		inner, list := f.Type, ""
		if inner.Kind() == reflect.Slice {
			list = "[]"
		}
		if inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner.PkgPath() == t.PkgPath() {
			fieldsOf(inner, prefix+name+list+".", into)
		}
	}
}
