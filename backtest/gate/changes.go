package gate

import (
	"fmt"
	"math"
	"slices"

	"hindcast.dev/backtest/result"
)

// Changes says what a baseline guards, and from what it replaces; old may be nil.
func Changes(old, now *result.Blocks) []string {
	if old == nil {
		old = &result.Blocks{}
	}
	var out []string
	if old.Series.Checksum != "" && sameSeries(now.Series, old.Series) != nil {
		out = append(out, fmt.Sprintf("load: now %q, other values than before", now.Series.Name))
	}
	for _, m := range now.Models {
		before := result.ModelBlocks{}
		if i := slices.IndexFunc(old.Models, func(o result.ModelBlocks) bool { return o.Name == m.Name }); i >= 0 {
			before = old.Models[i]
		}
		for _, h := range m.Horizons {
			was := result.Undefined()
			if i := slices.IndexFunc(before.Horizons, func(o result.HorizonBlocks) bool { return o.HorizonSeconds == h.HorizonSeconds }); i >= 0 {
				was = before.Horizons[i].WAPE
			}
			out = append(out, change(m.Name+", WAPE at "+words(h.HorizonSeconds), 100*was, 100*h.WAPE, " %"))
		}
	}
	for _, p := range now.Policies {
		before := result.PolicyBlocks{}
		if i := slices.IndexFunc(old.Policies, func(o result.PolicyBlocks) bool { return o.Name == p.Name }); i >= 0 {
			before = old.Policies[i]
		}
		out = append(out,
			change(p.Name+", bad requests", 100*share(before.Bad, before.Requests), 100*share(p.Bad, p.Requests), " %"),
			change(p.Name+", over-provisioning", 100*share(before.Over, before.Demand), 100*share(p.Over, p.Demand), " %"))
		was := result.Undefined()
		if len(before.Price) > 0 {
			was = sumOf(before.Price)
		}
		out = append(out, change(p.Name+", price", was, sumOf(p.Price), ""))
	}
	for _, name := range append(modelNames(old), policyNames(old)...) {
		if !slices.Contains(append(modelNames(now), policyNames(now)...), name) {
			out = append(out, fmt.Sprintf("%q: no longer guarded", name))
		}
	}
	return out
}

func change(what string, was, is result.Number, unit string) string {
	switch {
	case math.IsNaN(float64(was)):
		return fmt.Sprintf("%s: %.4g%s (not guarded before)", what, float64(is), unit)
	case was == is:
		return fmt.Sprintf("%s: %.4g%s, as before", what, float64(is), unit)
	}
	return fmt.Sprintf("%s: %.4g%s, was %.4g%s", what, float64(is), unit, float64(was), unit)
}
