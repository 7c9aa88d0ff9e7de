package gate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hindcast.dev/backtest/result"
)

// figuresOf pairs every guarded figure of the baseline with the same one of the run.
func figuresOf(run, base *result.Blocks, opt Options) ([]figure, error) {
	var figures []figure
	var faults []error
	for _, old := range base.Models {
		i := slices.IndexFunc(run.Models, func(m result.ModelBlocks) bool { return m.Name == old.Name })
		if i < 0 {
			faults = append(faults, fmt.Errorf("the run has no scores of model %q, which the baseline guards; it has %s", old.Name, list(modelNames(run))))
			continue
		}
		found, err := modelFigures(&run.Models[i], &old, opt.Margin)
		figures, faults = append(figures, found...), append(faults, err)
	}
	if len(base.Policies) > 0 && len(run.Policies) > 0 && run.Conditions != base.Conditions {
		faults = append(faults, errors.New("the policies were run under other conditions than those of the baseline (application, SLO, prices or seeds); "+
			"update the baseline with --update-baseline if this is meant"))
	}
	for _, old := range base.Policies {
		i := slices.IndexFunc(run.Policies, func(p result.PolicyBlocks) bool { return p.Name == old.Name })
		if i < 0 {
			faults = append(faults, fmt.Errorf("the run has no policy %q, which the baseline guards; it has %s", old.Name, list(policyNames(run))))
			continue
		}
		found, err := policyFigures(&run.Policies[i], &old, base.Objective, opt.ScalerMargin)
		figures, faults = append(figures, found...), append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if len(figures) == 0 {
		return nil, errors.New("the baseline guards nothing; write it again with --update-baseline")
	}
	return figures, nil
}

func modelFigures(run, base *result.ModelBlocks, margin float64) ([]figure, error) {
	var figures []figure
	for _, old := range base.Horizons {
		i := slices.IndexFunc(run.Horizons, func(h result.HorizonBlocks) bool { return h.HorizonSeconds == old.HorizonSeconds })
		if i < 0 {
			return nil, fmt.Errorf("the run has no scores of model %q at %s, which the baseline guards", base.Name, words(old.HorizonSeconds))
		}
		now := run.Horizons[i]
		if len(now.Absolute) != len(old.Absolute) || now.BlockSeconds != old.BlockSeconds {
			return nil, fmt.Errorf("model %q at %s: the blocks of the run are not those of the baseline; write it again with --update-baseline", base.Name, words(old.HorizonSeconds))
		}
		f := figure{
			Guard: result.Guard{
				Subject: base.Name, Measure: "WAPE at " + words(old.HorizonSeconds), Unit: "%",
				Old: old.WAPE, New: now.WAPE, Margin: margin,
			},
			paired:       pair(now.Absolute, old.Absolute, old.Absolute, 1),
			blockSeconds: old.BlockSeconds, least: fewestParts,
		}
		for _, v := range now.Absolute {
			if !v.Defined() {
				f.missing++
			}
		}
		figures = append(figures, f)
	}
	return figures, nil
}

func policyFigures(run, base *result.PolicyBlocks, objective, margin float64) ([]figure, error) {
	if len(run.Requests) != len(base.Requests) {
		return nil, fmt.Errorf("policy %q: the days of the run are not those of the baseline; write it again with --update-baseline", base.Name)
	}
	guard := func(measure, unit string, now, old result.Number) result.Guard {
		return result.Guard{Subject: base.Name, Measure: measure, Unit: unit, Old: old, New: now, Margin: margin}
	}
	figures := []figure{
		{
			Guard:  guard("bad requests", "%", share(run.Bad, run.Requests), share(base.Bad, base.Requests)),
			paired: pair(run.Bad, base.Bad, base.Requests, 1-objective),
		},
		{
			Guard:  guard("over-provisioning", "%", share(run.Over, run.Demand), share(base.Over, base.Demand)),
			paired: pair(run.Over, base.Over, base.Over, 1),
		},
		{
			Guard:  guard("price", "", sumOf(run.Price), sumOf(base.Price)),
			paired: pair(run.Price, base.Price, base.Price, 1),
		},
	}
	for i := range figures {
		// The last day may be short, and few days make intervals wide, not wrong: the
		// house asks for seven of them.
		days := float64(len(base.Requests))
		figures[i].days, figures[i].blockSeconds = true, base.BlockSeconds
		if figures[i].least = 0; days < fewestDays {
			figures[i].least = days + 1
		}
	}
	return figures, nil
}

// pair returns the change from then to now by block, and what it is a share of.
func pair(now, then, scale []result.Number, factor float64) paired {
	p := paired{change: make([]float64, len(then)), scale: make([]float64, len(then))}
	for i := range then {
		p.change[i] = float64(now[i] - then[i])
		p.scale[i] = factor * float64(scale[i])
	}
	return p
}

func sumOf(v []result.Number) result.Number {
	t := 0.0
	for _, x := range v {
		t += float64(x)
	}
	return result.Number(t)
}

// share is undefined where the whole is 0: division says so.
func share(part, whole []result.Number) result.Number { return sumOf(part) / sumOf(whole) }

// words writes a horizon as users give it: 5m, not 5m0s.
func words(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	}
	return d.String()
}
