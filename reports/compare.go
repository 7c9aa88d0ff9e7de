package reports

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"

	"hindcast.dev/backtest/result"
)

// Compare writes runs side by side as Markdown tables that are aligned as text too:
// what each run replayed, its policies, and its comparisons with their intervals.
func Compare(w io.Writer, folders []*result.Folder) error {
	runs := &table{columns: []column{
		{"run", "", true}, {"load", "", true}, {"scored", "", false}, {"objective", "%", false}, {"SLO", "", false},
		{"seeds", "", false}, {"verdict", "", true},
	}}
	policies := &table{columns: []column{
		{"run", "", true}, {"policy", "", true}, {"requests good", "%", false}, {"over-provisioned", "%", false},
		{"price", "", false}, {"scale-up mean", "s", false},
	}}
	comparisons := &table{columns: []column{
		{"run", "", true}, {"candidate against baseline", "", true}, {"sample", "", true}, {"less over-provisioning", "", false},
		{"faster scale-up", "", false}, {"less cost", "", false}, {"requests good, difference", "", false},
	}}
	names := runNames(folders)
	for i, f := range folders {
		r, name := &f.Result, names[i]
		_, words := outcome(r.Verdict)
		runs.add(name, r.Dataset.Name, duration(max(r.Dataset.End.Sub(r.Dataset.ScoredFrom).Seconds(), 0)),
			trimmed(goodShare(result.Number(r.SLO.Objective))), duration(r.SLO.LatencySeconds), itoa(r.Seeds), words)
		for _, p := range r.Policies {
			policies.add(name, policyName(p), goodShare(p.SLA.RequestsGood), percent(p.Provisioning.ThetaOver),
				money(p.Cost.Price), seconds(p.Scaling.ScaleUpSeconds.Mean))
		}
		for _, c := range r.Comparisons {
			k := c.Confidence
			comparisons.add(name, c.Candidate+" against "+c.Baseline, c.Sample,
				withInterval(c.OverProvisioningReduction, k.OverProvisioning), withInterval(c.ScaleUpTimeReduction, k.ScaleUpTime),
				withInterval(c.CostReduction, k.Cost), points(c.SLADifference, k.SLA))
		}
	}
	var b bytes.Buffer
	for i, t := range []*table{runs, policies, comparisons} {
		if len(t.rows) == 0 {
			continue
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		if err := t.markdown(&b); err != nil {
			return err
		}
		if n := t.notes(); n != "" {
			fmt.Fprintf(&b, "\n%s\n", markdown(n))
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// runNames are the last parts of the folders' paths, or the whole paths where two
// are the same.
func runNames(folders []*result.Folder) []string {
	names, seen := make([]string, len(folders)), map[string]bool{}
	for i, f := range folders {
		names[i] = filepath.Base(f.Dir)
		if seen[names[i]] {
			for k, f := range folders {
				names[k] = filepath.ToSlash(filepath.Clean(f.Dir))
			}
			return names
		}
		seen[names[i]] = true
	}
	return names
}
