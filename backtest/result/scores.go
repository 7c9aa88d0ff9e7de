package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ScoresSchema names the version of what `forecast eval --json` writes. Fields are
// added, never renamed.
const ScoresSchema = "hindcast/forecast/v1"

// ScoresFile is the file of the scores in the folder that `forecast eval -o` writes.
const ScoresFile = "scores.json"

// Scores say how well models forecast one load, out of sample.
type Scores struct {
	Schema  string        `json:"schema"`
	Dataset string        `json:"dataset"`
	Load    ScoredLoad    `json:"load"`
	Refit   string        `json:"refit"` // in words
	Models  []ModelScores `json:"models"`
	// MainSeconds is the horizon that Hours, Best and the pictures are of, and
	// ReadySeconds the one called ready, 0 where none was.
	MainSeconds  float64 `json:"mainSeconds"`
	ReadySeconds float64 `json:"readySeconds"`
	// Best compares the two models of the least WAPE at the main horizon; null where
	// there are no two, or too few points.
	Best *BestTwo `json:"best"`
	// Shown is the model whose forecasts are drawn, and kept as a series; "" without any.
	Shown string `json:"shown,omitempty"`
	// Fans are forecasts of that model made at some instants for several horizons.
	Fans []Fan `json:"fans,omitempty"`
	// Notes are facts that a reader must know to judge the numbers, one sentence each.
	Notes []string `json:"notes"`
	// Blocks are what `hindcast check` compares.
	Blocks Blocks `json:"blocks"`
}

// A ScoredLoad is the load that models were scored on.
type ScoredLoad struct {
	Unit        string    `json:"unit"`
	UnitFrom    string    `json:"unitFrom"` // who says so
	Start       time.Time `json:"start"`
	Relative    bool      `json:"relative"` // the source has no real dates
	StepSeconds float64   `json:"stepSeconds"`
	// RecordedSeconds is the step of the file, which may have been finer.
	RecordedSeconds float64   `json:"recordedSeconds"`
	Points          int       `json:"points"`
	Missing         int       `json:"missing"`
	ScoredFrom      time.Time `json:"scoredFrom"`
	Mean            Number    `json:"mean"` // of the scored part
	SeasonSeconds   []float64 `json:"seasonSeconds"`
	// NoiseFloor is the WAPE that chance alone explains, undefined for what is no count.
	NoiseFloor Number `json:"noiseFloor"`
}

// ModelScores are the scores of one model.
type ModelScores struct {
	Name     string          `json:"name"`
	Horizons []HorizonScores `json:"horizons"` // none: it could not be fitted
	Unfit    string          `json:"unfit,omitempty"`
	// FellBack says where something simpler stood in for it.
	FellBack string `json:"fellBack,omitempty"`
	// Fits counts them; ChargedSeconds is what they cost in the time of the load, by
	// their declared cost, and Waited the forecasts made by an older fit meanwhile.
	Fits           int     `json:"fits"`
	SkippedFits    int     `json:"skippedFits"`
	ChargedSeconds float64 `json:"chargedSeconds"`
	Waited         int     `json:"waited"`
	// Hours are by the hour of the day (UTC, or from the start) that was forecast.
	Hours HourScores `json:"hours"`
	// Weights are what its experts counted in the mean, none where it has none.
	Weights []ExpertWeight `json:"weights"`
}

// HorizonScores are those at one horizon; fractions where no unit is said.
type HorizonScores struct {
	HorizonSeconds float64 `json:"horizonSeconds"`
	N              int     `json:"n"`
	Accuracy       Number  `json:"accuracy"`
	WAPE           Number  `json:"wape"`
	MASE           Number  `json:"mase"`
	RMSSE          Number  `json:"rmsse"`
	Pinball        Number  `json:"pinball"` // in the unit of the load
	Coverage80     Number  `json:"coverage80"`
	Coverage95     Number  `json:"coverage95"`
	Bias           Number  `json:"bias"`
	// SkillNaive and SkillSeasonal are the parts of the error of last value and of
	// seasonal naive that the model saves.
	SkillNaive    Number `json:"skillNaive"`
	SkillSeasonal Number `json:"skillSeasonal"`
	Coverage50    Number `json:"coverage50"`
	// StandardError80 and StandardError95 are those of the coverages, dependence counted.
	StandardError80 Number `json:"standardError80"`
	StandardError95 Number `json:"standardError95"`
	// Width80 and Width95 are the mean widths of the intervals over the mean load.
	Width80  Number `json:"width80"`
	Width95  Number `json:"width95"`
	Within10 Number `json:"within10"` // forecasts that are off by 10 % at most
}

// HourScores are those of the 24 hours of the day at the main horizon; empty without any.
type HourScores struct {
	N    []int    `json:"n"`
	WAPE []Number `json:"wape"`
	Bias []Number `json:"bias"`
}

// An ExpertWeight is what an expert counted in the mean over all forecasts.
type ExpertWeight struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"`
}

// BestTwo is a Diebold-Mariano test of the best model against the second.
type BestTwo struct {
	First  string `json:"first"`
	Second string `json:"second"`
	N      int    `json:"n"`
	// Difference is the mean of |error| of the first less the second's, relative to the
	// second's: below 0 the first is better. Interval is by block bootstrap.
	Difference Number   `json:"difference"`
	Interval   Interval `json:"interval"`
	Level      float64  `json:"level"`
	Statistic  Number   `json:"statistic"`
	P          Number   `json:"p"` // by Student's t
	BootstrapP Number   `json:"bootstrapP"`
	BlockSteps int      `json:"blockSteps"`
}

// A Fan is what was forecast at one instant, in the unit of the load.
type Fan struct {
	Origin         time.Time `json:"origin"`
	Last           Number    `json:"last"` // what was observed then
	HorizonSeconds []float64 `json:"horizonSeconds"`
	Point          []Number  `json:"point"`
	Lower50        []Number  `json:"lower50"`
	Upper50        []Number  `json:"upper50"`
	Lower80        []Number  `json:"lower80"`
	Upper80        []Number  `json:"upper80"`
	Lower95        []Number  `json:"lower95"`
	Upper95        []Number  `json:"upper95"`
}

// whole reports whether there is a value for every horizon.
func (f *Fan) whole() bool {
	for _, values := range [][]Number{f.Point, f.Lower50, f.Upper50, f.Lower80, f.Upper80, f.Lower95, f.Upper95} {
		if len(values) != len(f.HorizonSeconds) {
			return false
		}
	}
	return true
}

// scoresList is the file of several loads.
type scoresList struct {
	Schema      string   `json:"schema"`
	Evaluations []Scores `json:"evaluations"`
}

// EncodeScores writes the scores of one load, or of several as an array in the field
// evaluations.
func EncodeScores(all []Scores) ([]byte, error) {
	var v any = scoresList{ScoresSchema, all}
	if len(all) == 1 {
		v = all[0]
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode scores: %w", err)
	}
	return CompactNumbers(append(text, '\n')), nil
}

// DecodeScores reads what EncodeScores wrote. Fields that are not known are passed over.
func DecodeScores(data []byte) ([]Scores, error) {
	var file struct {
		Schema      string             `json:"schema"`
		Evaluations *[]json.RawMessage `json:"evaluations"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("no scores: %w; give what `forecast eval --json` wrote", err)
	}
	if file.Schema != ScoresSchema {
		return nil, fmt.Errorf("schema %q, want %q; give what `forecast eval --json` wrote", file.Schema, ScoresSchema)
	}
	documents := []json.RawMessage{data}
	if file.Evaluations != nil {
		documents = *file.Evaluations
	}
	all := make([]Scores, len(documents))
	for i, document := range documents {
		if err := json.Unmarshal(document, &all[i]); err != nil {
			return nil, fmt.Errorf("scores: %w", err)
		}
		if all[i].Schema != ScoresSchema {
			return nil, fmt.Errorf("scores of %q: schema %q, want %q; give what `forecast eval --json` wrote", all[i].Dataset, all[i].Schema, ScoresSchema)
		}
		if err := all[i].check(); err != nil {
			return nil, fmt.Errorf("scores of %q: %w", all[i].Dataset, err)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("scores of no load")
	}
	return all, nil
}

const hoursOfDay = 24

// check returns what makes the scores useless to those who draw them.
func (s *Scores) check() error {
	var faults []error
	if !(s.Load.StepSeconds > 0) {
		faults = append(faults, errors.New("no step; made by a version before it was written, make them again"))
	}
	for i := range s.Fans {
		if !s.Fans[i].whole() {
			faults = append(faults, errors.New("a fan without a value for every horizon"))
		}
	}
	names := map[string]bool{}
	for _, m := range s.Models {
		if names[m.Name] {
			faults = append(faults, fmt.Errorf("model %q stands twice", m.Name))
		}
		names[m.Name] = true
		if n := len(m.Hours.N); n != len(m.Hours.WAPE) || n != len(m.Hours.Bias) || n != 0 && n != hoursOfDay {
			faults = append(faults, fmt.Errorf("model %q has %d hours a day", m.Name, n))
		}
		for _, h := range m.Horizons {
			if !(h.HorizonSeconds > 0) {
				faults = append(faults, fmt.Errorf("model %q has a horizon of %v s", m.Name, h.HorizonSeconds))
			}
		}
	}
	return errors.Join(faults...)
}

// Model returns the scores of a model, nil where it has none.
func (s *Scores) Model(name string) *ModelScores {
	for i := range s.Models {
		if s.Models[i].Name == name {
			return &s.Models[i]
		}
	}
	return nil
}

// At returns the scores at a horizon, nil where there are none.
func (m *ModelScores) At(seconds float64) *HorizonScores {
	for i := range m.Horizons {
		if m.Horizons[i].HorizonSeconds == seconds {
			return &m.Horizons[i]
		}
	}
	return nil
}
