package backtest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hindcast.dev/backtest/result"
	"hindcast.dev/sim"
)

var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// A stretch is a span in short.
type stretch struct {
	seconds                       int
	demand                        int32
	desired, ready                int32
	good, late, failed, refused   float64
	timedOut, shed, killed        float64
	gap                           bool
	podSeconds, nodeSeconds, load float64
}

// score runs a scorer over stretches that follow each other from start on.
func score(start, from, to time.Time, objective float64, stretches []stretch) scored {
	s := newScorer(from, to, objective)
	at := start
	for _, st := range stretches {
		end := at.Add(time.Duration(st.seconds) * time.Second)
		s.add(&sim.Span{
			From: at, To: end, Load: st.load, Gap: st.gap, Desired: st.desired, Ready: st.ready,
			PodTime: seconds(st.podSeconds), NodeTime: seconds(st.nodeSeconds),
			Flow: sim.Flow{
				Shed:      st.shed,
				Completed: sim.Outcomes{sim.Good: st.good, sim.Late: st.late, sim.Failed: st.failed, sim.TimedOut: st.timedOut},
			},
			Refused: st.refused, Killed: st.killed,
		}, st.demand)
		at = end
	}
	return s.finish()
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// approximately lets figures differ by rounding; undefined ones are equal.
var approximately = cmp.Comparer(func(a, b result.Number) bool {
	return !a.Defined() && !b.Defined() || math.Abs(float64(a-b)) <= 1e-12*math.Max(math.Abs(float64(a)), 1)
})

// TestScoresOfAHandmadeRun holds every measure against figures worked out by hand:
// one minute of warm-up, then seven of which the sixth is a gap in the recording.
func TestScoresOfAHandmadeRun(t *testing.T) {
	s := score(monday, monday.Add(time.Minute), monday.Add(8*time.Minute), 0.9, []stretch{
		{seconds: 60, demand: 2, desired: 1, ready: 1, refused: 1000, podSeconds: 999, nodeSeconds: 999}, // warm-up
		{seconds: 60, demand: 2, desired: 2, ready: 2, good: 60, podSeconds: 120, nodeSeconds: 60},
		{seconds: 60, demand: 4, desired: 4, ready: 2, good: 30, late: 30, podSeconds: 200, nodeSeconds: 60},
		{seconds: 30, demand: 4, desired: 4, ready: 3, good: 27, timedOut: 3, podSeconds: 120, nodeSeconds: 30},
		{seconds: 30, demand: 4, desired: 4, ready: 4, good: 30, podSeconds: 120, nodeSeconds: 30},
		{seconds: 60, demand: 2, desired: 2, ready: 4, good: 60, failed: 1, podSeconds: 240, nodeSeconds: 60},
		{seconds: 60, demand: 0, desired: 2, ready: 2, podSeconds: 120, nodeSeconds: 60},
		{seconds: 60, demand: 0, desired: 5, ready: 2, refused: 500, gap: true, podSeconds: 999, nodeSeconds: 999},
		{seconds: 60, demand: 1, desired: 5, ready: 0, refused: 4, shed: 3, killed: 3, podSeconds: 30, nodeSeconds: 60},
	})
	total := s.total()

	wantSLA := result.SLA{
		RequestsGood:     207. / 251,       // 60+30+57+60+0 of 60+60+60+61+10
		MinutesGood:      4. / 6,           // all but the second and the last; the idle one is good
		Availability:     4. / 6,           // 1 error of 61 is over 1 %; the last minute has no replica
		ErrorBudgetSpent: 44 / (0.1 * 251), // bad requests over those allowed
	}
	if diff := cmp.Diff(wantSLA, total.sla(0.9), approximately); diff != "" {
		t.Errorf("SLA (-want +got):\n%s", diff)
	}
	wantProvisioning := result.Provisioning{
		ThetaUnder:       (2./4*60 + 1./4*30 + 1./1*60) / 300, // demand in five of the minutes
		ThetaOver:        (2. / 2 * 60) / 300,
		TauUnder:         150. / 300,
		TauOver:          60. / 300,
		Instability:      3. / 4, // supply against demand: = against up, up against =, up against down, down both
		IdleReplicaHours: 2. / 60,
	}
	if diff := cmp.Diff(wantProvisioning, total.provisioning(), approximately); diff != "" {
		t.Errorf("provisioning (-want +got):\n%s", diff)
	}
	wantCost := result.Cost{PodHours: 950. / 3600, NodeHours: 360. / 3600, Price: 950./3600*0.05 + 360./3600*0.2}
	if diff := cmp.Diff(wantCost, total.cost(prices{podHour: 0.05, nodeHour: 0.2}), approximately); diff != "" {
		t.Errorf("cost (-want +got):\n%s", diff)
	}
	wantScaling := result.Scaling{
		// 1 to 2 at the start of the scored part, 2 to 4, 4 to 2; not 2 to 5 in the gap.
		Actions:   3,
		Reversals: 1,
		// Levels 3 and 4 wait 60 s and 90 s, level 1 from its rise to the end.
		ScaleUpSeconds: result.ScaleUpSeconds{N: 3, Mean: 70, P50: 60, P95: 87},
	}
	if diff := cmp.Diff(wantScaling, s.scaling(), approximately); diff != "" {
		t.Errorf("scaling (-want +got):\n%s", diff)
	}
}

// TestNothingToScore: a run without requests, demand or rises has no shares, not zeros.
func TestNothingToScore(t *testing.T) {
	s := score(monday, monday, monday.Add(time.Minute), 0.9, []stretch{{seconds: 60, gap: true, desired: 1, ready: 1, good: 5}})
	total := s.total()
	nan := result.Undefined()
	if diff := cmp.Diff(result.SLA{RequestsGood: nan, MinutesGood: nan, Availability: nan, ErrorBudgetSpent: nan}, total.sla(0.9), approximately); diff != "" {
		t.Errorf("SLA (-want +got):\n%s", diff)
	}
	want := result.Provisioning{ThetaOver: nan, ThetaUnder: nan, TauOver: nan, TauUnder: nan, Instability: nan}
	if diff := cmp.Diff(want, total.provisioning(), approximately); diff != "" {
		t.Errorf("provisioning (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(result.Scaling{ScaleUpSeconds: result.ScaleUpSeconds{Mean: nan, P50: nan, P95: nan}}, s.scaling(), approximately); diff != "" {
		t.Errorf("scaling (-want +got):\n%s", diff)
	}
}

func TestRisesOfDemand(t *testing.T) {
	for _, tc := range []struct {
		name string
		runs []stretch
		want []float64 // seconds of each rise, in the order in which they end
	}{
		{"what a run starts with is no rise", []stretch{{seconds: 60, demand: 5, ready: 1}}, nil},
		{"covered beforehand", []stretch{{seconds: 60, demand: 1, ready: 3}, {seconds: 60, demand: 3, ready: 3}}, []float64{0, 0}},
		{"one level after the other", []stretch{
			{seconds: 60, demand: 1, ready: 1}, {seconds: 20, demand: 3, ready: 1}, {seconds: 10, demand: 3, ready: 2}, {seconds: 30, demand: 3, ready: 3},
		}, []float64{20, 30}},
		{"ended when demand falls", []stretch{
			{seconds: 60, demand: 1, ready: 1}, {seconds: 40, demand: 3, ready: 1}, {seconds: 5, demand: 2, ready: 1}, {seconds: 15, demand: 1, ready: 1},
		}, []float64{40, 45}},
		{"open at the end", []stretch{{seconds: 60, demand: 0, ready: 0}, {seconds: 50, demand: 1, ready: 0}}, []float64{50}},
		{"once a rise, not once a level", []stretch{
			{seconds: 60, demand: 1, ready: 1}, {seconds: 60, demand: 2, ready: 2}, {seconds: 60, demand: 1, ready: 2}, {seconds: 60, demand: 2, ready: 1}, {seconds: 60, demand: 2, ready: 2},
		}, []float64{0, 60}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var length time.Duration
			for _, st := range tc.runs {
				length += time.Duration(st.seconds) * time.Second
			}
			got := score(monday, monday, monday.Add(length), 0.9, tc.runs)
			if diff := cmp.Diff(tc.want, got.rises, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReversalsAreSoonAndBackwards(t *testing.T) {
	for _, tc := range []struct {
		name               string
		desired            []int32 // one a stretch of the given minutes
		minutes            int
		actions, reversals int
	}{
		{"steady", []int32{2, 2, 2}, 1, 0, 0},
		{"up and up", []int32{1, 2, 3}, 1, 2, 0},
		{"up and down", []int32{1, 2, 1}, 1, 2, 1},
		{"up and down after ten minutes", []int32{1, 2, 1}, 10, 2, 1},
		{"up and down after eleven minutes", []int32{1, 2, 1}, 11, 2, 0},
		{"to and fro", []int32{1, 2, 1, 2, 1}, 1, 4, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var runs []stretch
			for _, n := range tc.desired {
				runs = append(runs, stretch{seconds: 60 * tc.minutes, desired: n})
			}
			s := score(monday, monday, monday.Add(time.Duration(len(runs)*tc.minutes)*time.Minute), 0.9, runs)
			if got := s.scaling(); got.Actions != tc.actions || got.Reversals != tc.reversals {
				t.Errorf("%d actions, %d reversals; want %d, %d", got.Actions, got.Reversals, tc.actions, tc.reversals)
			}
		})
	}
}

// TestScorerAgreesWithAPlainOne scores long random runs a second at a time with the
// formulas of the definitions, and compares every day.
func TestScorerAgreesWithAPlainOne(t *testing.T) {
	var story tally
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 0))
		from := monday.Add(5*time.Hour + time.Duration(r.IntN(60))*time.Minute)
		to := monday.Add(60 * time.Hour)
		runs := randomRun(r, to)
		got := score(monday, from, to, 0.95, runs)
		want := plainScore(from, to, 0.95, runs)
		if diff := cmp.Diff(want, got.days, cmp.AllowUnexported(tally{}), cmpopts.EquateApprox(1e-9, 1e-6)); diff != "" {
			t.Fatalf("seed %d (-plain +scorer):\n%s", seed, diff)
		}
		total := got.total()
		story.add(&total)
		if len(got.rises) != total.rises {
			t.Errorf("%d rises in the list, %d in the sums", len(got.rises), total.rises)
		}
	}
	if story.rises == 0 || story.reversals == 0 || story.unstable == 0 || story.idle == 0 || story.up == story.minutes {
		t.Errorf("dull runs: %+v", story)
	}
}

// randomRun draws stretches that break at full minutes, up to the instant to.
func randomRun(r *rand.Rand, to time.Time) []stretch {
	var runs []stretch
	st := stretch{demand: 3, desired: 3, ready: 3}
	for at := 0; at < int(to.Sub(monday).Seconds()); at += st.seconds {
		if r.IntN(5) == 0 {
			st.demand = max(0, st.demand+int32(r.IntN(5)-2))
		}
		if r.IntN(10) == 0 {
			st.desired = max(0, st.demand+int32(r.IntN(3)-1))
		}
		if r.IntN(3) == 0 {
			st.ready += int32(min(max(int(st.desired-st.ready), -1), 1))
		}
		st.gap = (at/60)%97 < 3
		st.seconds = min(1+r.IntN(60), 60-at%60)
		n := float64(st.demand) * float64(st.seconds)
		st.good, st.late, st.failed, st.refused, st.shed, st.timedOut, st.killed = n, 0, 0, 0, 0, 0, 0
		if st.ready < st.demand {
			st.good, st.late, st.failed = n*0.9, n*0.05, n*0.05*r.Float64()
		}
		if st.ready == 0 {
			st.good, st.refused = 0, n
		}
		st.podSeconds = float64(int(st.ready)*st.seconds) + 1
		st.nodeSeconds = float64(5 * st.seconds)
		runs = append(runs, st)
	}
	return runs
}

// plainScore expands stretches to seconds. Requests are spread evenly.
func plainScore(from, to time.Time, objective float64, runs []stretch) []tally {
	var second []stretch // amounts are per second
	for _, st := range runs {
		part := st
		n := float64(st.seconds)
		for _, v := range []*float64{&part.good, &part.late, &part.failed, &part.refused, &part.shed, &part.timedOut, &part.killed, &part.podSeconds, &part.nodeSeconds} {
			*v /= n
		}
		for range st.seconds {
			second = append(second, part)
		}
	}
	first, last := int(from.Sub(monday).Seconds()), int(to.Sub(monday).Seconds())
	days := make([]tally, (last-first+86399)/86400)
	day := func(i int) *tally { return &days[(i-first)/86400] }
	direction, actedAt := 0, 0
	for i := first; i < last; i++ {
		s, before := second[i], second[i-1]
		t := day(i)
		if step := sign(s.desired - before.desired); step != 0 {
			if !s.gap {
				t.actions++
				if direction == -step && i-actedAt <= 600 {
					t.reversals++
				}
			}
			direction, actedAt = step, i
		}
		for level := before.demand + 1; level <= s.demand; level++ {
			end := i
			for end < last && second[end].ready < level && second[end].demand >= level {
				end++
			}
			t.rises++
			t.riseSeconds += float64(end - i)
		}
		if s.gap {
			continue
		}
		bad := s.late + s.failed + s.refused + s.shed + s.timedOut + s.killed
		t.requests += s.good + bad
		t.good += s.good
		t.bad += bad
		t.errors += s.failed + s.refused + s.shed + s.killed
		t.podSeconds += s.podSeconds
		t.nodeSeconds += s.nodeSeconds
		if s.demand == 0 {
			t.idle += float64(s.ready)
			continue
		}
		t.demandTime++
		t.over += math.Max(float64(s.ready-s.demand), 0) / float64(s.demand)
		t.under += math.Max(float64(s.demand-s.ready), 0) / float64(s.demand)
		t.overTime += math.Max(float64(sign(s.ready-s.demand)), 0)
		t.underTime += math.Max(float64(sign(s.demand-s.ready)), 0)
	}
	for m := first; m < last; m += 60 {
		t := day(m)
		var good, requests, errs float64
		up, gap := false, false
		for _, s := range second[m:min(m+60, last)] {
			good += s.good
			requests += s.good + s.late + s.failed + s.refused + s.shed + s.timedOut + s.killed
			errs += s.failed + s.refused + s.shed + s.killed
			up = up || s.ready > 0
			gap = gap || s.gap
		}
		if !gap {
			t.minutes++
			if good >= objective*requests-1e-9 {
				t.minutesGood++
			}
			if up && errs <= 0.01*requests-1e-9 || up && errs == 0 {
				t.up++
			}
		}
		if m == first || second[m].gap || second[m-60].gap {
			continue
		}
		// Instability is k + k' of its definition.
		ds := float64(sign(second[m].ready - second[m-60].ready))
		dd := float64(sign(second[m].demand - second[m-60].demand))
		t.pairs++
		t.unstable += math.Min(1, math.Max(0, ds-dd)) + math.Min(1, math.Max(0, dd-ds))
	}
	return days
}

// TestSplitIsTheWhole: the scores of a part do not depend on where its days are cut.
func TestSplitIsTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	to := monday.Add(50 * time.Hour)
	runs := randomRun(r, to)
	s := score(monday, monday.Add(time.Hour), to, 0.95, runs)
	if len(s.days) != 3 {
		t.Fatalf("%d days, want two and a part", len(s.days))
	}
	var again tally
	for i := len(s.days) - 1; i >= 0; i-- {
		again.add(&s.days[i])
	}
	if diff := cmp.Diff(s.total(), again, cmp.AllowUnexported(tally{}), cmpopts.EquateApprox(1e-12, 0)); diff != "" {
		t.Errorf("(-total +backwards):\n%s", diff)
	}
	if got := s.days[0].minutes; math.Abs(got-1440*94./97) > 6 {
		t.Errorf("%v minutes in the first day, want 1440 less 3 of 97", got)
	}
}

// TestQuantileIsType7 uses the figures of R's quantile(x), whose default is type 7:
// quantile(c(1, 3, 4, 10), c(0, 0.25, 0.5, 0.95, 1)).
func TestQuantileIsType7(t *testing.T) {
	x := []float64{1, 3, 4, 10}
	for q, want := range map[float64]float64{0: 1, 0.25: 2.5, 0.5: 3.5, 0.95: 9.1, 1: 10} {
		if got := quantile(x, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := quantile([]float64{7}, 0.95); got != 7 {
		t.Errorf("of one value: %v", got)
	}
}
