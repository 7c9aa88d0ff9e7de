package main

import (
	"cmp"
	"slices"

	"hindcast.dev/backtest/gate"
	"hindcast.dev/backtest/result"
)

// blocks are what `hindcast check` compares of scored models.
func (p *evalPlan) blocks(models []modelScore) result.Blocks {
	b := result.Blocks{
		Schema: result.BlocksSchema, Series: gate.SeriesOf(p.load.Name, p.past(len(p.series.Values)), p.options.WarmUp),
		Models: []result.ModelBlocks{}, Policies: []result.PolicyBlocks{},
	}
	for _, m := range models {
		if m.unfit != nil {
			continue
		}
		m.Blocks = m.Blocks[:min(len(m.Blocks), len(p.options.Horizons))] // further ones are drawn only
		scored := gate.ModelOf(m.Name, m.ModelEvaluation, p.series.Step)
		slices.SortFunc(scored.Horizons, func(a, b result.HorizonBlocks) int { return cmp.Compare(a.HorizonSeconds, b.HorizonSeconds) })
		b.Models = append(b.Models, scored)
	}
	return b
}
