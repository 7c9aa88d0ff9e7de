package liveread_test

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/internal/livetest"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live/liveread"
	"hindcast.dev/live/liveview"
	"hindcast.dev/live/promclient"
	"hindcast.dev/promdb"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func hour(h float64) time.Time { return start.Add(time.Duration(h * float64(time.Hour))) }

// story is a day of a shop in Shadow, but for an hour of Paused and the last hours, in which
// it is active; its controller changes pods twice, begins anew once and is not scraped for
// half an hour.
func story() livetest.Story {
	load := func(at time.Time) float64 {
		return 100 + 80*math.Sin(2*math.Pi*(at.Sub(start).Hours()-8)/24) + float64(at.Unix()/30%7)
	}
	within := func(at time.Time, from, to float64) bool { return !at.Before(hour(from)) && at.Before(hour(to)) }
	lead := 3 * time.Minute
	s := livetest.Story{
		Namespace: "shop", Scaler: "web", Start: start, End: hour(24), PerReplica: 10, Lead: lead, Load: load,
		Pods: []livetest.Pod{
			{Name: "a", Span: livetest.Span{From: start, To: hour(7.25)}},
			{Name: "b", Span: livetest.Span{From: hour(7.25).Add(45 * time.Second), To: hour(11)}},
			{Name: "b", Span: livetest.Span{From: hour(11).Add(time.Minute), To: hour(15.5)}}, // its container began anew
			{Name: "c", Span: livetest.Span{From: hour(15.5), To: hour(24)}},
		},
		Unscraped: []livetest.Span{{From: hour(12), To: hour(12.5)}},
		Mode: func(at time.Time) string {
			if at.Before(hour(20)) {
				return "Shadow"
			}
			return "Active"
		},
		Decided: func(at time.Time) int { return int(math.Ceil(load(at.Add(lead))/10)) + 1 },
		Ran: func(at time.Time) int {
			if at.Before(hour(20)) {
				return int(math.Ceil(load(at.Add(-90*time.Minute)) / 8))
			}
			return int(math.Ceil(load(at.Add(lead))/10)) + 1
		},
		Stale:    func(at time.Time) bool { return within(at, 4, 4.25) },
		Accuracy: func(at time.Time) float64 { return known(at, 1, 0.9+0.05*math.Sin(at.Sub(start).Hours())) },
		Skill:    func(at time.Time) float64 { return known(at, 1, math.Sin(at.Sub(start).Hours()/4)) },
		Quantiles: map[string]func(time.Time) float64{
			"0.5":  func(at time.Time) float64 { return known(at, 0.5, load(at.Add(lead))) },
			"0.95": func(at time.Time) float64 { return known(at, 0.5, load(at.Add(lead))+4) },
			"0.99": func(at time.Time) float64 { return known(at, 0.5, load(at)+20) },
		},
		Reason: func(at time.Time) string {
			switch {
			case at.Before(hour(0.5)):
				return "Learning"
			case within(at, 4, 4.25):
				return "Stale"
			case load(at) < load(at.Add(lead)):
				return "ScaleUp"
			}
			return "Steady"
		},
		Demoted: []time.Time{hour(9), hour(13), hour(13.5)},
	}
	return s
}

// known is v from so many hours on, and NaN before.
func known(at time.Time, from, v float64) float64 {
	if at.Before(hour(from)) {
		return math.NaN()
	}
	return v
}

// serve runs a real Prometheus server over the samples of stories.
func serve(t *testing.T, from, to time.Time, stories ...livetest.Story) (*promclient.Client, livetest.Truth) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	db, err := promdb.Open(promdb.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	type sample struct {
		series *promdb.Series
		at     time.Time
		v      float64
	}
	var all []sample
	series := map[string]*promdb.Series{}
	var truth livetest.Truth
	for i, s := range stories {
		told, err := s.Write(from, to, func(name string, labels map[string]string, at time.Time, v float64) error {
			key := name + promtest.Key(labels)
			one, ok := series[key]
			if !ok {
				var ls []promdb.Label
				for n, v := range labels {
					ls = append(ls, promdb.Label{Name: n, Value: v})
				}
				slices.SortFunc(ls, func(a, b promdb.Label) int { return strings.Compare(a.Name, b.Name) })
				var err error
				if one, err = db.Series(name, ls...); err != nil {
					return err
				}
				series[key] = one
			}
			all = append(all, sample{one, at, v})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			truth = told
		}
	}
	slices.SortStableFunc(all, func(a, b sample) int { return a.at.Compare(b.at) })
	for i, s := range all {
		if math.IsNaN(s.v) {
			err = db.Stale(s.series, s.at)
		} else {
			err = db.Append(s.series, s.at, s.v)
		}
		if err == nil && (i+1 == len(all) || all[i+1].at.After(s.at)) {
			err = db.Commit(s.at)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Finish(), db.Close()); err != nil {
		t.Fatal(err)
	}
	client, err := promclient.New(promclient.Config{URL: promtest.Start(t, dir).URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client, truth
}

func read(t *testing.T, c *promclient.Client, ask liveread.Ask) *liveview.View {
	t.Helper()
	v, err := liveread.Read(t.Context(), c, ask)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// ask is for the whole day, from a minute after its begin.
func ask(step time.Duration) liveread.Ask {
	return liveread.Ask{Namespace: "shop", Name: "web", From: start, To: hour(24).Add(-livetest.Every), Step: step}
}

func total(all []liveview.Events, name string) float64 {
	for _, e := range all {
		if e.Name == name {
			return e.Total
		}
	}
	return math.NaN()
}

// near compares within rounding of sums.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-6*max(1, math.Abs(want))) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// matches holds sums, reasons and events against the truth.
func matches(t *testing.T, v *liveview.View, truth livetest.Truth) {
	t.Helper()
	for _, mode := range []string{"Shadow", "Active"} {
		at := slices.IndexFunc(v.Sums, func(s liveview.Sums) bool { return s.Mode == mode })
		if at < 0 {
			t.Fatalf("no sums of %s", mode)
		}
		s := v.Sums[at]
		near(t, mode+": replica-hours", s.ReplicaHours, truth.ReplicaSeconds[mode]/3600)
		near(t, mode+": decided replica-hours", s.DecidedReplicaHours, truth.DecidedReplicaSeconds[mode]/3600)
		near(t, mode+": hours short", s.ShortHours, truth.ShortSeconds[mode]/3600)
		near(t, mode+": decided hours short", s.DecidedShortHours, truth.DecidedShortSeconds[mode]/3600)
	}
	for reason, n := range truth.Reasons {
		near(t, "decisions by reason "+reason, total(v.Reasons, reason), n)
	}
	near(t, "failed queries", total(v.QueryErrors, "requests"), truth.Failed)
	near(t, "demotions", v.Demotions.Total, truth.Demotions)
	near(t, "scale errors", v.ScaleErrors.Total, 0)
	near(t, "time to decide", v.DecisionSeconds, 0.25)
}

// TestFigures holds every figure against what was counted decision by decision, over a
// change of pods, a restart and a gap, with and without markers of where series end, and
// however the steps are.
func TestFigures(t *testing.T) {
	for name, change := range map[string]func(*livetest.Story){
		"staleness markers":    func(*livetest.Story) {},
		"no staleness markers": func(s *livetest.Story) { s.Endless = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := story()
			change(&s)
			a := ask(livetest.Every)
			c, truth := serve(t, a.From, a.To, s)
			v := read(t, c, a)
			matches(t, v, truth)
			a.Step = time.Minute
			a.To = a.To.Truncate(time.Minute)
			minutes := read(t, c, a)
			for i, sums := range minutes.Sums {
				// Of each of the four lives half a minute may be lost, of 25 replicas.
				if math.Abs(sums.ReplicaHours-v.Sums[i].ReplicaHours) > 4*25.0/120 || sums.Mode != v.Sums[i].Mode {
					t.Errorf("by the minute %+v, by half minutes %+v", sums, v.Sums[i])
				}
			}
			if len(v.Missing) > 0 {
				t.Errorf("missing: %v", v.Missing)
			}
			checkSeries(t, s, v)
			if got := v.Verdict; got.Mode != "Shadow" || got.Cost != liveview.Less || got.Short != liveview.Less {
				t.Errorf("verdict %+v, want one of less cost and less time short", got)
			}
		})
	}
}

// TestRestartsInARow: counters that begin anew are soon above what they were, each of them: that
// they did shows in the count of all decisions only.
func TestRestartsInARow(t *testing.T) {
	for name, change := range map[string]func(*livetest.Story){
		"staleness markers":    func(*livetest.Story) {},
		"no staleness markers": func(s *livetest.Story) { s.Endless = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := story()
			change(&s)
			s.Pods, s.Unscraped = nil, nil
			for at := start; at.Before(s.End); {
				ends := at.Add(time.Duration(1+len(s.Pods)%7) * 2 * time.Minute)
				if len(s.Pods) == 40 || ends.After(s.End) {
					ends = s.End
				}
				s.Pods = append(s.Pods, livetest.Pod{Name: "a", Span: livetest.Span{From: at, To: ends}})
				at = ends.Add(7 * time.Minute) // longer than a sample lasts without a marker
				if len(s.Pods)%2 == 0 {
					at = ends.Add(time.Minute)
				}
			}
			a := ask(livetest.Every)
			c, truth := serve(t, a.From, a.To, s)
			v := read(t, c, a)
			for _, e := range v.Reasons {
				// Without a marker a counter that comes back within five minutes at what it was
				// cannot be told from one that did not: its first decisions are lost.
				lost := 0.0
				if s.Endless {
					lost = float64(len(s.Pods))
				}
				if want := truth.Reasons[e.Name]; e.Total > want || e.Total < want-lost {
					t.Errorf("%v decisions by reason %s, want %v", e.Total, e.Name, want)
				}
			}
		})
	}
}

// checkSeries compares gauges step by step, and the forecasts with the load by hand.
func checkSeries(t *testing.T, s livetest.Story, v *liveview.View) {
	t.Helper()
	visible := func(at time.Time) bool {
		in := func(p livetest.Span) bool { return !at.Before(p.From) && at.Before(p.To) }
		return !in(s.Unscraped[0]) && slices.ContainsFunc(s.Pods, func(p livetest.Pod) bool { return in(p.Span) })
	}
	known, off := 0, 0
	for i := range v.Steps {
		at := v.From.Add(time.Duration(i) * v.Step)
		if !visible(at) {
			// Without markers the last values last a while; in the midst of a gap there are none.
			if mid := at.Sub(hour(12)); mid > 8*time.Minute && mid < 28*time.Minute && !math.IsNaN(v.Desired[i]) {
				t.Fatalf("%v: a value in a gap", at)
			}
			continue
		}
		if math.IsNaN(v.Desired[i]) {
			off++ // the first seconds of a process
			continue
		}
		known++
		if v.Desired[i] != float64(s.Decided(at)) || v.Current[i] != float64(s.Ran(at)) || v.Fewest[i] != 2 || v.Most[i] != 40 {
			off++
		}
	}
	// After a pod ended without a marker its values last until the new one decided for long
	// enough to be believed.
	if known < 2800 || off > 20 {
		t.Errorf("%d steps known, %d not as decided", known, off)
	}
	if len(v.Metrics) != 1 || v.Metrics[0].Name != "requests" || len(v.Metrics[0].Horizons) != 1 {
		t.Fatalf("metrics %+v", v.Metrics)
	}
	m := v.Metrics[0]
	h := m.Horizons[0]
	if h.Ahead != s.Lead || len(h.Quantiles) != 3 {
		t.Fatalf("horizon %v with %d quantiles", h.Ahead, len(h.Quantiles))
	}
	ahead := int(h.Ahead / v.Step)
	for _, q := range h.Quantiles {
		judged, held := 0, 0
	steps:
		for i, f := range q.Forecasts {
			if math.IsNaN(f) || i+ahead >= v.Steps {
				continue
			}
			came := math.Inf(-1)
			for j := i + 1; j <= i+ahead; j++ {
				if math.IsNaN(m.Observed[j]) {
					continue steps
				}
				came = max(came, m.Observed[j])
			}
			judged++
			if came <= f {
				held++
			}
			if h.Came[i] != came && !s.Endless {
				t.Fatalf("step %d: %v came, want %v", i, h.Came[i], came)
			}
		}
		// Values that last beyond the end of a pod, for want of a marker, are no decisions: two
		// minutes of each of three ends do not count.
		slack := 0
		if s.Endless {
			slack = 12
		}
		if judged < 2000 || judged-q.Judged < 0 || judged-q.Judged > slack || math.Abs(q.Held-float64(held)/float64(judged)) > float64(slack)/1000 {
			t.Errorf("quantile %v: %v of %d held, want %d of %d", q.Level, q.Held, q.Judged, held, judged)
		}
	}
	if math.IsNaN(m.Skill.Last) || m.Skill.Lowest >= m.Skill.Mean || h.Accuracy.Lowest < 0.84 || h.Accuracy.Mean > 0.96 {
		t.Errorf("skill %+v, accuracy %v to %v", m.Skill.Last, h.Accuracy.Lowest, h.Accuracy.Mean)
	}
}

// TestGapsAndControllers names when nobody decided, and who did.
func TestGapsAndControllers(t *testing.T) {
	t.Parallel()
	a := ask(livetest.Every)
	c, _ := serve(t, a.From, a.To, story())
	v := read(t, c, a)
	// Two changes of process, and the time without scrapes; the third follows at once.
	want := []liveview.Gap{
		{From: hour(7.25), To: hour(7.25).Add(time.Minute)}, {From: hour(11), To: hour(11).Add(time.Minute)}, {From: hour(12), To: hour(12.5)},
	}
	if !slices.Equal(v.Gaps, want) {
		t.Errorf("gaps %v, want %v", v.Gaps, want)
	}
	near(t, "seconds watched", v.WatchedSeconds, 24*3600-1800-120)
	var pods []string
	for _, p := range v.Controllers {
		pods = append(pods, p.Labels)
	}
	names := []string{`controller_pod="a", job="hindcast"`, `controller_pod="b", job="hindcast"`, `controller_pod="c", job="hindcast"`}
	if !slices.Equal(pods, names) {
		t.Errorf("controllers %q, want %q", pods, names)
	}
}

// TestTwoCopies: two servers that scrape the same controller, behind one address, count
// once, also where one of the copies ends; and the page says so.
func TestTwoCopies(t *testing.T) {
	t.Parallel()
	one, two := story(), story()
	one.Labels, two.Labels = map[string]string{"prometheus": "one"}, map[string]string{"prometheus": "two"}
	a := ask(livetest.Every)
	// The first server dies at ten, the second came at six.
	one.Unscraped = append(slices.Clone(one.Unscraped), livetest.Span{From: hour(10), To: hour(24)})
	two.Unscraped = append(slices.Clone(two.Unscraped), livetest.Span{From: start, To: hour(6)})
	_, truth := serve(t, a.From, a.To, story())
	c, _ := serve(t, a.From, a.To, one, two)
	v := read(t, c, a)
	matches(t, v, truth)
	if !slices.ContainsFunc(v.Notes, func(n string) bool {
		return strings.Contains(n, "at the same time") && strings.Contains(n, `prometheus="two"`)
	}) {
		t.Errorf("notes %q say nothing of the copy", v.Notes)
	}
	a.Match = []promclient.Label{{Name: "prometheus", Value: "one"}}
	v = read(t, c, a)
	if v.WatchedSeconds > 10.1*3600 || slices.ContainsFunc(v.Notes, func(n string) bool { return strings.Contains(n, "at the same time") }) {
		t.Errorf("of one copy: watched %v s, notes %q", v.WatchedSeconds, v.Notes)
	}
}

// TestPartsAddUp: what is read of two parts of a day is what is read of the whole.
func TestPartsAddUp(t *testing.T) {
	t.Parallel()
	a := ask(livetest.Every)
	c, _ := serve(t, a.From, a.To, story())
	whole := read(t, c, a)
	for _, cut := range []float64{3, 7, 10.5, 18} {
		first, second := a, a
		first.To, second.From = hour(cut), hour(cut)
		one, two := read(t, c, first).Verdict.Sums, read(t, c, second).Verdict.Sums
		near(t, "replica-hours", one.ReplicaHours+two.ReplicaHours, whole.Verdict.ReplicaHours)
		near(t, "decided replica-hours", one.DecidedReplicaHours+two.DecidedReplicaHours, whole.Verdict.DecidedReplicaHours)
		near(t, "hours short", one.ShortHours+two.ShortHours, whole.Verdict.ShortHours)
		near(t, "decided hours short", one.DecidedShortHours+two.DecidedShortHours, whole.Verdict.DecidedShortHours)
	}
}

// TestRenamedNamespace: a scrape that keeps the target's own label namespace renames the
// scaler's; it is found all the same, and the page says so.
func TestRenamedNamespace(t *testing.T) {
	t.Parallel()
	a := ask(livetest.Every)
	s := story()
	s.Labels = map[string]string{"namespace": "hindcast-system", "exported_namespace": "shop"}
	c, truth := serve(t, a.From, a.To, s)
	v := read(t, c, a)
	matches(t, v, truth)
	if !slices.ContainsFunc(v.Notes, func(n string) bool { return strings.Contains(n, "honor_labels") }) {
		t.Errorf("notes %q say nothing of the label", v.Notes)
	}
	got, err := liveread.Scalers(t.Context(), c, nil, a.To)
	if want := []liveread.Scaler{{Namespace: "shop", Name: "web"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

// TestNobody: without a sample of it there is no view, and those there are can be listed.
func TestNobody(t *testing.T) {
	t.Parallel()
	a := ask(livetest.Every)
	other := story()
	other.Scaler = "till"
	c, _ := serve(t, a.From, a.To, story(), other)
	a.Name = `no"such`
	if _, err := liveread.Read(t.Context(), c, a); !errors.Is(err, liveread.ErrNoData) {
		t.Errorf("%v, want %v", err, liveread.ErrNoData)
	}
	got, err := liveread.Scalers(t.Context(), c, nil, a.To)
	if want := []liveread.Scaler{{Namespace: "shop", Name: "till"}, {Namespace: "shop", Name: "web"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}
