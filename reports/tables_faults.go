package reports

import (
	"strconv"
	"strings"

	"hindcast.dev/backtest/result"
)

// faultsTable lists what went wrong, numbered as in the pictures; nil where nothing did.
func faultsTable(r *result.Result) *table {
	if len(r.Faults) == 0 {
		return nil
	}
	t := &table{
		caption: "Faults, the same under every policy",
		columns: []column{{"fault", "", true}, {"what", "", true}, {"when", "", true}, {"duration", "", false}},
	}
	clock := clock{start: r.Dataset.Start, relative: r.Dataset.Relative}
	for i, f := range r.Faults {
		if i == faultsListed {
			t.note = "And " + strconv.Itoa(len(r.Faults)-i) + " more; result.json lists them all."
			break
		}
		lasted := ""
		if f.End.After(f.Start) {
			lasted = duration(f.End.Sub(f.Start).Seconds())
		}
		t.add(strconv.Itoa(i+1), f.Description, clock.instant(f.Start), lasted)
	}
	return t
}

// faultsListed is the most faults that a table lists.
const faultsListed = 30

// duringFaultsTable says how each policy served during the faults of the scored part; nil where
// there are none.
func duringFaultsTable(r *result.Result) *table {
	t := &table{
		caption: "Requests good during each fault and ten minutes after, %",
		columns: []column{{"fault", "", true}, {"what", "", true}},
	}
	for _, p := range r.Policies {
		t.columns = append(t.columns, column{policyName(p), "", false})
	}
	more := 0
	for i, f := range r.Faults {
		if len(f.RequestsGood) == 0 {
			continue
		}
		if len(t.rows) == faultsListed {
			more++
			continue
		}
		row := []string{strconv.Itoa(i + 1), f.Description}
		for _, p := range r.Policies {
			good, ok := f.RequestsGood[p.Name]
			if !ok {
				good = result.Undefined()
			}
			row = append(row, goodShare(good))
		}
		t.add(row...)
	}
	if len(t.rows) == 0 {
		return nil
	}
	var notes []string
	if more > 0 {
		notes = append(notes, "And "+strconv.Itoa(more)+" more; result.json has them all.")
	}
	var refused []string
	for _, p := range r.Policies {
		if p.Scaling.Refused > 0 {
			refused = append(refused, p.Name+" "+count(p.Scaling.Refused))
		}
	}
	if len(refused) > 0 {
		notes = append(notes, "Changes of the scale that were refused: "+strings.Join(refused, ", ")+".")
	}
	if r.Seeds > 1 {
		notes = append(notes, "Faults and service are those of the first seed, refusals are a mean.")
	}
	t.note = strings.Join(notes, " ")
	return t
}
