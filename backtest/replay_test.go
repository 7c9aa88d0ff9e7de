package backtest

import (
	"bytes"
	"testing"

	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

// TestReplay decides every recorded run again from its decision log alone, with a policy
// that is built anew: the log of that is the same to the byte, as it is for a run of the
// same binary in a cluster.
func TestReplay(t *testing.T) {
	e := testEnv(t, days(1))
	for _, ent := range entrants(t, e) {
		t.Run(ent.name, func(t *testing.T) {
			tr := try(t, e, ent, configured(ent), catalog{})
			log := bytes.Join(tr.lines, nil)
			again := replay(t, ent, log)
			if n := differing(log, again); n > 0 {
				lines := bytes.Split(log, []byte("\n"))
				t.Errorf("line %d was\n%s\nand is\n%s", n, lines[n-1], bytes.Split(again, []byte("\n"))[n-1])
			}
			scaled, grouped := 0, 0
			for _, rec := range tr.decisions {
				if rec.Scaled {
					scaled++
				}
				for _, p := range rec.Pods {
					grouped += max(p.Count-1, 0)
				}
			}
			if ent.name != "static" && scaled < 5 || ent.name == "hpa" && grouped < 1000 {
				t.Errorf("%d changes and %d grouped pods in %d decisions: the test says little", scaled, grouped, len(tr.decisions))
			}
		})
	}
}

// TestReplayNotices: a log that was tampered with does not replay to the same decisions.
func TestReplayNotices(t *testing.T) {
	e := testEnv(t, days(1))
	for _, ent := range entrants(t, e) {
		if ent.name != "v3" {
			continue
		}
		tr := try(t, e, ent, configured(ent), catalog{})
		line := tr.lines[len(tr.lines)/2]
		tampered := bytes.Replace(line, []byte(`"value":`), []byte(`"value":9`), 1)
		if bytes.Equal(line, tampered) {
			t.Fatalf("no value in %s", line)
		}
		tr.lines[len(tr.lines)/2] = tampered
		log := bytes.Join(tr.lines, nil)
		if n := differing(log, replay(t, ent, log)); n != len(tr.lines)/2+1 {
			t.Errorf("line %d is the first to differ, want %d", n, len(tr.lines)/2+1)
		}
	}
}

// replay gives a new policy of the entrant the inputs of a log and returns the log of its
// decisions.
func replay(t *testing.T, ent *entrant, log []byte) []byte {
	t.Helper()
	set, err := ent.build(configured(ent))
	if err != nil {
		t.Fatal(err)
	}
	set.policy.Needs()
	var out bytes.Buffer
	w := autoscaler.NewLog(&out)
	for rec, err := range autoscaler.ReadLog(bytes.NewReader(log)) {
		if err != nil {
			t.Fatal(err)
		}
		in := rec.Input()
		d := set.policy.Decide(in)
		if rec.Scaled {
			if c, ok := set.policy.(policy.Committer); ok {
				c.Commit(in.Now, rec.Spec, rec.Replicas)
			}
		}
		w.Record(autoscaler.Step{Input: in, Decision: d, Scaled: rec.Scaled})
	}
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// differing returns the number of the first line that differs, 0 where none does.
func differing(a, b []byte) int {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return i + 1
		}
	}
	if len(x) != len(y) {
		return min(len(x), len(y)) + 1
	}
	return 0
}
