package backtest

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/policy"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// season is that of wave, in steps of a minute.
const season = 40

// wave is a load of one season that rises a little lower every time, and falls a little later: a model that takes it
// to be as one season before is right by and large, above it on the way up and below on the way down.
func wave(minute int) float64 {
	cycle, x := float64(minute/season), float64(minute%season)/(season/2)
	if x < 1 {
		return 100 + 400*x*math.Pow(0.96, cycle)
	}
	return 100 + 400*math.Pow(0.96, cycle)*(1-math.Pow(x-1, 1+0.3*cycle))
}

// seer is a scaler on the load at the ingress, with a model of one rule.
func seer(t *testing.T, e *env, model string) *entrant {
	t.Helper()
	s := onTheLoad(t, e, "{type: Scale}")
	s.Spec.Forecast.Model, s.Spec.Forecast.Season, s.Spec.Forecast.Quantile = model, "40m", "0.9"
	s.Spec.Safety.DemoteWhenSkillBelow = "0"
	return entrantOf(t, e, "seer", s)
}

// A mind is what a scaler knew and did, as it stands at every scrape.
type mind struct {
	policy *policy.V3
	log    decisions
	scenes []snapshot
	heads  map[string][]float64 // quantiles of the highest load within the lead, by level

	last   []*autoscaler.Record // the newest decision; nil: none yet
	wishes []float64            // the replicas of the newest that was not skipped; NaN: none yet
	seen   []float64            // the newest load; NaN: none that counts
	counts map[string][]float64 // how often what had happened

	steps  []float64 // the load that decisions saw, once a minute; NaN: none
	uppers []float64 // what was expected then, at quantile 0.9
}

// watched returns the entrant whose policy the mind gets to see.
func (m *mind) watched(ent *entrant) *entrant {
	m.heads, m.counts = map[string][]float64{}, map[string][]float64{}
	same := *ent
	same.build = func(v float64) (setup, error) {
		s, err := ent.build(v)
		if err == nil {
			m.policy = s.policy.(*policy.V3)
		}
		return s, err
	}
	return &same
}

// levels are the quantiles that are shown of a scaler that plans with 0.9.
var seerLevels = []float64{0.5, 0.8, 0.9, 0.95}

// follow lets it be seen at every scrape what the policy expects.
func (m *mind) follow(e *env) watching {
	return watching{decisions: &m.log, world: func(w *sim.World) {
		w.Every(e.load.Start, e.scrape, sim.Observe, func() {
			lead := m.policy.Status(nil, w.Now())[0].Horizons[0]
			for _, q := range seerLevels {
				level := strconv.FormatFloat(q, 'g', -1, 64)
				m.heads[level] = append(m.heads[level], lead.Upper(q))
			}
		})
	}}
}

func (m *mind) look(seen snapshot, _ *sim.World, _ *promdb.DB, _ *promdb.View) {
	m.scenes = append(m.scenes, seen)
}

// read goes through the log as somebody would who has nothing else.
func (m *mind) read(scrape time.Duration) {
	sum, demoted, newest, wish, at, next := map[string]float64{}, false, math.NaN(), math.NaN(), time.Time{}, 0
	var last *autoscaler.Record
	for _, scene := range m.scenes {
		for ; next < len(m.log.all) && m.log.all[next].Time.Before(scene.at); next++ {
			last = &m.log.all[next]
			word, _, _ := strings.Cut(last.Reason, ":")
			sum[word]++
			sum["scaling"] += truth(last.Error != "")
			if last.Skipped {
				continue
			}
			wish = float64(last.Replicas)
			if v := last.Values[0]; v.Error != "" {
				sum["queries of requests"]++
			} else if v.Value != nil {
				newest, at = *v.Value, last.Time
			}
			if last.Time.Sub(at) >= 2*time.Minute { // StaleAfter
				newest = math.NaN()
			}
			if f := last.Forecast; f != nil {
				is := strings.Contains(f.Model, "demoted")
				sum["demotions"] += truth(is && !demoted)
				demoted = is
			}
		}
		m.last, m.wishes, m.seen = append(m.last, last), append(m.wishes, wish), append(m.seen, newest)
		for _, what := range seerCounts {
			m.counts[what] = append(m.counts[what], sum[what])
		}
	}
	// V3 decides every 30 s and takes a step every minute; the next scrape shows what it expects then.
	for i := 0; i < len(m.log.all); i += 2 {
		y := math.NaN()
		if v := m.log.all[i].Values; len(v) > 0 && v[0].Value != nil {
			y = *v[0].Value
		}
		m.steps = append(m.steps, y)
		if shown := i/2*int(time.Minute/scrape) + 1; shown < len(m.scenes) {
			m.uppers = append(m.uppers, m.heads["0.9"][shown])
		}
	}
}

var seerCounts = []string{
	"CPUFloor", "FailedGetScale", "Gap", "Learning", "ScaleDown", "ScaleUp", "ScalingDisabled", "Stale", "Steady",
	"queries of requests", "scaling", "demotions",
}

// increased is what increase says of a counter with these values at each scrape, over a window that ends decisionPhase after
// the newest: see rate.
func increased(values []float64, each, window time.Duration) float64 {
	seen := values[max(0, len(values)-int(window/each)):]
	var start time.Time
	sampled := time.Duration(len(seen)-1) * each
	if len(seen) < int(window/each) { // The counter is younger than the window, and began at 0.
		r := seen[len(seen)-1] - seen[0]
		return r * (sampled + decisionPhase).Seconds() / sampled.Seconds()
	}
	return window.Seconds() * rate(seen[0], seen[len(seen)-1], start, start.Add(sampled), window)
}

// accuracy is 1 - WAPE after so many steps of the load one season before as the forecast, which is made so far ahead for
// the first time once an hour has been seen.
func (m *mind) accuracy(steps, ahead int) float64 {
	first := slices.IndexFunc(m.steps, func(y float64) bool { return !math.IsNaN(y) }) + 59 + ahead
	missed, all, n := 0., 0., 0
	for k := first; k < steps; k++ {
		missed, all, n = missed+math.Abs(m.steps[k]-m.steps[k-season]), all+m.steps[k], n+1
	}
	if n < 60 {
		return math.NaN()
	}
	return 1 - missed/all
}

// loss is the mean pinball loss, after so many steps, of the quantile 0.9 of the highest load within the next.
func (m *mind) loss(steps, next int) (mean float64, n int) {
	for k := range steps - next {
		if upper := m.uppers[k]; !math.IsNaN(upper) {
			e := slices.Max(m.steps[k+1:k+1+next]) - upper
			mean += max(0.9*e, (0.9-1)*e)
			n++
		}
	}
	return mean / float64(n), n
}

// panelsOfAScaler are hours of a scaler that forecasts well at first, then sees nothing, is refused by the API server,
// and at last has a model that is wrong. Its panels show what its decisions say, and what follows from them by the
// definitions: a model of one rule can be judged by hand.
func panelsOfAScaler(t *testing.T, compared map[string]int) {
	t.Helper()
	const trouble = 4 * time.Hour // from here on
	load := hours(8, func(minute int) float64 {
		if minute >= 5*60+20 {
			return wave(minute - season/2) // the model expects troughs where peaks are
		}
		return wave(minute)
	})
	change := func(spec *v1alpha1.ExperimentSpec) {
		spec.MaxReplicas = 20
		spec.Cluster.Faults = []v1alpha1.ClusterFault{
			{Kind: v1alpha1.FaultScrapeOutage, Job: metricnames.JobIngress, At: "4h", Duration: lasting(10 * time.Minute)},
			{Kind: v1alpha1.FaultAPIErrors, At: "4h30m", Duration: lasting(10 * time.Minute)},
			{Kind: v1alpha1.FaultAPIErrors, At: "4h50m", Duration: lasting(10 * time.Minute), Requests: v1alpha1.RequestsAll},
		}
	}
	e := testEnv(t, load, change)
	naive := mind{} // what last value would have forecast of the same load
	watchWith(t, e, naive.watched(seer(t, e, "naive")), naive.follow(e), naive.look)
	naive.read(e.scrape)
	m := mind{}
	looks := 0
	seer := m.watched(seer(t, e, "seasonal-naive"))
	watched := m.follow(e)
	watched.after = func(db *promdb.DB) {
		m.read(e.scrape)
		check := panelCheck{compared: compared, values: map[string]string{
			"namespace": e.namespace, "deployment": e.app, "scaler": e.app, "metric": "requests", "policy": ".*", "price": "0.05", "__range": "1h",
		}}
		horizons := m.policy.Status(nil, e.load.End())[0].Horizons
		check.values["horizon"] = promdb.FormatDuration(horizons[0].Horizon)
		for i := range m.scenes {
			after := m.scenes[i].at.Sub(e.load.Start)
			if i < 2 || i%7 != 0 && (after < trouble || after > trouble+time.Hour) {
				continue
			}
			looks++
			want := m.panels(i, e.scrape, horizons[0].Horizon)
			if after < trouble {
				maps.Copy(want, m.judgement(&naive, int((after-decisionPhase)/time.Minute)+1, horizons))
			}
			check.look(t, db, m.scenes[i].at.Add(decisionPhase), want, rounding, func(title string) bool {
				return title != "Replicas" && (title != "Accuracy and skill" || after < trouble)
			})
		}
	}
	watchWith(t, e, seer, watched, m.look)
	for _, what := range []string{"FailedGetScale", "Gap", "Stale", "queries of requests", "scaling", "demotions"} {
		if n := m.counts[what]; n[len(n)-1] == 0 {
			t.Errorf("no %s", what)
		}
	}
	for _, line := range []string{"Forecast accuracy/", "Forecast skill/", "What was expected, and what came/expected, quantile 0.5"} {
		if compared[line] < 20 {
			t.Errorf("%s was compared %d times", line, compared[line])
		}
	}
	own, n := m.loss(len(m.steps)/2, 3)
	t.Logf("%d looks; accuracy %v; loss %v of %d", looks, m.accuracy(len(m.steps)/2, 3), own, n)
}

// panels are those that show the newest decision, and what was counted, at scrape i.
func (m *mind) panels(i int, scrape, horizon time.Duration) map[string]panelLines {
	scene, last, wish := &m.scenes[i], m.last[i], m.wishes[i]
	ago := int(horizon / scrape)
	counted := func(window time.Duration, what string) float64 {
		return increased(m.counts[what][:i+1], scrape, window)
	}
	highest := math.NaN()
	for _, y := range m.seen[max(0, i+1-ago) : i+1] {
		if !(y <= highest) && !math.IsNaN(y) {
			highest = y
		}
	}
	made, expected := panelLines{"observed": m.seen[i]}, panelLines{"highest that came": highest}
	for level, heads := range m.heads {
		made["quantile "+level] = heads[i]
		if i >= ago {
			expected["expected, quantile "+level] = heads[i-ago]
		}
	}
	// What the log says was expected is the quantile that is planned with, unless the load outruns all that was seen.
	surges := func(p autoscaler.ProposalEntry) bool { return strings.Contains(p.Detail, "surging") }
	if f := last.Forecast; f != nil && !slices.ContainsFunc(last.Proposals, surges) {
		made["quantile 0.9"] = *f.Upper
	}
	reasons := panelLines{"FailedGetScale": counted(5*time.Minute, "FailedGetScale")}
	for _, reason := range policy.V3Reasons() {
		reasons[reason] = counted(5*time.Minute, reason)
	}
	var hours, saved float64
	for _, j := range minutesBefore(i, scrape) {
		hours += float64(m.scenes[j].status) / 60
		if wished := m.wishes[j]; !math.IsNaN(wished) { // Before its first decision nothing can be said.
			saved += (float64(m.scenes[j].spec) - wished) / 60
		}
	}
	return map[string]panelLines{
		"Desired by the scaler": {"": wish},
		"Would do, and runs":    {"V3 would have": wish, "runs": float64(scene.spec)},
		"Difference":            {"": wish - float64(scene.spec)},
		"Replicas": {
			"asked for": float64(scene.spec), "ready": float64(scene.ready), "desired by the scaler": wish, "fewest": 1, "most": 20,
		},
		"Mode":                             {"Active": 1, "Shadow": 0, "Paused": 0},
		"Stale, and demotions":             {"stale": truth(m.stale(i)), "demotions": counted(time.Hour, "demotions")},
		"Errors":                           {"queries of requests": counted(5*time.Minute, "queries of requests"), "scaling": counted(5*time.Minute, "scaling")},
		"Time to decide":                   {"": 0.99 * 0.001}, // no simulated time: all are in the first bucket, which ends at 1 ms
		"Load, and the forecast made now":  made,
		"What was expected, and what came": expected,
		"Reasons":                          reasons,
		"Replica-hours":                    {"": hours},
		"Cost":                             {"": hours * 0.05},
		"Replica-hours that it would save": {"": saved},
	}
}

// stale reports whether the newest decision that was one had no current data.
func (m *mind) stale(i int) bool {
	for i > 0 && m.last[i].Skipped {
		i--
	}
	return strings.HasPrefix(m.last[i].Reason, "Stale")
}

// judgement are the panels that say how good the forecasts of so many steps were.
func (m *mind) judgement(naive *mind, steps int, horizons []policy.V3Horizon) map[string]panelLines {
	in := func(h policy.V3Horizon) int { return int(h.Horizon / time.Minute) }
	skill := math.NaN()
	own, n := m.loss(steps, in(horizons[0]))
	if other, _ := naive.loss(steps, in(horizons[0])); n >= 60 {
		skill = 1 - own/other
	}
	all := panelLines{"skill": skill}
	for _, h := range horizons {
		all["accuracy "+promdb.FormatDuration(h.Horizon)+" ahead"] = m.accuracy(steps, in(h))
	}
	return map[string]panelLines{
		"Forecast accuracy":  {"": m.accuracy(steps, in(horizons[0]))},
		"Forecast skill":     {"": skill},
		"Accuracy and skill": all,
	}
}

// minutesBefore are the scrapes that a subquery of an hour with a step of a minute sees after scrape i: those of its whole
// minutes.
func minutesBefore(i int, scrape time.Duration) (all []int) {
	every := int(time.Minute / scrape)
	for j := i / every * every; j >= 0 && len(all) < 60; j -= every {
		all = append(all, j)
	}
	return all
}
