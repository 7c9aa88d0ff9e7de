package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/result"
	"hindcast.dev/forecast"
	"hindcast.dev/reports"
)

// An evalOutput is the folder with the report of scores, nil where nobody asked for one.
type evalOutput struct {
	dir     string
	parents []string // folders above it that were not there
	writer  *result.Writer
	timing  []evalTiming
}

// evalTiming is what a model took on this machine, which is in no other file.
type evalTiming struct {
	Dataset       string  `json:"dataset"`
	Model         string  `json:"model"`
	Fits          int     `json:"fits"`
	FitSeconds    float64 `json:"fitSeconds"`
	Updates       int     `json:"updates"`
	UpdateSeconds float64 `json:"updateSeconds"` // with the forecast after each
}

func newEvalOutput(c *cli.Context) (*evalOutput, error) {
	dir := c.String("output")
	if dir == "" {
		return nil, nil
	}
	parents := missingAbove(dir)
	w, err := result.NewWriter(dir, c.Bool("force"))
	switch {
	case errors.Is(err, result.ErrExists):
		return nil, fmt.Errorf("%w; choose another with -o, or replace it with --force", err)
	case err != nil:
		return nil, fmt.Errorf("%w; choose another with -o", err)
	}
	return &evalOutput{dir: dir, parents: parents, writer: w}, nil
}

// abort leaves nothing behind of what was begun and not finished.
func (o *evalOutput) abort() error {
	if o == nil {
		return nil
	}
	err := o.writer.Abort()
	removeEmpty(o.parents)
	return err
}

// add keeps what is drawn of the i-th load, and what its models took.
func (o *evalOutput) add(i int, p *evalPlan, scores []modelScore) error {
	if o == nil {
		return nil
	}
	for _, s := range scores {
		if s.unfit != nil {
			continue
		}
		o.timing = append(o.timing, evalTiming{p.load.Name, s.Name, s.Fits, s.FitTime.Seconds(), s.Updates, s.UpdateTime.Seconds()})
		if s.Track == nil {
			continue
		}
		f, err := o.writer.Create(result.ForecastsDir, result.ShownFile(i))
		if err != nil {
			return err
		}
		if err := errors.Join(result.WriteForecasts(f, trackRows(s.Track)), f.Close()); err != nil {
			return fmt.Errorf("write forecasts of %s: %w", s.Name, err)
		}
	}
	return nil
}

func trackRows(t *forecast.Track) []result.ForecastRow {
	rows := make([]result.ForecastRow, len(t.Time))
	for i := range rows {
		rows[i] = result.ForecastRow{
			Time: t.Time[i], Actual: t.Actual[i], Point: t.Point[i],
			Lower80: t.Lower80[i], Upper80: t.Upper80[i], Lower95: t.Lower95[i], Upper95: t.Upper95[i],
		}
	}
	return rows
}

// finish draws the report, puts the folder in its place and says where it is.
func (o *evalOutput) finish(json []byte, said *bytes.Buffer) error {
	if o == nil {
		return nil
	}
	if err := o.writer.WriteFile(json, result.ScoresFile); err != nil {
		return err
	}
	if err := o.writer.WriteJSON(o.timing, result.TimingFile); err != nil {
		return err
	}
	f, err := result.OpenScores(o.writer.Staging())
	if err != nil {
		return err
	}
	if err := reports.WriteScores(f, o.writer.Staging()); err != nil {
		return fmt.Errorf("draw the report: %w", err)
	}
	if err := o.writer.Commit(); err != nil {
		return err
	}
	fmt.Fprintf(said, "\nreport: %s\n", filepath.Join(o.dir, result.HTMLFile))
	return nil
}
