package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// BlocksFile is what `hindcast check` reads of a run, BlocksSchema its version, and
// BaselineSchema that of the part of it that is kept as a baseline.
const (
	BlocksFile     = "blocks.json"
	BlocksSchema   = "hindcast/blocks/v1"
	BaselineSchema = "hindcast/baseline/v1"
)

// Blocks are the outcomes of a run by blocks of time, small enough to be kept in
// version control: what two runs on the same load are compared on, block by block.
type Blocks struct {
	Schema string       `json:"schema"`
	Series ScoredSeries `json:"series"`
	// Models are scored forecasts; Policies are runs as configured, none where only
	// forecasts were made.
	Models   []ModelBlocks  `json:"models"`
	Policies []PolicyBlocks `json:"policies"`
	// Conditions is a checksum of everything that the policies were run under but the
	// load: application, SLO, prices, seeds. Empty without policies.
	Conditions string  `json:"conditions"`
	Objective  float64 `json:"objective"` // the share of good requests aimed at
}

// A ScoredSeries is the load as models are scored on it.
type ScoredSeries struct {
	Name        string    `json:"name"`
	Start       time.Time `json:"start"`
	StepSeconds float64   `json:"stepSeconds"`
	Points      int       `json:"points"`
	ScoredFrom  time.Time `json:"scoredFrom"`
	// Checksum is of all values, those of the warm-up too: models learn from them.
	Checksum string `json:"checksum"`
}

// ModelBlocks are the errors of one model, a horizon each.
type ModelBlocks struct {
	Name     string          `json:"name"`
	Horizons []HorizonBlocks `json:"horizons"`
}

// HorizonBlocks are the errors at one horizon: sums over each block of |y-f| and of
// |y|, in the unit of the load. A sum is undefined where a forecast was.
type HorizonBlocks struct {
	HorizonSeconds float64  `json:"horizonSeconds"`
	WAPE           Number   `json:"wape"`
	BlockSeconds   float64  `json:"blockSeconds"`
	Absolute       []Number `json:"absolute"`
	Size           []Number `json:"size"`
}

// PolicyBlocks are what a policy did, summed over the seeds by days.
type PolicyBlocks struct {
	Name         string   `json:"name"`
	BlockSeconds float64  `json:"blockSeconds"`
	Requests     []Number `json:"requests"`
	Bad          []Number `json:"bad"`
	// Over and Demand are the numerator and the denominator of thetaOver.
	Over   []Number `json:"over"`
	Demand []Number `json:"demand"`
	Price  []Number `json:"price"`
}

// Rounded is v to six significant digits: as much as a comparison needs, the same
// on processors that round differently in the last place.
func Rounded(v float64) Number {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Undefined()
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil {
		return Undefined() // Only a value at the very end of the range rounds beyond it.
	}
	return Number(short)
}

// numbers matches an indented array of numbers. No text matches: JSON writes line
// ends in texts as \n.
var numbers = regexp.MustCompile(`\[\n\s*(?:-?[0-9]|null)[^\[\]{}"]*\]`)

// numbersALine is how many numbers stand on a line: few enough to see in a diff at
// what time something changed.
const numbersALine = 12

// Encode writes b as JSON that is good to review in a diff; equal blocks give equal
// bytes.
func (b *Blocks) Encode() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(b); err != nil {
		return nil, fmt.Errorf("encode blocks: %w", err)
	}
	return CompactNumbers(buf.Bytes()), nil
}

// CompactNumbers puts the lists of numbers in indented JSON on few lines.
func CompactNumbers(text []byte) []byte {
	return numbers.ReplaceAllFunc(text, func(array []byte) []byte {
		fields := strings.Fields(string(array[1 : len(array)-1]))
		var out strings.Builder
		out.WriteByte('[')
		for i, f := range fields {
			switch {
			case i == 0:
			case i%numbersALine == 0:
				out.WriteString("\n          ")
			default:
				out.WriteByte(' ')
			}
			out.WriteString(f)
		}
		out.WriteByte(']')
		return []byte(out.String())
	})
}
