package forecast

import (
	"cmp"
	"math"
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"
)

const (
	spectrumPeaks = 16 // that are looked at, highest first
	lagPeaks      = 8  // of the autocorrelation
)

// propose returns periods that the changes of a series from step to step may have,
// from their spectrum and, for short pulses, whose spectrum is spread over many
// waves, from their autocorrelation. Changes are used as the spectrum of a series that
// wanders rises towards its longest periods, whatever they are.
func propose(values []float64) []float64 {
	changes := clippedChanges(values)
	if len(changes) < 8 {
		return nil
	}
	n := len(changes)
	// Padded, so that the autocorrelation does not wrap around up to half of the series.
	length := smoothLength(n + n/2 + 1)
	fft := fourier.NewFFT(length)
	padded := make([]float64, length)
	for i, c := range changes {
		// Hann's taper keeps a strong wave out of far frequencies.
		padded[i] = c * (1 - math.Cos(2*math.Pi*(float64(i)+.5)/float64(n)))
	}
	coefficients := fft.Coefficients(nil, padded)
	spectrum := make([]float64, len(coefficients))
	for k, c := range coefficients {
		spectrum[k] = real(c)*real(c) + imag(c)*imag(c)
	}
	periods := spectrumPeriods(spectrum, length, n)

	copy(padded, changes)
	clear(padded[n:])
	fft.Coefficients(coefficients, padded)
	for k, c := range coefficients {
		coefficients[k] = complex(math.Pow(cmplx.Abs(c), 2), 0)
	}
	return append(periods, lagPeriods(fft.Sequence(padded, coefficients)[:n/2+1])...)
}

// spectrumPeriods returns the periods of the peaks that stand out of the spectrum
// around them, highest first. An ordinate of noise exceeds x times its mean with
// probability exp(-x), so that one noise in seven has a peak by chance.
func spectrumPeriods(spectrum []float64, length, n int) []float64 {
	background := spectrumBackground(spectrum)
	threshold := math.Log(float64(n)/2) + 2
	type peak struct{ ratio, period float64 }
	var peaks []peak
	for k := 2; k < len(spectrum); k++ {
		last := k == len(spectrum)-1
		if spectrum[k] <= spectrum[k-1] || !last && spectrum[k] < spectrum[k+1] || !(spectrum[k] > threshold*background[k]) {
			continue
		}
		at := float64(k)
		if !last {
			// The top of the parabola through the logarithms.
			a, b, c := math.Log(spectrum[k-1]), math.Log(spectrum[k]), math.Log(spectrum[k+1])
			if shift := .5 * (a - c) / (a - 2*b + c); math.Abs(shift) <= .5 {
				at += shift
			}
		}
		peaks = append(peaks, peak{spectrum[k] / background[k], float64(length) / at})
	}
	slices.SortStableFunc(peaks, func(a, b peak) int { return cmp.Compare(b.ratio, a.ratio) })
	var periods []float64
	for _, p := range peaks[:min(len(peaks), spectrumPeaks)] {
		periods = append(periods, p.period)
	}
	return periods
}

// spectrumBackground returns the mean that noise would have at each ordinate: the
// median of the block of neighbours over ln 2, as for an exponential distribution,
// between the middles of blocks by interpolation.
func spectrumBackground(spectrum []float64) []float64 {
	out := make([]float64, len(spectrum))
	previous, level := 0, math.NaN()
	var block []float64
	for start := 1; start < len(spectrum); {
		end := min(start+max(16, start/3), len(spectrum))
		if len(spectrum)-end < 16 {
			end = len(spectrum)
		}
		block = append(block[:0], spectrum[start:end]...)
		slices.Sort(block)
		next := block[len(block)/2] / math.Ln2
		middle := (start + end) / 2
		if math.IsNaN(level) {
			level = next
		}
		for k := previous; k < middle; k++ {
			share := float64(k-previous) / float64(middle-previous)
			out[k] = level + share*(next-level)
		}
		previous, level = middle, next
		start = end
	}
	for k := previous; k < len(out); k++ {
		out[k] = level
	}
	return out
}

// lagPeriods returns the lags of the highest peaks of an autocovariance, and the
// shortest one that is nearly as high.
func lagPeriods(covariance []float64) []float64 {
	floor := max(.1, 4/math.Sqrt(2*float64(len(covariance)))) * covariance[0]
	var lags []int
	for k := 2; k+1 < len(covariance); k++ {
		if c := covariance[k]; c > floor && c > covariance[k-1] && c >= covariance[k+1] {
			lags = append(lags, k)
		}
	}
	if len(lags) == 0 {
		return nil
	}
	highest := slices.Clone(lags)
	slices.SortStableFunc(highest, func(a, b int) int { return cmp.Compare(covariance[b], covariance[a]) })
	periods := make([]float64, 0, lagPeaks+1)
	for _, lag := range highest[:min(len(highest), lagPeaks)] {
		periods = append(periods, float64(lag))
	}
	for _, lag := range lags {
		if covariance[lag] > .7*covariance[highest[0]] {
			return append(periods, float64(lag))
		}
	}
	return periods
}

// clippedChanges returns the differences of the values, 0 where one is missing but
// spread over a gap, without their mean and without floods.
func clippedChanges(values []float64) []float64 {
	changes := make([]float64, max(len(values)-1, 0))
	last := -1
	for i, v := range values {
		if math.IsNaN(v) {
			continue
		}
		for j := last; last >= 0 && j < i; j++ {
			changes[j] = (v - values[last]) / float64(i-last)
		}
		last = i
	}
	clip(changes)
	var total sum
	for _, c := range changes {
		total.add(c)
	}
	mean := total.mean()
	for i := range changes {
		changes[i] -= mean
	}
	return changes
}

// smoothLength returns the smallest number from n up without a prime factor above 5,
// for which the Fourier transform is fast.
func smoothLength(n int) int {
	for ; ; n++ {
		rest := n
		for _, prime := range []int{2, 3, 5} {
			for rest%prime == 0 {
				rest /= prime
			}
		}
		if rest == 1 {
			return n
		}
	}
}
