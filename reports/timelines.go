package reports

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"

	"hindcast.dev/backtest/result"
)

// tracks are the curves of one policy over one range of time.
type tracks struct {
	demand, desired, ready *bins // replicas
	over, under            *bins // replicas above and below the demand
	p99                    *bins // seconds
}

func newTracks(from, to float64) *tracks {
	b := func() *bins { return newBins(from, to, columns) }
	return &tracks{demand: b(), desired: b(), ready: b(), over: b(), under: b(), p99: b()}
}

func (k *tracks) add(t0, t1 float64, r result.Row) {
	k.demand.add(t0, t1, float64(r.Demand))
	k.desired.add(t0, t1, float64(r.Desired))
	k.ready.add(t0, t1, float64(r.Ready))
	k.over.add(t0, t1, float64(max(r.Ready-r.Demand, 0)))
	k.under.add(t0, t1, float64(max(r.Demand-r.Ready, 0)))
	k.p99.add(t0, t1, r.P99)
}

// runTimelines are the timelines of a run, thinned to the width of a picture.
type runTimelines struct {
	clock         clock
	start, scored float64 // Unix seconds: of the data, of the scored part
	end           float64
	load          *bins   // requests/s over the whole data; nil without a timeline
	zoomFrom      float64 // the hours around the steepest rise
	zoomTo        float64
	policies      []policyTimeline // in the order of the result
	faults        []result.Fault
	missing       []string // policies whose timeline is not in the folder
}

type policyTimeline struct {
	policy       result.Policy
	pen          pen
	file         string // slug
	scored, zoom *tracks
}

// readTimelines reads every policy's timeline once, and the first one a second time
// to find the rise that is drawn closely.
func readTimelines(f *result.Folder) (*runTimelines, error) {
	d := f.Result.Dataset
	run := &runTimelines{
		clock: clock{start: d.Start, relative: d.Relative},
		start: seconds1970(d.Start), scored: seconds1970(d.ScoredFrom), end: seconds1970(d.End),
		faults: f.Result.Faults,
	}
	if d.ScoredFrom.Before(d.Start) {
		run.scored = run.start
	}
	if !(run.scored < run.end) {
		return run, nil
	}
	names := make([]string, len(f.Result.Policies))
	for i, p := range f.Result.Policies {
		names[i] = p.Name
	}
	files, pens := slugs(names), policyPens(&f.Result)
	for i, p := range f.Result.Policies {
		track := policyTimeline{policy: p, pen: pens[i], file: files[i]}
		err := run.read(f, &track)
		if errors.Is(err, fs.ErrNotExist) {
			run.missing = append(run.missing, p.Name)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("timeline of %s: %w", plain(p.Name), err)
		}
		run.policies = append(run.policies, track)
	}
	return run, nil
}

func (run *runTimelines) read(f *result.Folder, p *policyTimeline) error {
	first := run.load == nil
	if first {
		load := newBins(run.start, run.end, columns)
		rise := riseFinder{}
		err := eachStretch(f, p.policy.Name, func(t0, t1 float64, r result.Row) {
			load.add(t0, t1, r.Load)
			if t0 >= run.scored {
				rise.add(t0, float64(r.Demand))
			}
		})
		if err != nil {
			return err
		}
		run.load = load
		run.zoomFrom, run.zoomTo = around(rise.at, run.scored, run.end)
	}
	p.scored, p.zoom = newTracks(run.scored, run.end), newTracks(run.zoomFrom, run.zoomTo)
	return eachStretch(f, p.policy.Name, func(t0, t1 float64, r result.Row) {
		if t1 > run.scored {
			p.scored.add(t0, t1, r)
		}
		if t1 > run.zoomFrom && t0 < run.zoomTo {
			p.zoom.add(t0, t1, r)
		}
	})
}

// eachStretch calls fn for every row with its start and end in Unix seconds.
func eachStretch(f *result.Folder, policy string, fn func(t0, t1 float64, r result.Row)) error {
	var last result.Row
	started := false
	for row, err := range f.Timeline(policy) {
		if err != nil {
			return err
		}
		if started {
			fn(seconds1970(last.Time), seconds1970(row.Time), last)
		}
		last, started = row, true
	}
	return nil
}

const (
	riseWithin = 30 * time.Minute
	zoomLength = 6 * time.Hour
)

// around returns the zoom's range with t in its middle, kept within [from, to].
func around(t, from, to float64) (zoomFrom, zoomTo float64) {
	n := min(zoomLength.Seconds(), to-from)
	zoomFrom = min(max(t-n/2, from), to-n)
	return zoomFrom, zoomFrom + n
}

// riseFinder finds where demand has risen most above its lowest value of the last
// half hour; the earliest of equals.
type riseFinder struct {
	at, rise float64
	seen     bool
	// window holds the candidates for the lowest value, rising in time and value.
	window []xy
}

func (r *riseFinder) add(t, demand float64) {
	if math.IsNaN(demand) {
		return
	}
	if !r.seen {
		r.at, r.seen = t, true
	}
	for len(r.window) > 0 && r.window[len(r.window)-1].y >= demand {
		r.window = r.window[:len(r.window)-1]
	}
	r.window = append(r.window, xy{t, demand})
	for r.window[0].x < t-riseWithin.Seconds() {
		r.window = r.window[1:]
	}
	if up := demand - r.window[0].y; up > r.rise {
		r.at, r.rise = t, up
	}
}
