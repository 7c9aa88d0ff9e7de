package promapi_test

import (
	"maps"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"hindcast.dev/promdb/promapi"
)

func client(t *testing.T, cfg promapi.Config) v1.API {
	t.Helper()
	server := httptest.NewServer(newAPI(t, cfg))
	t.Cleanup(server.Close)
	c, err := api.NewClient(api.Config{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return v1.NewAPI(c)
}

// TestOfficialClient makes every call that Prometheus's own client has.
func TestOfficialClient(t *testing.T) {
	c := client(t, promapi.Config{Metadata: []promapi.Metadata{
		{Name: "replicas", Type: "gauge", Help: "Replicas.", Unit: ""},
		{Name: "requests_total", Type: "counter", Help: "Requests.", Unit: ""},
	}})
	ctx := t.Context()
	fatal := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := epoch.Add(time.Hour)

	value, warnings, _, err := c.Query(ctx, `sum by (policy) (rate(requests_total[5m]))`, at, v1.WithTimeout(time.Minute), v1.WithLimit(9))
	fatal(err)
	vector, ok := value.(model.Vector)
	if !ok || len(vector) != 2 || len(warnings) != 0 {
		t.Fatalf("it got %v, %v", value, warnings)
	}
	policies := map[string]bool{}
	for _, s := range vector {
		policies[string(s.Metric["policy"])] = true
		// Six series of a mean of 100 requests a scrape.
		if rate := float64(s.Value); math.Abs(rate-40) > 12 || !s.Timestamp.Time().Equal(at) {
			t.Errorf("%v", s)
		}
	}
	if got := slices.Sorted(maps.Keys(policies)); !slices.Equal(got, []string{"hpa", "v3"}) {
		t.Errorf("policies %v", got)
	}

	value, _, _, err = c.QueryRange(ctx, "replicas", v1.Range{Start: at, End: at.Add(10 * time.Minute), Step: scrape})
	fatal(err)
	matrix, ok := value.(model.Matrix)
	if !ok || len(matrix) != 2 || len(matrix[0].Values) < 30 {
		t.Fatalf("it got %v", value)
	}
	for _, p := range matrix[0].Values {
		if i := p.Timestamp.Time().Sub(epoch) / scrape; float64(p.Value) != float64(i%7) {
			t.Errorf("%v is %v", p.Timestamp.Time(), p.Value)
		}
	}
	if _, _, _, err = c.Query(ctx, "sum(", at); err == nil || !strings.Contains(err.Error(), "bad_data") {
		t.Errorf("a syntax error gives %v", err)
	}

	names, _, _, err := c.LabelNames(ctx, []string{"requests_total"}, time.Time{}, time.Time{})
	fatal(err)
	if want := (model.LabelNames{"__name__", "code", "pod", "policy"}); !slices.Equal(names, want) {
		t.Errorf("labels %v", names)
	}
	values, _, _, err := c.LabelValues(ctx, "pod", nil, epoch, end)
	fatal(err)
	if want := (model.LabelValues{"0", "1", "2"}); !slices.Equal(values, want) {
		t.Errorf("pods %v", values)
	}
	series, _, _, err := c.Series(ctx, []string{"requests_total", `{code="200"}`}, epoch, end)
	fatal(err)
	if len(series) != 12 {
		t.Errorf("%d series: %v", len(series), series)
	}
	if none, _, _, err := c.Series(ctx, []string{"requests_total"}, epoch.Add(-48*time.Hour), epoch.Add(-24*time.Hour)); err != nil || len(none) != 0 {
		t.Errorf("before the run: %v, %v", none, err)
	}

	meta, err := c.Metadata(ctx, "requests_total", "1")
	fatal(err)
	if m := meta["requests_total"]; len(meta) != 1 || len(m) != 1 || m[0].Type != v1.MetricTypeCounter || m[0].Help != "Requests." {
		t.Errorf("metadata %v", meta)
	}
	if meta, err = c.Metadata(ctx, "", ""); err != nil || len(meta) != 2 {
		t.Errorf("metadata %v, %v", meta, err)
	}

	build, err := c.Buildinfo(ctx)
	fatal(err)
	if build.Version != promapi.Version {
		t.Errorf("version %q", build.Version)
	}
	info, err := c.Runtimeinfo(ctx)
	fatal(err)
	if !info.ReloadConfigSuccess || !info.StartTime.Equal(epoch) {
		t.Errorf("runtime %+v", info)
	}
	stats, err := c.TSDB(ctx)
	fatal(err)
	// Two policies with 6 counters, 4 buckets, 3 gauges and 2 of an alert.
	if stats.HeadStats.NumSeries != 30 || stats.SeriesCountByMetricName[0] != (v1.Stat{Name: "requests_total", Value: 12}) {
		t.Errorf("statistics %+v", stats)
	}
	found, err := c.TSDBBlocks(ctx)
	fatal(err)
	if len(found.Blocks) < 4 {
		t.Errorf("blocks %+v", found)
	}
	if pretty, err := c.FormatQuery(ctx, "sum(x)by(y)"); err != nil || strings.Trim(pretty, `"`) != "sum by (y) (x)" {
		t.Errorf("it is formatted as %q, %v", pretty, err)
	}
	_, err = c.WalReplay(ctx)
	fatal(err)
	flags, err := c.Flags(ctx)
	fatal(err)
	if flags["query.timeout"] != "2m" {
		t.Errorf("flags %v", flags)
	}

	// A run scrapes nothing and evaluates no rules any more.
	config, err := c.Config(ctx)
	fatal(err)
	rules, err := c.Rules(ctx, nil)
	fatal(err)
	alerts, err := c.Alerts(ctx)
	fatal(err)
	if len(alerts.Alerts) != 2 || alerts.Alerts[0].State != v1.AlertStateFiring || !alerts.Alerts[0].ActiveAt.Equal(epoch.Add(time.Hour)) {
		t.Errorf("alerts %v", alerts)
	}
	managers, err := c.AlertManagers(ctx)
	fatal(err)
	targets, err := c.Targets(ctx)
	fatal(err)
	described, err := c.TargetsMetadata(ctx, "", "", "")
	fatal(err)
	exemplars, err := c.QueryExemplars(ctx, "requests_total", epoch, end)
	fatal(err)
	if config.YAML != "" || len(rules.Groups)+len(managers.Active)+len(targets.Active)+len(described)+len(exemplars) != 0 {
		t.Errorf("%v %v %v %v %v %v %v", config, rules, alerts, managers, targets, described, exemplars)
	}

	// What would change a server is refused.
	_, err = c.Snapshot(ctx, true)
	for what, err := range map[string]error{
		"snapshot": err, "delete": c.DeleteSeries(ctx, []string{"replicas"}, epoch, end), "clean": c.CleanTombstones(ctx),
	} {
		if err == nil || !strings.Contains(err.Error(), "404") && !strings.Contains(err.Error(), "not_found") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
