package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"math"
	"strconv"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/forecast"
)

// SeriesOf describes the load that models were scored on from step warmUp on.
func SeriesOf(name string, s forecast.Series, warmUp int) result.ScoredSeries {
	h := sha256.New()
	for _, v := range s.Values {
		writeValue(h, v)
	}
	return result.ScoredSeries{
		Name: name, Start: s.Start.UTC(), StepSeconds: s.Step.Seconds(), Points: len(s.Values),
		ScoredFrom: s.Time(warmUp).UTC(), Checksum: "sha256:" + hex.EncodeToString(h.Sum(nil)),
	}
}

// writeValue hashes nine significant digits: processors that round differently in
// the last place make the same load.
func writeValue(h hash.Hash, v float64) {
	text := []byte("-")
	if !math.IsNaN(v) {
		text = strconv.AppendFloat(nil, v, 'e', 8, 64)
	}
	h.Write(append(text, '\n')) // A hash never returns an error.
}

// ModelOf is what is kept of a scored model, under the id that users know it by.
func ModelOf(id string, m forecast.ModelEvaluation, step time.Duration) result.ModelBlocks {
	out := result.ModelBlocks{Name: id, Horizons: []result.HorizonBlocks{}}
	for i, b := range m.Blocks {
		h := result.HorizonBlocks{
			HorizonSeconds: (time.Duration(b.Horizon) * step).Seconds(),
			WAPE:           result.Rounded(m.Horizons[i].WAPE),
			BlockSeconds:   (time.Duration(b.Steps) * step).Seconds(),
		}
		for k := range b.Absolute {
			h.Absolute = append(h.Absolute, result.Rounded(b.Absolute[k]))
			h.Size = append(h.Size, result.Rounded(b.Size[k]))
		}
		out.Horizons = append(out.Horizons, h)
	}
	return out
}
