package main

import (
	"hindcast.dev/backtest/gate"
	"hindcast.dev/backtest/result"
)

// evalBlocks are what `hindcast check` compares of scored models.
func evalBlocks(p *evalPlan, scores []modelScore) result.Blocks {
	b := result.Blocks{
		Schema: result.BlocksSchema, Series: gate.SeriesOf(p.load.Name, p.past(len(p.series.Values)), p.options.WarmUp),
		Models: []result.ModelBlocks{}, Policies: []result.PolicyBlocks{},
	}
	for _, s := range scores {
		if s.unfit == nil {
			b.Models = append(b.Models, gate.ModelOf(s.Name, s.ModelEvaluation, p.series.Step))
		}
	}
	return b
}
