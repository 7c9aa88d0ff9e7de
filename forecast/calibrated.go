package forecast

import "fmt"

// Calibrated is a Predictor with calibrated quantiles: one Update moves the
// predictor, its Intervals and its Peaks together.
type Calibrated struct {
	predictor Predictor
	intervals *Intervals
	peaks     *Peaks
	point     []float64 // the newest forecasts, up to the longest horizon
}

// NewCalibrated wraps a predictor that stands at the end of its past. Its quantiles
// begin with the first Update. Either list of horizons may be empty.
func NewCalibrated(p Predictor, intervals, peaks Conformal) (*Calibrated, error) {
	c := &Calibrated{predictor: p}
	longest := max(intervals.maxHorizon(), peaks.maxHorizon())
	if longest == 0 {
		return nil, fmt.Errorf("calibrate a predictor: %w", intervals.Validate())
	}
	var err error
	if len(intervals.Horizons) > 0 {
		if c.intervals, err = NewIntervals(intervals); err != nil {
			return nil, fmt.Errorf("calibrate a predictor: %w", err)
		}
	}
	if len(peaks.Horizons) > 0 {
		if c.peaks, err = NewPeaks(peaks); err != nil {
			return nil, fmt.Errorf("calibrate a predictor: %w", err)
		}
	}
	c.point = make([]float64, longest)
	return c, nil
}

var _ Predictor = (*Calibrated)(nil)

// Update appends the next observation, NaN where it is missing, scores the forecasts
// that were waiting for it and makes the next ones.
func (c *Calibrated) Update(y float64) {
	c.predictor.Update(y)
	c.step(y)
}

// Refit replaces the predictor by a newly fitted one and makes the next forecasts by
// it. It takes the place of an Update: p has already seen y, the next observation.
// The scores of the old predictor stay.
func (c *Calibrated) Refit(p Predictor, y float64) {
	c.predictor = p
	c.step(y)
}

func (c *Calibrated) step(y float64) {
	c.predictor.Predict(c.point)
	if c.intervals != nil {
		c.intervals.Step(y, c.point)
	}
	if c.peaks != nil {
		c.peaks.Step(y, c.point)
	}
}

// Predict implements Predictor.
func (c *Calibrated) Predict(dst []float64) { c.predictor.Predict(dst) }

// Intervals returns the quantiles of single steps, nil where there are none.
func (c *Calibrated) Intervals() *Intervals { return c.intervals }

// Peaks returns the quantiles of window maxima, nil where there are none.
func (c *Calibrated) Peaks() *Peaks { return c.peaks }
