package forecast

import (
	"math"
	"time"
)

// ridgeFeatures makes the regressors of Ridge from the history. They are ratios to
// the local level and clipped, so that a series that grows by five decades or jumps
// in a minute keeps the Gram matrix well conditioned.
type ridgeFeatures struct {
	history *ring
	lags    []int // steps back of single values
	means   []int // widths of the trailing means
	seasons []int
	offsets []int // steps ahead at which the last season is looked up, from 0 up

	day      float64 // steps of a day
	observed float64
	dayMean  float64 // exponentially weighted over a day
}

const (
	ridgeLevelWidth  = 15 // steps of the local level
	ridgeSmoothWidth = 5  // steps over which a value of last season is averaged
	ridgeFeatureClip = 2  // in units of the level
)

func newRidgeFeatures(m Ridge, step time.Duration) ridgeFeatures {
	f := ridgeFeatures{
		lags:    []int{1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30},
		means:   []int{15, 30, 60},
		seasons: m.Seasons,
		day:     max(1, float64(24*time.Hour/step)),
	}
	for _, offset := range []int{0, 2, 5} {
		if offset < m.Horizons {
			f.offsets = append(f.offsets, offset)
		}
	}
	f.offsets = append(f.offsets, m.Horizons)
	size := f.means[len(f.means)-1]
	for _, season := range m.Seasons {
		size = max(size, season+ridgeLevelWidth)
	}
	f.history = newRing(size)
	return f
}

// len returns the number of features, the intercept included.
func (f *ridgeFeatures) len() int {
	return 1 + len(f.lags) + len(f.means) + len(f.seasons)*len(f.offsets)
}

func (f *ridgeFeatures) push(y float64) {
	f.history.push(y)
	if math.IsNaN(y) {
		return
	}
	f.observed++
	f.dayMean += (y - f.dayMean) / min(f.observed, f.day)
}

// fill describes the origin at the newest observation, which must not be missing.
func (f *ridgeFeatures) fill(origin *ridgeOrigin) {
	last := f.history.at(0)
	// A share of the day's mean keeps the level off 0 in a quiet quarter of an hour.
	level := f.history.mean(0, ridgeLevelWidth) + .01*f.dayMean
	origin.last, origin.level = last, level
	origin.ok = level > 1e-300 && !math.IsInf(level, 0)
	if !origin.ok {
		return
	}
	x := append(origin.x[:0], 1)
	older := last
	for _, lag := range f.lags {
		if v := f.history.at(lag); !math.IsNaN(v) {
			older = v
		}
		x = append(x, ratio(older-last, level))
	}
	for _, width := range f.means {
		x = append(x, ratio(f.history.mean(0, width)-last, level))
	}
	for _, season := range f.seasons {
		x = f.appendSeason(x, season, last, level)
	}
	origin.x = x
}

// appendSeason appends how the value one season ago differs from now, and how the
// series went on from there, relative to its level then: a busier week repeats the
// shape of the last one, not its values.
func (f *ridgeFeatures) appendSeason(x []float64, season int, last, level float64) []float64 {
	if f.history.held() < season+ridgeLevelWidth {
		for range f.offsets {
			x = append(x, 0)
		}
		return x
	}
	then := f.history.mean(season-ridgeSmoothWidth/2, ridgeSmoothWidth)
	thenLevel := f.history.mean(season, ridgeLevelWidth) + .01*f.dayMean
	for i, offset := range f.offsets {
		if i == 0 {
			x = append(x, ratio(then-last, level))
			continue
		}
		later := f.history.mean(season-offset-ridgeSmoothWidth/2, ridgeSmoothWidth)
		x = append(x, ratio(later-then, thenLevel))
	}
	return x
}

// ratio returns the clipped a/b, and 0 where it is unknown.
func ratio(a, b float64) float64 {
	r := a / b
	if math.IsNaN(r) {
		return 0
	}
	return clamp(r, -ridgeFeatureClip, ridgeFeatureClip)
}
