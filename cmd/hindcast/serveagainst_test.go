package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/promdb/promapi"
)

// TestServeAnswersAsPrometheus: a real Prometheus server on the blocks of a run and the program that
// serves the run answer a hundred random queries about its series alike. Queries about stranger
// series are those of promapi's TestPrometheusAnswersTheSame.
func TestServeAnswersAsPrometheus(t *testing.T) {
	promtest.RequireVersion(t, promapi.Version) // others differ in a thing or two
	dir, merged := aRun(t), t.TempDir()
	for _, policy := range []string{"hpa", "v3"} {
		if err := os.CopyFS(merged, os.DirFS(filepath.Join(dir, result.TSDBDir, policy))); err != nil {
			t.Fatal(err)
		}
	}
	server := promtest.Start(t, merged)
	cmd, said, address := startServe(t.Context(), t, io.Discard, dir)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if address == "" {
		t.Fatalf("it said %q", said)
	}

	ask := func(base, path string, form url.Values) (answer struct {
		Status, Error string
		Data          struct {
			ResultType string
			Result     []json.RawMessage
		}
	}) {
		t.Helper()
		resp, err := http.Get(base + "/api/v1/" + path + "?" + form.Encode())
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		// The series of an answer have no order.
		slices.SortFunc(answer.Data.Result, func(a, b json.RawMessage) int { return strings.Compare(string(a), string(b)) })
		return answer
	}
	var names struct{ Data []string }
	if err := json.Unmarshal([]byte(fetch(t, address+"/api/v1/label/__name__/values")), &names); err != nil {
		t.Fatal(err)
	}
	if len(names.Data) < 50 {
		t.Fatalf("the run has only %d names", len(names.Data))
	}
	var bounds struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	r := rand.New(rand.NewPCG(9, 4))
	pick := func(choices ...string) string { return choices[r.IntN(len(choices))] }
	begin := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	found := url.Values{"query": {"kube_deployment_status_replicas_ready"}, "start": {begin.Format(time.RFC3339)}, "end": {begin.AddDate(10, 0, 0).Format(time.RFC3339)}, "step": {"12h"}}
	if err := json.Unmarshal([]byte(fetch(t, address+"/api/v1/query_range?"+found.Encode())), &bounds); err != nil || len(bounds.Data.Result) == 0 {
		t.Fatalf("when the run was: %+v, %v", bounds, err)
	}
	first, ok := bounds.Data.Result[0].Values[0][0].(float64)
	if !ok {
		t.Fatalf("no time: %v", bounds.Data.Result[0].Values[0])
	}
	empty := 0
	for range 100 {
		name, duration := pick(names.Data...), pick("1m", "5m", "1h")
		series := name + pick("", "", `{policy="v3"}`, `{policy!="v3"}`)
		query := pick(
			series,
			series+" offset "+duration,
			"sum by (policy) ("+series+")",
			"max by (policy, pod) ("+series+") > 1",
			"rate("+series+"["+duration+"])",
			"sum by (policy, le) (increase("+series+"["+duration+"]))",
			"avg_over_time("+series+"["+duration+"])",
			"quantile by (policy) (0.9, "+series+")",
			"max_over_time(sum by (policy) ("+series+")["+duration+":30s])",
			"count("+series+") or absent("+series+")",
		)
		at := first + float64(r.IntN(6*3600))
		path, form := "query", url.Values{"query": {query}, "time": {fmt.Sprint(at)}}
		if r.IntN(2) == 0 {
			path, form = "query_range", url.Values{"query": {query}, "start": {fmt.Sprint(at)}, "end": {fmt.Sprint(at + 3600)}, "step": {pick("15", "60", "95.5")}}
		}
		got, want := ask(address, path, form), ask(server.URL(), path, form)
		if fmt.Sprintf("%s", got) != fmt.Sprintf("%s", want) {
			t.Errorf("%s: serve answers\n%.500s\nPrometheus\n%.500s", query, fmt.Sprintf("%s", got), fmt.Sprintf("%s", want))
		}
		if got.Status != "success" {
			t.Errorf("%s: %s", query, got.Error)
		}
		if len(got.Data.Result) == 0 {
			empty++
		}
	}
	if empty > 40 {
		t.Errorf("%d of 100 answers are empty", empty)
	}
}
