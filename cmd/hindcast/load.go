package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/datasets"
	"hindcast.dev/promdb"
)

// fewestValues is how many values of a load there must be. A backtest refuses fewer
// too, but calls the load by its name, not by its file.
const fewestValues = 8

// checkLoads returns what is wrong with any of the datasets, before the first run,
// which may take long.
func (in *input) checkLoads() error {
	var faults []error
	for i, d := range in.Spec.Datasets {
		faults = append(faults, in.missing(fmt.Sprintf("spec.datasets[%d].path", i), in.checkLoad(d)))
	}
	return errors.Join(faults...)
}

func (in *input) checkLoad(d v1alpha1.Dataset) error {
	s, from := datasets.Series{}, d.Path
	if d.Scenario != "" {
		sc, err := datasets.Find(d.Scenario)
		if err != nil {
			return err
		}
		s, from = sc.Generate(*in.Spec.Seed), "scenario:"+d.Scenario
	} else {
		var err error
		if s, err = promdb.OpenLoad(context.Background(), d.Path, d.Query, d.Step.Duration); err != nil {
			return err
		}
	}
	if err := enough(s, from); err != nil {
		return err
	}
	return in.blame(in.Spec.FaultsWithin(from, s.Start, s.End()))
}

// enough returns an error for a load that nothing can be compared on; from is where it
// came from.
func enough(s datasets.Series, from string) error {
	st := datasets.Stats(s)
	switch {
	case st.Points < fewestValues:
		return fmt.Errorf("%s: %d values are too few to compare on; give at least %d", from, st.Points, fewestValues)
	case st.Max == 0:
		return fmt.Errorf("%s: no load, every value is 0; give a recording of a time with load", from)
	}
	return nil
}

// openLoad opens a file, tsdb:FOLDER or scenario:NAME, and tells who says what its unit is.
func openLoad(arg, unit string) (s datasets.Series, said string, err error) {
	if name, ok := strings.CutPrefix(arg, "scenario:"); ok {
		sc, err := datasets.Find(name)
		if err != nil {
			return s, "", err
		}
		s, said = sc.Generate(1), "the scenario says so"
	} else {
		if s, err = promdb.OpenLoad(context.Background(), arg, "", 0); err != nil {
			return s, "", err
		}
		said = "taken for granted: a file does not say, --unit does"
	}
	if unit != "" {
		if s.Unit, err = datasets.ParseUnit(unit); err != nil {
			return s, "", fmt.Errorf("--unit: %w", err)
		}
		said = "given by --unit"
	}
	return s, said, nil
}
