package policy

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"hindcast.dev/forecast"
)

// V2Config holds the parameters of V2. Zero fields have the defaults of its published
// source. CPU figures are means per pod in millicores.
type V2Config struct {
	Interval             time.Duration // time between two checks; 0: 30 s
	Min, Max             int32         // bounds of the replicas; 0: 1 and 6
	TargetMilliCPU       float64       // what its formula gives each pod; 0: 200
	HighMilliCPU         float64       // above it one more pod is allowed; 0: 250
	LowMilliCPU          float64       // below it one less is; 0: 50
	MinScaleDownMilliCPU float64       // below it Min is always allowed; 0: 100
	MaxScaleUpMilliCPU   float64       // above it Max is always allowed; 0: 800
	Trees                int           // of the random forest; 0: 50
	Seed                 uint64        // of the random forest; 0: 42
	HistoryMax           int           // samples kept, at least 20; 0: 1,000
}

// Scale returns c with target, high and low multiplied by factor: the one knob by
// which V2 trades cost against SLA. Above 1 it runs hotter. The two figures of the
// rules for Min and Max stay, as they are constants in its source.
func (c V2Config) Scale(factor float64) V2Config {
	c = c.withDefaults()
	c.TargetMilliCPU *= factor
	c.HighMilliCPU *= factor
	c.LowMilliCPU *= factor
	return c
}

func (c V2Config) withDefaults() V2Config {
	return V2Config{
		Interval:             cmp.Or(c.Interval, 30*time.Second),
		Min:                  cmp.Or(c.Min, 1),
		Max:                  cmp.Or(c.Max, 6),
		TargetMilliCPU:       cmp.Or(c.TargetMilliCPU, 200),
		HighMilliCPU:         cmp.Or(c.HighMilliCPU, 250),
		LowMilliCPU:          cmp.Or(c.LowMilliCPU, 50),
		MinScaleDownMilliCPU: cmp.Or(c.MinScaleDownMilliCPU, 100),
		MaxScaleUpMilliCPU:   cmp.Or(c.MaxScaleUpMilliCPU, 800),
		Trees:                cmp.Or(c.Trees, 50),
		Seed:                 cmp.Or(c.Seed, 42),
		HistoryMax:           cmp.Or(c.HistoryMax, 1000),
	}
}

func (c V2Config) validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(c.Interval < 0, "interval %s is negative", c.Interval)
	fault(c.Min < 1, "min %d is below 1", c.Min)
	fault(c.Max < c.Min, "max %d is below min %d", c.Max, c.Min)
	for _, v := range []struct {
		name     string
		milliCPU float64
	}{
		{"target", c.TargetMilliCPU},
		{"high", c.HighMilliCPU},
		{"low", c.LowMilliCPU},
		{"min scale down", c.MinScaleDownMilliCPU},
		{"max scale up", c.MaxScaleUpMilliCPU},
	} {
		// Written so that NaN fails too.
		fault(!(v.milliCPU > 0 && v.milliCPU <= math.MaxFloat64), "%s %v m is not positive and finite", v.name, v.milliCPU)
	}
	fault(c.LowMilliCPU > c.HighMilliCPU, "low %v m is above high %v m", c.LowMilliCPU, c.HighMilliCPU)
	fault(c.Trees < 0, "%d trees", c.Trees)
	fault(c.HistoryMax < v2MinSamples, "a history of %d samples never trains a model, it needs %d", c.HistoryMax, v2MinSamples)
	return errors.Join(faults...)
}

// Constants of V2's source.
const (
	v2MinSamples = 20 // from here on the model decides, and may be trained
	v2TrainEvery = 10 // checks between two trainings
)

// ErrNoModel is the error of a check of V2 that has samples enough to ask its model,
// but no training took place yet.
var ErrNoModel = errors.New("no model is trained yet")

// V2 is the scaler that V3 replaces, faults included (nabanish/pubPerf, AI scaler
// V2): a random forest that repeats a formula of the CPU used now, behind a rule that
// refuses most single steps.
//
// Checks are numbered from 1, and every check counts, also one that is skipped for
// want of metrics: the source raises the number before it looks. So after a skipped
// check the 20th sample does not come at the 20th check, and until the next check
// that trains, the source asks a model that was never fitted, which fails and skips
// the check.
//
// The pods are those that have a sample, whatever their phase, as its only source is
// the resource metrics API. Times are in UTC.
type V2 struct {
	cfg     V2Config
	check   int
	history v2History
	forest  forecast.Forest
	model   forecast.FittedForest
	trained bool
}

var _ Policy = (*V2)(nil)

// MaxReplicas is the most replicas that it asks for.
func (v *V2) MaxReplicas() int32 { return v.cfg.Max }

// NewV2 returns V2 before its first check. The error joins all faults of cfg.
func NewV2(cfg V2Config) (*V2, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("v2: %w", err)
	}
	return &V2{
		cfg:     cfg,
		history: v2History{max: cfg.HistoryMax},
		forest:  forecast.Forest{Trees: cfg.Trees, Bootstrap: true, Seed: cfg.Seed},
	}, nil
}

// Needs asks for the pods.
func (v *V2) Needs() Needs { return Needs{Interval: v.cfg.Interval, Pods: true} }

// Decide makes one check. Its single Proposal comes from the heuristic or from the
// model; a wish that the dampening rule refuses is a Clamp of that name.
func (v *V2) Decide(in Input) Decision {
	v.check++
	if in.PodsErr != nil {
		return v2Skipped(in, "metrics", in.PodsErr)
	}
	s, ok := newV2Sample(in)
	if !ok {
		return v2Skipped(in, "metrics", ErrNoData)
	}
	v.history.append(s, v.optimal(s.totalMilliCPU))
	if v.check%v2TrainEvery == 0 && v.history.len() >= v2MinSamples {
		v.history.shortenStart()
		if err := v.forest.Refit(&v.model, v.history.features, v.history.targets); err != nil {
			return v2Skipped(in, "model", err)
		}
		v.trained = true
	}

	p := Proposal{Source: "heuristic", Replicas: v.heuristic(s)}
	if v.history.len() >= v2MinSamples {
		if !v.trained {
			return v2Skipped(in, "model", ErrNoModel)
		}
		p = v.ask(s)
	}
	p.Detail += s.String()
	return v.dampen(in.Spec, s.milliCPU, p)
}

// optimal is the formula that the model is trained to repeat.
func (v *V2) optimal(totalMilliCPU float64) float64 {
	n := max(1, math.Ceil(totalMilliCPU/v.cfg.TargetMilliCPU))
	return max(float64(v.cfg.Min), min(float64(v.cfg.Max), n))
}

// heuristic is the wish while there are too few samples for the model.
func (v *V2) heuristic(s v2Sample) int32 {
	switch {
	case s.milliCPU > v.cfg.HighMilliCPU:
		return min(s.pods+1, v.cfg.Max)
	case s.milliCPU < v.cfg.LowMilliCPU && s.pods > v.cfg.Min:
		return s.pods - 1
	}
	return s.pods
}

// ask returns the wish of the model.
func (v *V2) ask(s v2Sample) Proposal {
	y := v.model.Predict(v.history.question(s))
	n := max(v.cfg.Min, min(v.cfg.Max, int32(math.RoundToEven(y))))
	return Proposal{
		Source:   "model",
		Replicas: n,
		Detail:   "prediction " + strconv.FormatFloat(y, 'f', 2, 64) + ", ",
	}
}

// The reasons of V2.
const (
	v2NoMetrics = "Skipped: no pod has a CPU sample"
	v2NoModel   = "Skipped: the model failed"
	v2Agreed    = "Kept: the wish is the present number"
	v2Refused   = "Dampened: one step, and CPU per pod is neither high nor low enough for it"
	v2Up        = "Scaled: up, CPU per pod is high"
	v2Down      = "Scaled: down, CPU per pod is low"
	v2Far       = "Scaled: two or more replicas apart"
	v2ToMin     = "Scaled: to the minimum, CPU per pod is below its limit"
	v2ToMax     = "Scaled: to the maximum, CPU per pod is above its limit"
)

// dampen carries the wish p out where one of five rules allows it.
func (v *V2) dampen(spec int32, milliCPU float64, p Proposal) Decision {
	d := Decision{Replicas: spec, Raw: p.Replicas, Proposals: []Proposal{p}}
	switch n := p.Replicas; {
	case n == spec:
		d.Reason = v2Agreed
		return d
	case n > spec && milliCPU > v.cfg.HighMilliCPU:
		d.Reason = v2Up
	case n < spec && milliCPU < v.cfg.LowMilliCPU:
		d.Reason = v2Down
	case n-spec >= 2 || spec-n >= 2:
		d.Reason = v2Far
	case n == v.cfg.Min && milliCPU < v.cfg.MinScaleDownMilliCPU:
		d.Reason = v2ToMin
	case n == v.cfg.Max && milliCPU > v.cfg.MaxScaleUpMilliCPU:
		d.Reason = v2ToMax
	default:
		d.Reason = v2Refused
		d.Clamps = []Clamp{{Name: "dampening", From: n, To: spec}}
		return d
	}
	// The heuristic may wish for more than Max or less than Min where so many pods are seen.
	d.Replicas = max(v.cfg.Min, min(v.cfg.Max, p.Replicas))
	switch {
	case d.Replicas < p.Replicas:
		d.Clamps = []Clamp{{Name: clampMax, From: p.Replicas, To: d.Replicas}}
	case d.Replicas > p.Replicas:
		d.Clamps = []Clamp{{Name: clampMin, From: p.Replicas, To: d.Replicas}}
	}
	return d
}

// v2Skipped holds the current number because source failed.
func v2Skipped(in Input, source string, err error) Decision {
	reason := v2NoMetrics
	if source == "model" {
		reason = v2NoModel
	}
	return Decision{
		Replicas:  in.Spec,
		Hold:      true,
		Reason:    reason,
		Raw:       in.Spec,
		Proposals: []Proposal{{Source: source, Replicas: in.Spec, Err: err}},
	}
}
