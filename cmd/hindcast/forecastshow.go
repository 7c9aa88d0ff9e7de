package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
)

// evalSchema names the version of what `forecast eval --json` writes.
const evalSchema = "hindcast/forecast/v1"

// An evalFile is what `forecast eval --json` writes. Undefined numbers are null.
type evalFile struct {
	Schema  string      `json:"schema"`
	Dataset string      `json:"dataset"`
	Models  []evalModel `json:"models"`
	// Blocks are what `hindcast check` compares.
	Blocks result.Blocks `json:"blocks"`
}

type evalModel struct {
	Name     string        `json:"name"`
	Horizons []evalHorizon `json:"horizons"` // none: the model could not be fitted
}

type evalHorizon struct {
	HorizonSeconds float64       `json:"horizonSeconds"`
	N              int           `json:"n"`
	Accuracy       result.Number `json:"accuracy"`
	WAPE           result.Number `json:"wape"`
	MASE           result.Number `json:"mase"`
	RMSSE          result.Number `json:"rmsse"`
	Pinball        result.Number `json:"pinball"`
	Coverage80     result.Number `json:"coverage80"`
	Coverage95     result.Number `json:"coverage95"`
	Bias           result.Number `json:"bias"`
}

func evalJSON(p *evalPlan, scores []modelScore) ([]byte, error) {
	file := evalFile{Schema: evalSchema, Dataset: p.load.Name, Models: []evalModel{}}
	for _, s := range scores {
		m := evalModel{Name: s.Name, Horizons: []evalHorizon{}}
		for _, h := range s.Horizons {
			m.Horizons = append(m.Horizons, evalHorizon{
				HorizonSeconds: (time.Duration(h.Horizon) * p.series.Step).Seconds(), N: h.N,
				Accuracy: result.Number(h.Accuracy), WAPE: result.Number(h.WAPE),
				MASE: result.Number(h.MASE), RMSSE: result.Number(h.RMSSE), Pinball: result.Number(h.Pinball),
				Coverage80: result.Number(h.Coverage80), Coverage95: result.Number(h.Coverage95), Bias: result.Number(h.Bias),
			})
		}
		file.Models = append(file.Models, m)
	}
	file.Blocks = evalBlocks(p, scores)
	text, err := indented(file)
	return result.CompactNumbers(text), err
}

func indented(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return append(text, '\n'), err
}

// evalText is what a person reads: the load, what was made of the flags, and a table.
func evalText(p *evalPlan, scores []modelScore) ([]byte, error) {
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "load\t%s\n", p.load.Name)
	fmt.Fprintf(tw, "unit\t%s, %s\n", p.load.Unit, p.said)
	step, warmUp := datasets.Duration(p.series.Step), datasets.Duration(p.options.WarmUp)
	fmt.Fprintf(tw, "step\t%v", step)
	if p.load.Step != p.series.Step {
		fmt.Fprintf(tw, ", of values recorded every %v", datasets.Duration(p.load.Step))
	}
	fmt.Fprintf(tw, "\nscored\t%v after a warm-up of %v\n", step*(datasets.Duration(len(p.series.Values))-warmUp), step*warmUp)
	fmt.Fprintf(tw, "seasons\t%s\n", p.seasonText())
	if floor := p.noiseFloor(); !math.IsNaN(floor) {
		fmt.Fprintf(tw, "noise\tif these are counts at a rate that changes slowly, a WAPE of about %s %% is chance\n", percent(floor))
	}
	for _, h := range p.horizons {
		if whole := time.Duration(steps(h, p.series.Step)) * p.series.Step; whole != h {
			fmt.Fprintf(tw, "horizon\t%v is rounded up to %v, whole steps\n", datasets.Duration(h), datasets.Duration(whole))
		}
	}
	for _, s := range scores {
		if s.unfit != nil {
			fmt.Fprintf(tw, "not scored\t%v\n", s.unfit)
		}
	}
	for _, s := range scores {
		if f := s.Failures; f.Any() {
			fmt.Fprintf(tw, "fell back\t%s: %d fits failed and %d forecasts were no number; what was fitted before, or the last value, stood in; first: %v\n",
				s.Name, f.Fits, f.Forecasts, f.First)
		}
	}
	if err := tw.Flush(); err != nil {
		return nil, err
	}
	b.WriteString("\n")
	if err := scoreTable(&b, p, scores); err != nil {
		return nil, err
	}
	weightLines(&b, scores)
	return b.Bytes(), nil
}

// weightLines says what the experts of each model counted in the mean.
func weightLines(b *bytes.Buffer, scores []modelScore) {
	for _, s := range scores {
		if len(s.Weights) == 0 {
			continue
		}
		weights := slices.Clone(s.Weights)
		slices.SortStableFunc(weights, func(a, b forecast.Weight) int { return cmp.Compare(b.Weight, a.Weight) })
		fmt.Fprintf(b, "\nmean weights of %s:", s.Name)
		for i, w := range weights {
			if i%6 == 0 {
				b.WriteString("\n ")
			}
			fmt.Fprintf(b, " %s %s %%", w.Name, percent(w.Weight))
			if i+1 < len(weights) {
				b.WriteString(",")
			}
		}
		b.WriteString("\n")
	}
}

func (p *evalPlan) seasonText() string {
	if len(p.seasons) == 0 {
		return "no season found: seasonal-naive equals naive"
	}
	found := make([]string, len(p.seasons))
	for i, s := range p.seasons {
		found[i] = datasets.Duration(time.Duration(s) * p.series.Step).String()
	}
	return strings.Join(found, ", ") + ", found in the warm-up"
}

// scoreTable writes a line for every model and horizon, numbers to the right.
func scoreTable(b *bytes.Buffer, p *evalPlan, scores []modelScore) error {
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := 0
	for _, s := range scores {
		width = max(width, len(s.Name))
	}
	fmt.Fprintf(tw, "%-*s\thorizon\tpoints\taccuracy %%\tWAPE %%\tMASE\tpinball\tin 80 %%\tin 95 %%\tbias %%\tfits\t\n", width, "model")
	for _, s := range scores {
		for _, h := range s.Horizons {
			ahead := datasets.Duration(time.Duration(h.Horizon) * p.series.Step)
			fmt.Fprintf(tw, "%-*s\t%v\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", width, s.Name, ahead, h.N,
				percent(h.Accuracy), percent(h.WAPE), number(h.MASE), number(h.Pinball),
				percent(h.Coverage80), percent(h.Coverage95), percent(h.Bias), s.Fits)
		}
	}
	return tw.Flush()
}

// percent writes a fraction as a percentage with two decimals, "-" if undefined.
func percent(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	text := strconv.FormatFloat(100*v, 'f', 2, 64)
	if text == "-0.00" {
		return "0.00"
	}
	return text
}

// number writes four significant digits, "-" if undefined.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
