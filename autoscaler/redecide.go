package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"hindcast.dev/policy"
)

// ErrNoStart is returned for a log that does not begin with a Start: policies remember,
// so a log from the middle of a life does not replay.
var ErrNoStart = errors.New("the log does not begin with the start of a policy")

// A Difference is a decision that came out otherwise when it was made again.
type Difference struct {
	Time                time.Time
	Was, Is             int32
	WasReason, IsReason string
}

// A Redecision is the outcome of a replay.
type Redecision struct {
	Starts, Steps, Skipped int
	Differences            []Difference
}

// Redecide makes all decisions of a log again from what was recorded: the policy of each
// Start, given the inputs in order. An error is one of reading, of building a policy, or
// ctx's.
func Redecide(ctx context.Context, log iter.Seq2[Record, error]) (Redecision, error) {
	var out Redecision
	var p *policy.V3
	for rec, err := range log {
		if err != nil {
			return out, err
		}
		if err := ctx.Err(); err != nil {
			return out, err
		}
		switch {
		case rec.Start != nil:
			if p, err = rec.Start.Policy(ctx); err != nil {
				return out, fmt.Errorf("start at %s: %w", rec.Time.UTC().Format(time.RFC3339), err)
			}
			out.Starts++
			continue
		case p == nil:
			return out, ErrNoStart
		case rec.Skipped:
			out.Skipped++
			continue
		}
		d := p.Decide(rec.Input())
		if d.Replicas != rec.Replicas || d.Reason != rec.Reason {
			out.Differences = append(out.Differences, Difference{
				Time: rec.Time, Was: rec.Replicas, Is: d.Replicas, WasReason: rec.Reason, IsReason: d.Reason,
			})
		}
		out.Steps++
		if rec.Scaled {
			p.Commit(rec.Time, rec.Spec, rec.scaledTo())
		}
	}
	if out.Starts == 0 {
		return out, ErrNoStart
	}
	return out, nil
}
