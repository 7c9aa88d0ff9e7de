package policy

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// OracleConfig configures an Oracle. Demand and MaxLoad are not optional.
type OracleConfig struct {
	// Interval is the time between two decisions; more than 0.
	Interval time.Duration
	// Lead is how long a new replica takes until it serves; 0 or more.
	Lead time.Duration
	// Demand returns the fewest replicas that carry a constant load. It must not
	// fall as the load rises.
	Demand func(load float64) int32
	// MaxLoad returns the highest load of [from, to], in the unit of Demand, and
	// NaN where no load is known.
	MaxLoad func(from, to time.Time) float64
	// Min and Max bound the replicas, 0 <= Min <= Max and 1 <= Max.
	Min, Max int32
}

// An Oracle knows the future load: it asks for the replicas that the worst instant
// needs until those of the next decision could serve, and shrinks at once. It is
// the bound that no scaler with the same start-up delay can beat without falling
// short, and the only policy that sees the future; every other one must decide the
// same whatever the future holds.
type Oracle struct{ cfg OracleConfig }

// NewOracle returns an Oracle. The error joins all faults of cfg.
func NewOracle(cfg OracleConfig) (*Oracle, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if cfg.Interval <= 0 {
		fault("interval: %v is not positive", cfg.Interval)
	}
	if cfg.Lead < 0 {
		fault("lead: %v is negative", cfg.Lead)
	}
	if cfg.Demand == nil {
		fault("demand: not set")
	}
	if cfg.MaxLoad == nil {
		fault("max load: not set")
	}
	if cfg.Min < 0 || cfg.Max < 1 || cfg.Min > cfg.Max {
		fault("min, max: %d, %d are not 0 <= min <= max with max >= 1", cfg.Min, cfg.Max)
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("oracle: %w", errors.Join(faults...))
	}
	return &Oracle{cfg}, nil
}

// Needs asks for nothing: the load comes from OracleConfig.MaxLoad.
func (o *Oracle) Needs() Needs { return Needs{Interval: o.cfg.Interval} }

// Decide returns the demand of the highest load from now until the replicas of the
// next decision could serve. Where that load is not known it holds.
func (o *Oracle) Decide(in Input) Decision {
	horizon := o.cfg.Lead + o.cfg.Interval
	load := o.cfg.MaxLoad(in.Now, in.Now.Add(horizon))
	if math.IsNaN(load) {
		return Decision{Replicas: in.Spec, Raw: in.Spec, Hold: true, Reason: "NoLoad: the load to come is not known"}
	}
	raw := o.cfg.Demand(load)
	d := Decision{
		Replicas: raw, Raw: raw, Reason: "Oracle: the demand of the highest load to come",
		Forecast: &Forecast{Model: "oracle", Horizon: horizon, Point: load, Quantile: 1, Upper: load, Observed: math.NaN()},
	}
	d.bound(o.cfg.Min, o.cfg.Max)
	return d
}

// bound clamps the replicas to [lowest, highest] and notes it.
func (d *Decision) bound(lowest, highest int32) {
	if d.Replicas < lowest {
		d.clamp(clampMin, lowest)
	}
	if d.Replicas > highest {
		d.clamp(clampMax, highest)
	}
}

var _ Policy = (*Oracle)(nil)
