package reports

import (
	"math"
	"slices"
	"strconv"

	"hindcast.dev/backtest/result"
)

// policyName marks those that know what no policy can know.
func policyName(p result.Policy) string {
	if hindsight(p) {
		return p.Name + " (hindsight)"
	}
	return p.Name
}

const hindsightNote = "Policies in hindsight know the load in advance; they bound what is possible and are no candidates."

func anyHindsight(policies []result.Policy) string {
	if slices.ContainsFunc(policies, hindsight) {
		return hindsightNote
	}
	return ""
}

// tables are the headline and, below the pictures, the details.
func tables(r *result.Result) (head, details []*table) {
	head = []*table{policiesTable(r)}
	for _, t := range comparisonTables(r) {
		if t.sample == result.EqualSLA {
			head = append(head, t)
		} else {
			details = append(details, t)
		}
	}
	if t := faultsTable(r); t != nil {
		head = append(head, t)
	}
	if t := duringFaultsTable(r); t != nil {
		head = append(head, t)
	}
	for _, t := range []*table{serviceTable(r), supplyTable(r), alertsTable(r), accuracyTable(r), settingsTable(r)} {
		if t != nil {
			details = append(details, t)
		}
	}
	return head, details
}

// policiesTable sums up the policies as configured.
func policiesTable(r *result.Result) *table {
	t := &table{
		caption: "Policies as configured",
		columns: []column{
			{"policy", "", true}, {"requests good", "%", false}, {"p99", "ms", false},
			{"over-provisioned", "%", false}, {"under-provisioned", "%", false},
			{"scale-up", "s", false}, {"pod-hours", "", false}, {"price", "", false}, {"actions", "", false},
		},
		note: anyHindsight(r.Policies),
	}
	for _, p := range r.Policies {
		t.add(policyName(p), goodShare(p.SLA.RequestsGood), milliseconds(p.Latency.P99),
			percent(p.Provisioning.ThetaOver), percent(p.Provisioning.ThetaUnder),
			seconds(p.Scaling.ScaleUpSeconds.Mean), number(p.Cost.PodHours), money(p.Cost.Price), count(p.Scaling.Actions))
	}
	return t
}

// serviceTable holds the measures of service that policiesTable leaves out.
func serviceTable(r *result.Result) *table {
	t := &table{
		caption: "Service in detail",
		columns: []column{
			{"policy", "", true}, {"requests good", "%", false}, {"minutes good", "%", false},
			{"availability", "%", false}, {"error budget spent", "%", false},
			{"p50", "ms", false}, {"p95", "ms", false}, {"p99", "ms", false},
		},
	}
	for _, p := range r.Policies {
		t.add(policyName(p), goodShare(p.SLA.RequestsGood), goodShare(p.SLA.MinutesGood), goodShare(p.SLA.Availability),
			percent(p.SLA.ErrorBudgetSpent), milliseconds(p.Latency.P50), milliseconds(p.Latency.P95), milliseconds(p.Latency.P99))
	}
	return t
}

// supplyTable holds the measures of supply that policiesTable leaves out.
func supplyTable(r *result.Result) *table {
	t := &table{
		caption: "Supply and scaling in detail",
		columns: []column{
			{"policy", "", true}, {"time over", "%", false}, {"time under", "%", false}, {"instability", "%", false},
			{"idle replica-hours", "", false}, {"node-hours", "", false}, {"reversals", "", false},
			{"rises of demand", "", false}, {"scale-up mean", "s", false}, {"scale-up p50", "s", false}, {"scale-up p95", "s", false},
		},
	}
	for _, p := range r.Policies {
		v, s := p.Provisioning, p.Scaling.ScaleUpSeconds
		t.add(policyName(p), percent(v.TauOver), percent(v.TauUnder), percent(v.Instability),
			number(v.IdleReplicaHours), number(p.Cost.NodeHours), count(p.Scaling.Reversals),
			count(s.N), seconds(s.Mean), seconds(s.P50), seconds(s.P95))
	}
	return t
}

// settingsTable says what each policy was set to.
func settingsTable(r *result.Result) *table {
	t := &table{caption: "What was compared", columns: []column{{"policy", "", true}, {"kind", "", true}, {"setting", "", true}}}
	for _, p := range r.Policies {
		t.add(policyName(p), p.Kind, p.Description)
	}
	return t
}

// alertsTable lists the alerts that would have fired, and of those that would not their
// number; nil where no rules were evaluated.
func alertsTable(r *result.Result) *table {
	t := &table{
		caption: "Alerts that would have fired",
		columns: []column{{"policy", "", true}, {"alert", "", true}, {"firings", "", false}, {"duration", "", false}},
	}
	var judged []string
	fired := map[string]bool{}
	for _, p := range r.Policies {
		for _, a := range p.Alerts {
			if !slices.Contains(judged, a.Name) {
				judged = append(judged, a.Name)
			}
			if a.Firings > 0 {
				fired[a.Name] = true
				t.add(p.Name, a.Name, count(a.Firings), duration(a.Seconds))
			}
		}
	}
	if len(judged) == 0 {
		return nil
	}
	t.note = strconv.Itoa(len(judged)-len(fired)) + " of " + strconv.Itoa(len(judged)) + " alerts never fired."
	return t
}

var samples = [...]struct{ sample, caption, note string }{
	{result.EqualSLA, "Compared at equal SLA", "Each policy's one knob is set so that both serve equally well, with the same hindsight for all."},
	{result.EqualSLAPast, "Compared at equal SLA, knob tuned on the warm-up only", "As above without hindsight: the knob was chosen before the scored part began."},
	{result.EqualCost, "Compared at equal cost", "The baseline's knob is set so that both use the same pod-hours; look at the difference in service."},
	{result.AsConfigured, "Compared as configured", "Both spend and serve differently, so no column alone says which is better."},
}

// comparisonTables holds one table a sample, the fairest first.
func comparisonTables(r *result.Result) []*table {
	var out []*table
	for _, s := range samples {
		t := &table{
			caption: s.caption, note: s.note, sample: s.sample,
			columns: []column{
				{"candidate against baseline", "", true}, {"less over-provisioning", "", false}, {"faster scale-up", "", false},
				{"less cost", "", false}, {"requests good, difference", "", false}, {"compared at", "", false},
			},
		}
		level, short, served := 0.0, false, false
		for _, c := range r.Comparisons {
			if c.Sample != s.sample {
				continue
			}
			at := undefined
			if c.SLA.Defined() {
				served = true
				at = trimmed(goodShare(c.SLA)) + " %"
				if !c.AtObjective {
					at += "*"
					short = true
				}
			}
			k := c.Confidence
			if k.Cost != nil || k.OverProvisioning != nil || k.SLA != nil || k.ScaleUpTime != nil {
				level = k.Level
			}
			t.add(c.Candidate+" against "+c.Baseline,
				withInterval(c.OverProvisioningReduction, k.OverProvisioning), withInterval(c.ScaleUpTimeReduction, k.ScaleUpTime),
				withInterval(c.CostReduction, k.Cost), points(c.SLADifference, k.SLA), at)
		}
		if len(t.rows) == 0 {
			continue
		}
		if !served {
			t.dropLast()
		}
		t.note += " Negative means more. "
		if level > 0 {
			t.note += "In brackets: " + percent(result.Number(level)) + " % interval."
		} else {
			t.note += "No intervals: they need 7 scored days."
		}
		if short {
			t.note += " * Not both reach the objective; compared at the best that both reach."
		}
		out = append(out, t)
	}
	return out
}

// accuracyTable lists every model at every horizon, nil without models.
func accuracyTable(r *result.Result) *table {
	if len(r.Forecasts) == 0 {
		return nil
	}
	t := &table{
		caption: "Forecast accuracy",
		columns: []column{
			{"model", "", true}, {"horizon", "", false}, {"forecasts", "", false}, {"accuracy", "%", false}, {"WAPE", "%", false},
			{"MASE", "", false}, {"RMSSE", "", false}, {"pinball", "", false},
			{"in 80 % band", "%", false}, {"in 95 % band", "%", false}, {"bias", "", false},
		},
		note: "Rolling origin, out of sample, on the scored part. Naive and seasonal naive are there to be beaten.",
	}
	if n := r.Dataset.NoiseFloor; n.Defined() {
		t.note += " Counts are random: even a perfect forecast of their mean has a WAPE of about " + percent(n) + " %."
	}
	for _, f := range r.Forecasts {
		t.add(f.Model, duration(float64(f.HorizonSeconds)), count(f.N), goodShare(f.Accuracy), percent(f.WAPE),
			number(f.MASE), number(f.RMSSE), number(f.Pinball), goodShare(f.Coverage80), goodShare(f.Coverage95), number(f.Bias))
	}
	return t
}

// money writes a price in its own currency, two decimals below 1,000.
func money(n result.Number) string {
	v := float64(n)
	switch {
	case !n.Defined():
		return undefined
	case math.Abs(v) >= 1000:
		return number(n)
	case v != 0 && math.Abs(v) < 0.1:
		return significant(v, 2)
	}
	return signed(strconv.FormatFloat(v, 'f', 2, 64))
}
