package reports

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/backtest/result"
)

func sla(good float64) result.SLA { return result.SLA{RequestsGood: result.Number(good)} }

func price(v float64) result.Cost {
	return result.Cost{Price: result.Number(v), PodHours: result.Number(10 * v)}
}

func TestFrontiers(t *testing.T) {
	r := &result.Result{
		SLO:      result.SLO{Objective: 0.999},
		Policies: []result.Policy{{Name: "hpa", SLA: sla(0.75), Cost: price(3)}, {Name: "v3", SLA: sla(1), Cost: price(2)}},
		Runs: []result.Run{
			{Policy: "v3", Sample: result.EqualSLA, Value: 2, SLA: sla(0.5), Cost: price(1)},
			{Policy: "hpa", Sample: result.EqualSLA, Value: 70, SLA: sla(0.75), Cost: price(3)},
			{Policy: "hpa", Sample: result.EqualSLA, Value: 50, SLA: sla(0.875), Cost: price(4)},
			{Policy: "hpa", Sample: result.EqualSLA, Value: 60, SLA: result.SLA{RequestsGood: result.Undefined()}, Cost: price(4)},
			{Policy: "hpa", Sample: result.EqualSLAPast, Value: 55, SLA: sla(0.9), Cost: price(9)},
		},
	}
	want := []frontier{
		{configured: xy{0.25, 3}, sweep: []xy{{0.125, 4}, {0.25, 3}}},
		{configured: xy{0, 2}, sweep: []xy{{0.5, 1}}},
	}
	allow := cmp.AllowUnexported(frontier{}, xy{})
	if diff := cmp.Diff(want, frontiers(r), allow); diff != "" {
		t.Errorf("by knob, without the warm-up's sweep and undefined points: %s", diff)
	}
	for i := range r.Policies {
		r.Policies[i].Cost.Price = result.Undefined()
	}
	if got := frontiers(r)[0].configured; got.y != 30 {
		t.Errorf("without prices drawn at %v, want 30 pod-hours", got.y)
	}
	if fig := frontierFigure(&result.Result{Policies: []result.Policy{{Name: "x", Cost: result.Cost{PodHours: result.Undefined()}}}}); fig != nil {
		t.Error("a frontier without a point is drawn")
	}
}

func TestAccuracyCurves(t *testing.T) {
	r := &result.Result{Forecasts: []result.Forecast{
		{Model: "naive", HorizonSeconds: 600, Accuracy: 0.5},
		{Model: "auto", HorizonSeconds: 600, Accuracy: 0.9},
		{Model: "naive", HorizonSeconds: 60, Accuracy: 0.75},
		{Model: "auto", HorizonSeconds: 60, Accuracy: result.Undefined()},
	}}
	want := []accuracyCurve{{"naive", []xy{{1, 0.75}, {10, 0.5}}}, {"auto", []xy{{10, 0.9}}}}
	if diff := cmp.Diff(want, accuracyCurves(r), cmp.AllowUnexported(accuracyCurve{}, xy{})); diff != "" {
		t.Error(diff)
	}
}

// writeTimeline writes one policy's timeline with a row a minute.
func writeTimeline(t *testing.T, dir, policy string, start time.Time, rows []result.Row) {
	t.Helper()
	w, err := result.NewWriter(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	file, err := w.Create(result.RunsDir, policy, result.TimelineFile)
	if err != nil {
		t.Fatal(err)
	}
	tw := result.NewTimelineWriter(file)
	for i, r := range rows {
		r.Time = start.Add(time.Duration(i) * time.Minute)
		tw.Write(r)
	}
	tw.Write(result.Row{Time: start.Add(time.Duration(len(rows)) * time.Minute)})
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// What is drawn between ready and demand must be the replica-hours of the scored
// part above and below the demand, and nothing of the warm-up.
func TestAreasAreThoseOfTheScoredPart(t *testing.T) {
	start := time.Date(2025, time.June, 2, 0, 0, 0, 0, time.UTC)
	const minutes, warm = 4000, 1000
	rows := make([]result.Row, minutes)
	over, under, most := 0.0, 0.0, 0.0
	for i := range rows {
		d := int32(10 + 8*math.Sin(float64(i)/200) + float64(i*7%5))
		s := int32(10 + 8*math.Sin(float64(i-25)/200))
		rows[i] = result.Row{Load: float64(50 * d), Demand: d, Ready: s, Desired: s + 1, P99: 0.1}
		most = max(most, rows[i].Load)
		if i == 17 {
			rows[i].Ready, rows[i].P99 = 1000, 99 // in the warm-up
		}
		if i >= warm {
			over += float64(max(s-d, 0)) / 60
			under += float64(max(d-s, 0)) / 60
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	writeTimeline(t, dir, "v3", start, rows)
	f := &result.Folder{Dir: dir, Result: result.Result{
		Dataset:  result.Dataset{Start: start, ScoredFrom: start.Add(warm * time.Minute), End: start.Add(minutes * time.Minute)},
		Policies: []result.Policy{{Name: "v3"}, {Name: "gone"}},
	}}
	run, err := readTimelines(f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"gone"}, run.missing); diff != "" {
		t.Error(diff)
	}
	k := run.policies[0].scored
	demand := k.demand.means()
	for _, c := range []struct {
		name      string
		low, high []xy
		want      float64
	}{
		{"over", demand, shifted(demand, k.over, 1), over},
		{"under", shifted(demand, k.under, -1), demand, under},
	} {
		area := 0.0
		for i := 0; i < len(c.low); i += 2 {
			area += (c.high[i].y - c.low[i].y) * (c.low[i+1].x - c.low[i].x) / 3600
		}
		if math.Abs(area-c.want) > 1e-6*c.want {
			t.Errorf("%s-provisioned area is %v replica-hours, the timeline has %v", c.name, area, c.want)
		}
	}
	if top := highest(k.ready); top > 30 {
		t.Errorf("%v replicas are drawn, which were there in the warm-up only", top)
	}
	if _, high, _ := run.load.extent(); high != most {
		t.Errorf("highest load drawn is %v, want %v", high, most)
	}
}

func TestPolicyPensTellPoliciesApart(t *testing.T) {
	r := &result.Result{}
	for _, name := range []string{"static", "hpa", "v2", "v3", "keda", "schedule", "lookback", "phpa", "crane", "aws", "oracle"} {
		r.Policies = append(r.Policies, result.Policy{Name: name, Kind: name})
	}
	type look struct {
		r, g, b, a uint32
		dash       string
	}
	seen := map[look]string{}
	for i, p := range policyPens(r) {
		var l look
		l.r, l.g, l.b, l.a = p.color.RGBA()
		for _, d := range p.dash {
			l.dash += decimal(d.Points()) + " "
		}
		name := r.Policies[i].Name
		if other, ok := seen[l]; ok {
			t.Errorf("%s and %s look the same", name, other)
		}
		seen[l] = name
		_, inInk := p.color.(ink)
		if want := name == "static" || name == "oracle"; inInk != want {
			t.Errorf("%s: drawn in ink is %v, want %v", name, inInk, want)
		}
		if solid := len(p.dash) == 0; solid != (name == "v3") {
			t.Errorf("%s: solid is %v", name, solid)
		}
	}
}
