package policy

import "time"

// Needed is how many replicas carry the load observed now, within the bounds, as the
// targets of the metrics have it; false where a metric has no current value.
func (v *V3) Needed(now time.Time) (n int32, ok bool) {
	wishes := make([]wanted, len(v.outlooks))
	for i, o := range v.outlooks {
		if o.lastAt.IsZero() || now.Sub(o.lastAt) >= v.cfg.StaleAfter {
			return 0, false
		}
		wishes[i].up = o.replicas(o.last)
	}
	n, _, _ = v.combine(wishes)
	return min(max(n, v.cfg.Min), v.cfg.Max), true
}
