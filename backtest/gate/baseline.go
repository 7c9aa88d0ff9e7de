package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/strict"
)

// mostNumbers bounds the blocks of one figure in a file.
const mostNumbers = 10_000

// remedy is what to do about a baseline that cannot be read.
const remedy = "restore it from version control, or write it anew with --update-baseline"

// Baseline returns what of a run is to be kept as a baseline; empty lists keep all.
// It refuses a run that is no measure for others.
func Baseline(run *result.Blocks, models, policies []string) (*result.Blocks, error) {
	b, err := Select(run, models, policies)
	if err != nil {
		return nil, err
	}
	b.Schema = result.BaselineSchema
	if len(b.Models)+len(b.Policies) == 0 {
		return nil, errors.New("nothing would be guarded")
	}
	if len(b.Policies) == 0 {
		b.Conditions, b.Objective, b.Policies = "", 0, []result.PolicyBlocks{}
	}
	if b.Models == nil {
		b.Models = []result.ModelBlocks{}
	}
	if err := validate(b); err != nil {
		return nil, fmt.Errorf("this run cannot be a baseline: %w", err)
	}
	return b, nil
}

// DecodeBaseline reads a baseline; name is the file's, for messages.
func DecodeBaseline(data []byte, name string) (*result.Blocks, error) {
	docs, err := strict.Parse(data, name)
	if err != nil {
		return nil, fmt.Errorf("%s; %s", first(err), remedy)
	}
	if len(docs) != 1 {
		return nil, fmt.Errorf("%s: holds %d documents, not a baseline; %s", name, len(docs), remedy)
	}
	if schema := docs[0].Text("schema"); schema != result.BaselineSchema {
		return nil, fmt.Errorf("%s:%d: schema %q, want %q; is this the file that --update-baseline wrote?", name, docs[0].Line(), schema, result.BaselineSchema)
	}
	var b result.Blocks
	if err := docs[0].Decode(&b); err != nil {
		return nil, fmt.Errorf("%s; %s", first(err), remedy)
	}
	if err := validate(&b); err != nil {
		return nil, fmt.Errorf("%s: %s; %s", name, first(err), remedy)
	}
	return &b, nil
}

// DecodeRun reads the blocks of a run: a file of schema hindcast/blocks/v1, or one of
// `forecast eval --json` that has them in its field blocks.
func DecodeRun(data []byte, name string) (*result.Blocks, error) {
	var file struct {
		Schema string         `json:"schema"`
		Blocks *result.Blocks `json:"blocks"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s%s: %w; make the run again", name, result.LineOf(data, err), err)
	}
	b := file.Blocks
	if b == nil {
		if file.Schema != result.BlocksSchema {
			return nil, fmt.Errorf("%s: schema %q has nothing to check; give the folder of a backtest, or what `forecast eval --json` wrote", name, file.Schema)
		}
		b = &result.Blocks{}
		if err := json.Unmarshal(data, b); err != nil {
			return nil, fmt.Errorf("%s%s: %w; make the run again", name, result.LineOf(data, err), err)
		}
	}
	if err := shape(b); err != nil {
		return nil, fmt.Errorf("%s: %s; make the run again", name, first(err))
	}
	return b, nil
}

// first is the first of joined errors, and how many others there are: a file that was
// cut or merged wrongly has hundreds.
func first(err error) string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err.Error()
	}
	all := joined.Unwrap()
	if len(all) == 1 {
		return first(all[0])
	}
	return fmt.Sprintf("%s (and %d more faults)", first(all[0]), len(all)-1)
}

// shape returns in what b is not what its types mean.
func shape(b *result.Blocks) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if b.Series.Checksum == "" || !(b.Series.StepSeconds > 0) {
		fault("series: has no checksum or no step")
	}
	names := map[string]bool{}
	for _, m := range b.Models {
		if m.Name == "" || names[m.Name] {
			fault("models: the name %q is empty or stands twice", m.Name)
		}
		names[m.Name] = true
		seconds := map[float64]bool{}
		for _, h := range m.Horizons {
			if !(h.HorizonSeconds > 0) || !(h.BlockSeconds > 0) || seconds[h.HorizonSeconds] {
				fault("model %q: a horizon of %v s in blocks of %v s, or twice", m.Name, h.HorizonSeconds, h.BlockSeconds)
			}
			seconds[h.HorizonSeconds] = true
			if n := len(h.Absolute); n == 0 || n > mostNumbers || n != len(h.Size) {
				fault("model %q at %v s: %d sums of errors and %d of the load", m.Name, h.HorizonSeconds, n, len(h.Size))
			}
		}
	}
	names = map[string]bool{}
	for _, p := range b.Policies {
		if p.Name == "" || names[p.Name] {
			fault("policies: the name %q is empty or stands twice", p.Name)
		}
		names[p.Name] = true
		n := len(p.Requests)
		if n == 0 || n > mostNumbers || len(p.Bad) != n || len(p.Over) != n || len(p.Demand) != n || len(p.Price) != n {
			fault("policy %q: its lists are empty, or not of the same length", p.Name)
		}
	}
	if len(b.Policies) > 0 && !(b.Objective > 0 && b.Objective < 1) {
		fault("objective: %v is not between 0 and 1", b.Objective)
	}
	return errors.Join(faults...)
}

// validate returns in what b is no measure for others.
func validate(b *result.Blocks) error {
	if err := shape(b); err != nil {
		return err
	}
	var faults []error
	sums := func(of string, lists ...[]result.Number) {
		for _, l := range lists {
			for _, v := range l {
				if !(v >= 0) || math.IsInf(float64(v), 0) {
					faults = append(faults, fmt.Errorf("%s: a sum is undefined or below 0", of))
					return
				}
			}
		}
	}
	for _, m := range b.Models {
		if len(m.Horizons) == 0 {
			faults = append(faults, fmt.Errorf("model %q has no scores", m.Name))
		}
		for _, h := range m.Horizons {
			of := fmt.Sprintf("model %q at %s", m.Name, words(h.HorizonSeconds))
			sums(of, h.Absolute, h.Size)
			// A number that was lost or changed by hand shows here.
			if wape := share(h.Absolute, h.Size); h.WAPE.Defined() && !(math.Abs(float64(wape-h.WAPE)) <= 1e-3*float64(h.WAPE)) {
				faults = append(faults, fmt.Errorf("%s: a WAPE of %v does not fit its sums, which give %v", of, h.WAPE, wape))
			}
		}
	}
	for _, p := range b.Policies {
		sums(fmt.Sprintf("policy %q", p.Name), p.Requests, p.Bad, p.Over, p.Demand, p.Price)
	}
	return errors.Join(faults...)
}
