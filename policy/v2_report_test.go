package policy_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"hindcast.dev/policy"
)

// v2Report is the configuration of V2's published test.
var v2Report = policy.V2Config{TargetMilliCPU: 50, HighMilliCPU: 80, LowMilliCPU: 20}

// Total CPU in millicores at the checks 1, 2, ... of every 30 s; the last value holds
// from then on.
var (
	// v2AsReported is pods times CPU per pod as the report gives them, at the middle of
	// each range: 2 pods of 45 m from minute 2, 3 of 40 m from minute 3, 4 of 35 m from
	// minute 4, 5 of 30 m from minute 5. Minutes 0 and 1 begin at 3 m and rise.
	v2AsReported = []int64{3, 3, 30, 60, 90, 90, 120, 120, 140, 140, 150}
	// v2AsNeeded is made so that the rule adds a pod each minute from minute 2 to 5: at
	// these checks CPU per pod is above 80 m. The end is left to be filled in.
	v2AsNeeded = []int64{3, 3, 30, 60, 100, 100, 170, 170, 250, 250, 330}
)

// A v2Check is one line of a replay.
type v2Check struct {
	number      int
	total       int64
	pods        int32 // seen in the metrics: those asked for at the check before
	source      string
	wish, after int32
	reason      string
}

// replayV2 makes n checks of V2 with the report's configuration, from one pod.
func replayV2(t *testing.T, totals []int64, n int) []v2Check {
	t.Helper()
	v := newV2(t, v2Report)
	spec := int32(1)
	var checks []v2Check
	for k := 1; k <= n; k++ {
		total := totals[min(k, len(totals))-1]
		d := v.Decide(v2Input(k, spec, spec, total))
		checks = append(checks, v2Check{k, total, spec, d.Proposals[0].Source, d.Raw, d.Replicas, d.Reason})
		spec = d.Replicas
	}
	return checks
}

// v2Table shows the first check, those that change the number of pods or the source
// of the wish, and the last.
func v2Table(checks []v2Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5s %6s %6s %5s %8s  %-9s %5s %5s  %s\n",
		"check", "minute", "total", "pods", "per pod", "source", "wish", "after", "reason")
	for i, c := range checks {
		if i > 0 && i < len(checks)-1 && c.after == c.pods && c.source == checks[i-1].source {
			continue
		}
		fmt.Fprintf(&b, "%5d %6.1f %4d m %5d %6.1f m  %-9s %5d %5d  %s\n", c.number, float64(c.number-1)/2,
			c.total, c.pods, float64(c.total)/float64(c.pods), c.source, c.wish, c.after, c.reason)
	}
	return b.String()
}

// TestV2AgainstItsReport replays the two series, and checks that docs/v2.md shows
// what they give.
func TestV2AgainstItsReport(t *testing.T) {
	reported := replayV2(t, v2AsReported, 40)
	if got, want := sizes(reported), []int32{1, 2}; !slices.Equal(got, want) {
		t.Errorf("as reported: pods went %v, want %v", got, want)
	}

	needed := replayV2(t, append(slices.Clone(v2AsNeeded), 260), 40)
	if got, want := sizes(needed), []int32{1, 2, 3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("as needed: pods went %v, want %v", got, want)
	}
	for _, c := range needed {
		up := c.number == 5 || c.number == 7 || c.number == 9 || c.number == 11
		if (c.after > c.pods) != up {
			t.Errorf("as needed: check %d went from %d to %d", c.number, c.pods, c.after)
		}
		if c.number >= 20 && (c.wish != 6 || c.after != 5 || !strings.HasPrefix(c.reason, "Dampened: ")) {
			t.Errorf("as needed: check %d: %+v, want a sixth pod wished and refused", c.number, c)
		}
	}

	var ends strings.Builder
	fmt.Fprintf(&ends, "%6s %8s %8s %5s %9s\n", "total", "per pod", "wish 20", "after", "pods then")
	for _, end := range []struct {
		total       int64
		wish, after int32 // at check 20, from 5 pods
	}{{125, 3, 3}, {150, 3, 3}, {175, 4, 5}, {200, 4, 5}, {225, 5, 5}, {250, 5, 5}, {260, 6, 5}, {400, 6, 5}} {
		checks := replayV2(t, append(slices.Clone(v2AsNeeded), end.total), 60)
		c := checks[19]
		if c.pods != 5 || c.wish != end.wish || c.after != end.after {
			t.Errorf("ends at %d m: check 20 saw %d pods, wished %d, set %d; want 5, %d, %d",
				end.total, c.pods, c.wish, c.after, end.wish, end.after)
		}
		if last := checks[59].after; last != end.after {
			t.Errorf("ends at %d m: %d pods at last, want %d", end.total, last, end.after)
		}
		fmt.Fprintf(&ends, "%4d m %6.1f m %8d %5d %9d\n", end.total, float64(end.total)/5, c.wish, c.after, checks[59].after)
	}

	// From 80 m a pod on, the heuristic adds the sixth before there is a model.
	if hot := replayV2(t, append(slices.Clone(v2AsNeeded), 405), 19); hot[18].after != 6 {
		t.Errorf("ends at 405 m: %d pods at check 19, want 6", hot[18].after)
	}

	doc, err := os.ReadFile("../docs/v2.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"as reported": v2Table(reported), "as needed": v2Table(needed), "ends": ends.String(),
	} {
		if !strings.Contains(string(doc), "```text\n"+want+"```\n") {
			t.Errorf("docs/v2.md does not show this table, %s:\n%s", name, want)
		}
	}
}

// sizes returns the numbers of pods that a replay went through, without repeats.
func sizes(checks []v2Check) []int32 {
	n := []int32{1}
	for _, c := range checks {
		n = append(n, c.after)
	}
	return slices.Compact(n)
}
