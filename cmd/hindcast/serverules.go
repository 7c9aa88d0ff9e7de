package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/promdb"
)

// runRules reads how the rules of each policy's run stood at its end; the policy becomes
// part of the name of the file, since a server tells groups apart by that. A run that had
// rules but did not keep them, as older ones, gives the reason instead.
func runRules(f *result.Folder, policies []string) (groups []promdb.GroupState, missing string, err error) {
	kept := false
	for _, policy := range policies {
		name := filepath.Join(f.Dir, result.RunsDir, policy, result.RulesFile)
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		var of []promdb.GroupState
		if err := json.Unmarshal(data, &of); err != nil {
			return nil, "", fmt.Errorf("%s: %w; run `hindcast backtest` again", name, err)
		}
		kept = true
		for _, g := range of {
			g.File = policy + ": " + g.File
			groups = append(groups, g)
		}
	}
	if !kept {
		missing, err = rulesMissing(f)
	}
	return groups, missing, err
}

// rulesMissing says what to do where the experiment of a run names rules.
func rulesMissing(f *result.Folder) (string, error) {
	name := filepath.Join(f.Dir, result.ExperimentFile)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	docs, err := v1alpha1.Decode(data, name)
	if err != nil {
		return "", err
	}
	for _, d := range docs {
		if d.Experiment != nil && len(d.Experiment.Spec.Rules) > 0 {
			return "rules were evaluated in this run but not kept with it: alerts have no annotations, and there are no rules to show; run `hindcast backtest` again to have them", nil
		}
	}
	return "", nil
}
