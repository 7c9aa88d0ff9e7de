package backtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"hindcast.dev/backtest/result"
)

// writeBlocks writes what `hindcast check` compares: the errors of the models, and
// what the policies did as configured, by days.
func (b *bench) writeBlocks(res *result.Result) error {
	blocks := &b.blocks
	blocks.Schema = result.BlocksSchema
	blocks.Objective = b.env.objective
	conditions, err := json.Marshal(struct {
		App         result.App
		SLO         result.SLO
		Seed, Seeds any
	}{res.App, res.SLO, res.Seed, res.Seeds})
	if err != nil {
		return fmt.Errorf("encode the conditions: %w", err)
	}
	hash := sha256.Sum256(conditions)
	blocks.Conditions = "sha256:" + hex.EncodeToString(hash[:])
	blocks.Policies = []result.PolicyBlocks{}
	for _, ent := range b.entrants {
		blocks.Policies = append(blocks.Policies, b.policyBlocks(ent.name))
	}
	text, err := blocks.Encode()
	if err != nil {
		return err
	}
	return b.out.WriteFile(text, result.BlocksFile)
}

func (b *bench) policyBlocks(name string) result.PolicyBlocks {
	p := result.PolicyBlocks{Name: name, BlockSeconds: day.Seconds()}
	seeds := b.contest.asIs[name].days()
	for d := range seeds[0] {
		var t tally
		for s := range seeds {
			if d < len(seeds[s]) {
				t.add(&seeds[s][d])
			}
		}
		p.Requests = append(p.Requests, result.Rounded(t.requests))
		p.Bad = append(p.Bad, result.Rounded(t.bad))
		p.Over = append(p.Over, result.Rounded(t.over))
		p.Demand = append(p.Demand, result.Rounded(t.demandTime))
		p.Price = append(p.Price, result.Rounded(t.price(b.env.prices)))
	}
	return p
}
