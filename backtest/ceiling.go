package backtest

import (
	"fmt"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/policy"
	"hindcast.dev/sim"
)

// A ceiling counts what the most replicas that a policy may have keep from it, in the scored part.
type ceiling struct {
	most     int32
	from     time.Time
	time     time.Duration // with demand
	short    time.Duration // of it, with all asked for and more needed
	bad      float64       // requests
	badShort float64       // of them, in that time
}

// most is how many replicas a setup may have; 0: it does not say.
func (s *setup) most() int32 {
	switch p := s.policy.(type) {
	case interface{ MaxReplicas() int32 }: // HPA and V2
		return p.MaxReplicas()
	case *policy.V3:
		if s.hpa != nil {
			return s.hpa.MaxReplicas() // it raises the floor of that
		}
		_, most := p.Bounds()
		return most
	}
	return 0
}

func (c *ceiling) add(sp *sim.Span, demand int32) {
	if sp.Gap || sp.From.Before(c.from) {
		return
	}
	bad := outcomeOf(sp).bad
	c.bad += bad
	if demand == 0 {
		return
	}
	dt := sp.To.Sub(sp.From)
	c.time += dt
	if demand > c.most && sp.Desired >= c.most {
		c.short += dt
		c.badShort += bad
	}
}

// atMax sums up the ceilings of a policy's runs; nil: its replicas were always enough, or it has no such
// bound.
func atMax(all []output) *result.AtMax {
	var sum ceiling
	for i := range all {
		c := &all[i].ceiling
		sum.most = c.most
		sum.time += c.time
		sum.short += c.short
		sum.bad += c.bad
		sum.badShort += c.badShort
	}
	if sum.most == 0 || sum.short == 0 {
		return nil
	}
	return &result.AtMax{
		MaxReplicas: sum.most,
		TimeShare:   ratio(sum.short.Seconds(), sum.time.Seconds()),
		BadShare:    ratio(sum.badShort, sum.bad),
	}
}

// ceilingNotes say which policies may not have what the load needs.
func ceilingNotes(r *result.Result) []string {
	var notes []string
	for _, p := range r.Policies {
		if a := p.AtMax; a != nil {
			notes = append(notes, fmt.Sprintf("%s may have %d replicas at most, and the load needs up to %d: for %s of the time it had asked for all of them and more were needed. "+
				"%s of its bad requests fell into that time, which no policy can help: only a higher maxReplicas, or a lower load (--peak-pods).",
				p.Name, a.MaxReplicas, r.App.MaxDemand, percent(float64(a.TimeShare), 1), percent(float64(a.BadShare), 0)))
		}
	}
	return notes
}
