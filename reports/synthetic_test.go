package reports_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
)

// synthetic is a run that looks like a real one: a daily and weekly load with noise,
// a flash crowd and a gap, replayed against scalers that are late, generous or early.
type synthetic struct {
	days     int
	name     string            // of the dataset
	rename   map[string]string // policies under other names
	relative bool
	plain    bool // no sweeps, no comparisons, no verdict, no forecasts
}

const (
	perReplica = 50.0
	replicaMax = 30
	hourPrice  = 0.05
)

var syntheticStart = time.Date(2025, time.June, 2, 0, 0, 0, 0, time.UTC)

func (s synthetic) load() []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]float64, s.days*1440)
	noise := 0.0
	for i := range out {
		day, hour := i/1440, float64(i%1440)/60
		v := 120 + 520*math.Pow(math.Sin(math.Pi*(hour-5)/19), 2)*btoa(hour > 5)
		if day%7 >= 5 {
			v = 100 + 0.55*(v-100)
		}
		noise = 0.9*noise + 9*rng.NormFloat64()
		out[i] = max(v+noise+math.Sqrt(v)*0.4*rng.NormFloat64(), 5)
	}
	at := (s.days*3/4)*1440 + 13*60
	for i := at; i < at+90; i++ {
		out[i] += 620 * math.Min(1, float64(i-at)/8) * math.Exp(-float64(max(i-at-8, 0))/45)
	}
	for i := s.days*1440/2 + 100; i < s.days*1440/2+220; i++ {
		out[i] = math.NaN()
	}
	return out
}

func btoa(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// scaler says how a synthetic policy follows the demand.
type scaler struct {
	name, description string
	lag, hold         int     // minutes: behind the demand, before scaling down
	factor            float64 // headroom
}

var scalers = []scaler{
	{"static", "always d(max scored load) replicas", 0, 0, 0},
	{"hpa", "CPU target 70 %, sync 15 s, stabilisation 300 s", 2, 5, 1.3},
	{"v2", "target 60 %, high 80 %, low 30 %, every 30 s", 4, 12, 1.55},
	{"v3", "objective 99.9 %, model auto, season auto", 0, 8, 1.14},
	{"oracle", "the demand of the next start-up delay", -1, 0, 1},
}

func demandOf(load float64) int32 {
	if math.IsNaN(load) {
		return 0
	}
	return int32(math.Ceil(load / perReplica))
}

// supply is the number of ready replicas of sc at minute i.
func (sc scaler) supply(load []float64, i int, top int32) int32 {
	if sc.factor == 0 {
		return top
	}
	best := 0.0
	for k := i - sc.lag - sc.hold; k <= i-sc.lag+max(1-sc.lag, 0); k++ {
		if k >= 0 && k < len(load) && !math.IsNaN(load[k]) {
			best = max(best, load[k])
		}
	}
	return min(max(int32(math.Ceil(sc.factor*best/perReplica)), 2), replicaMax)
}

// folder writes the run into dir and opens it.
func (s synthetic) folder(t testing.TB, dir string) *result.Folder {
	t.Helper()
	dir = filepath.Join(dir, "run")
	w, err := result.NewWriter(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	load := s.load()
	from := len(load) / 4
	top := int32(0)
	for _, v := range load[from:] {
		top = max(top, demandOf(v))
	}
	r := result.Result{
		Schema: result.Schema, Seed: 42, Seeds: 1,
		Dataset: result.Dataset{
			Name: s.name, Start: syntheticStart, End: syntheticStart.Add(time.Duration(len(load)) * time.Minute),
			StepSeconds: 60, Points: len(load), Missing: 120, Unit: "rps", LoadFactor: 1.25,
			ScoredFrom: syntheticStart.Add(time.Duration(from) * time.Minute), Relative: s.relative,
			MaxLoad: 1210, NoiseFloor: 0.021, SeasonSteps: []int{1440, 10080},
		},
		App: result.App{
			Description:        "5 ms CPU (log-normal, CV 1) + 20 ms wait a request, request 500m, limit 1000m, queue 200",
			CapacityPerReplica: perReplica, MinReplicas: 2, MaxReplicas: replicaMax, ReadyP50Seconds: 40, ReadyP95Seconds: 90,
			BestReachableSLA: 0.99998, MaxDemand: top, PricePerReplicaHour: hourPrice,
		},
		SLO: result.SLO{LatencySeconds: 0.25, Objective: 0.999},
		Notes: []string{
			"The load is synthetic: it shows what the report looks like and proves nothing about real traffic.",
			"V3 was the HPA for its first hour, until its capacity curve had data.",
		},
	}
	for _, sc := range scalers {
		name := sc.name
		if n := s.rename[name]; n != "" {
			name = n
		}
		p := result.Policy{Name: name, Kind: sc.name, Description: sc.description}
		file, err := w.Create(result.RunsDir, name, result.TimelineFile)
		if err != nil {
			t.Fatal(err)
		}
		tw := result.NewTimelineWriter(file)
		score(&p, sc, load, from, top, tw.Write)
		tw.Write(result.Row{Time: r.Dataset.End})
		if err := tw.Close(); err != nil {
			t.Fatal(err)
		}
		p.Alerts = []result.Alert{{Name: "HighErrorRate", Firings: sc.lag + 1, Seconds: float64(300 * (sc.lag + 1))}}
		r.Policies = append(r.Policies, p)
		if !s.plain {
			for k := range 7 {
				swept := sc
				swept.factor *= 0.82 + 0.12*float64(k)
				if swept.factor == 0 && k < 3 {
					continue
				}
				q := result.Policy{}
				score(&q, swept, load, from, top-int32(6-k)*btoi(sc.factor == 0), nil)
				r.Runs = append(r.Runs, result.Run{
					Policy: name, Sample: result.EqualSLA, Knob: "headroom", Value: result.Number(float64(k)),
					AtObjective: q.SLA.RequestsGood >= 0.999, SLA: q.SLA, Provisioning: q.Provisioning, Cost: q.Cost, Scaling: q.Scaling,
				})
			}
		}
	}
	if !s.plain {
		addComparisons(&r)
		addForecasts(t, &r, w, load)
	}
	if err := w.WriteFile([]byte("apiVersion: autoscaling.hindcast.dev/v1alpha1\nkind: Experiment\nspec:\n  datasets:\n  - name: "+s.name+"\n"), result.ExperimentFile); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteJSON(r, result.ResultFile); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	f, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func btoi(b bool) int32 { return int32(btoa(b)) }

// score runs sc over load and fills in p's measures by their definitions.
func score(p *result.Policy, sc scaler, load []float64, from int, top int32, emit func(result.Row)) {
	var over, under, tOver, tUnder, minutes, good, all, podHours, ok float64
	last, actions, reversals, direction := int32(0), 0, 0, int32(0)
	rng := rand.New(rand.NewPCG(3, uint64(sc.lag+100)))
	for i, l := range load {
		d, s := demandOf(l), sc.supply(load, i, top)
		desired := sc.supply(load, min(i+1, len(load)-1), top)
		row := result.Row{
			Time: syntheticStart.Add(time.Duration(i) * time.Minute), Load: l, Demand: d, Desired: desired, Ready: s,
			P99: math.NaN(), PodHours: float64(s) / 60, NodeHours: float64(s) / 240,
		}
		if !math.IsNaN(l) {
			use := l / (float64(s) * perReplica)
			n := 60 * l
			bad := n * 1e-5 * (1 + rng.Float64())
			if use > 0.98 {
				bad += n * min((use-0.98)*2, 1)
			}
			row.Good, row.Bad, row.Errors = n-bad, bad, bad/3
			row.P99 = 0.035 * (1 + 0.1*rng.Float64()) / max(1-0.8*use, 0.02)
		}
		if emit != nil {
			emit(row)
		}
		if i < from {
			last = s
			continue
		}
		if s != last {
			actions++
			if now := sign(s - last); now != direction {
				reversals++
				direction = now
			}
			last = s
		}
		podHours += row.PodHours
		good, all = good+row.Good, all+row.Good+row.Bad
		if d > 0 {
			minutes++
			over += float64(max(s-d, 0)) / float64(d)
			under += float64(max(d-s, 0)) / float64(d)
			tOver += btoa(s > d)
			tUnder += btoa(s < d)
			ok += btoa(row.Good >= 0.999*(row.Good+row.Bad))
		}
	}
	n := func(v float64) result.Number { return result.Number(v) }
	share := good / all
	p.SLA = result.SLA{RequestsGood: n(share), MinutesGood: n(ok / minutes), Availability: n(1), ErrorBudgetSpent: n((1 - share) / 0.001)}
	p.Latency = result.Latency{P50: 0.024, P95: 0.061, P99: n(0.09 + 0.03*float64(sc.lag))}
	p.Provisioning = result.Provisioning{
		ThetaOver: n(over / minutes), ThetaUnder: n(under / minutes), TauOver: n(tOver / minutes), TauUnder: n(tUnder / minutes),
		Instability: n(0.07), IdleReplicaHours: n(8.4),
	}
	p.Cost = result.Cost{PodHours: n(podHours), NodeHours: n(podHours / 4), Price: n(podHours * hourPrice)}
	p.Scaling = result.Scaling{Actions: actions, Reversals: reversals, ScaleUpSeconds: result.ScaleUpSeconds{
		N: 214, Mean: n(float64(60 * max(sc.lag, 0))), P50: n(float64(55 * max(sc.lag, 0))), P95: result.Undefined(),
	}}
	if sc.lag > 0 {
		p.Scaling.ScaleUpSeconds.P95 = n(float64(110 * sc.lag))
	}
}

func sign(v int32) int32 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

func addComparisons(r *result.Result) {
	candidate := r.Policies[3]
	for _, sample := range []string{result.EqualSLA, result.EqualSLAPast, result.EqualCost, result.AsConfigured} {
		for i, p := range r.Policies {
			if i == 3 {
				continue
			}
			reduction := 1 - float64(candidate.Cost.Price)/float64(p.Cost.Price)
			iv := func(v, width float64) *result.Interval {
				return &result.Interval{result.Number(v - width), result.Number(v + width)}
			}
			c := result.Comparison{
				Candidate: candidate.Name, Baseline: p.Name, Sample: sample, AtObjective: p.Kind != "v2", SLA: 0.999,
				OverProvisioningReduction: result.Number(1.4 * reduction), ScaleUpTimeReduction: result.Undefined(),
				CostReduction: result.Number(reduction), SLADifference: 0.0004,
				Confidence: result.Confidence{Level: 0.95, OverProvisioning: iv(1.4*reduction, 0.06), Cost: iv(reduction, 0.03), SLA: iv(0.0004, 0.0003)},
			}
			if p.Kind == "v2" || p.Kind == "hpa" {
				c.ScaleUpTimeReduction = 0.81
				c.Confidence.ScaleUpTime = iv(0.81, 0.04)
			}
			if sample == result.AsConfigured {
				c.SLA = result.Undefined()
			}
			r.Comparisons = append(r.Comparisons, c)
		}
	}
	r.Verdict = &result.Verdict{
		Candidate: candidate.Name, Baseline: r.Policies[2].Name, Outcome: result.Better, AtObjective: true,
		Sentence: candidate.Name + " serves 99.9 % of requests in time for 22 % (19 to 25) less money than " +
			r.Policies[2].Name + " and over-provisions 31 % (25 to 37) less.",
	}
}

func addForecasts(t testing.TB, r *result.Result, w *result.Writer, load []float64) {
	t.Helper()
	models := []struct {
		name        string
		base, slope float64
	}{{"auto", 0.955, 0.0006}, {"mstl", 0.95, 0.0007}, {"trees", 0.948, 0.0009}, {"naive", 0.953, 0.0042}, {"seasonal-naive", 0.915, 0}}
	for _, m := range models {
		for _, minutes := range []int{1, 2, 5, 10, 15, 30, 60} {
			acc := m.base - m.slope*float64(minutes)
			r.Forecasts = append(r.Forecasts, result.Forecast{
				Model: m.name, HorizonSeconds: 60 * minutes, N: len(load) * 3 / 4, Accuracy: result.Number(acc), WAPE: result.Number(1 - acc),
				MASE: result.Number(10 * (1 - acc)), RMSSE: result.Number(9 * (1 - acc)), Pinball: 6.1, Coverage80: 0.81, Coverage95: 0.948, Bias: -0.4,
			})
		}
	}
	var rows []result.ForecastRow
	for i := len(load) - 4*1440; i < len(load); i++ {
		prev := load[max(i-3, 0)]
		day := load[i-1440]
		point := 0.6*prev + 0.4*day
		band := 25 + 0.04*point
		rows = append(rows, result.ForecastRow{
			Time: syntheticStart.Add(time.Duration(i) * time.Minute), Actual: load[i], Point: point,
			Lower80: point - band, Upper80: point + band, Lower95: point - 1.6*band, Upper95: point + 1.6*band,
		})
	}
	file, err := w.Create(result.ForecastsDir, "auto.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	if err := result.WriteForecasts(file, rows); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
