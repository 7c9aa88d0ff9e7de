package backtest

import (
	"errors"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/sim"
)

// An apiServer answers requests for the scale of the Deployment, and for the HPA whose floor is
// raised, unless a fault lets it refuse them. Nothing else in the world asks it: pods that start
// become ready, and those of lost nodes are replaced.
type apiServer struct {
	world    *sim.World
	seed     uint64
	start    time.Time
	refusals []refusal
	// refused is told of every change that was refused.
	refused func(at time.Time)
}

type refusal struct {
	from, until time.Time
	share       float64
	reads       bool // not writes only
}

// errRefused is the answer of an API server that refuses a request. Its words are those that it
// has for an error of its own or of a webhook, and for too many requests, whichever it is.
var errRefused = errors.New("the server is currently unable to handle the request (the API server refuses it)")

func (e *env) apiServer(seed uint64, w *sim.World, all []fault) *apiServer {
	a := &apiServer{world: w, seed: seed, start: e.load.Start}
	for _, f := range all {
		if f.kind != v1alpha1.FaultAPIErrors {
			continue
		}
		share := f.share
		if share == 0 {
			share = 1
		}
		a.refusals = append(a.refusals, refusal{
			from: e.load.Start.Add(f.at), until: e.load.Start.Add(f.end),
			share: share, reads: f.requests == v1alpha1.RequestsAll,
		})
	}
	return a
}

// read is nil where a request that changes nothing is answered.
func (a *apiServer) read() error { return a.ask(false) }

// write is nil where a change is let through.
func (a *apiServer) write() error {
	err := a.ask(true)
	if err != nil && a.refused != nil {
		a.refused(a.world.Now())
	}
	return err
}

// ask draws whether a request is refused, for an instant rather than for a request: what a policy
// asked before does not change the luck of another, and who may read at an instant may write.
func (a *apiServer) ask(write bool) error {
	now, share := a.world.Now(), 0.0
	for _, r := range a.refusals {
		if (write || r.reads) && !now.Before(r.from) && now.Before(r.until) {
			share = max(share, r.share)
		}
	}
	if share == 0 || share < 1 && sim.Chance(a.seed, "api-errors", uint64(now.Sub(a.start))) >= share {
		return nil
	}
	return errRefused
}
