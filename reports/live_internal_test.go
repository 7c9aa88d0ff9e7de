package reports

import (
	"math"
	"testing"
	"time"

	"hindcast.dev/live/liveview"
)

// A forecast is drawn where its time ends, and a gap stays one.
func TestForecastsAreDrawnWhenTheirTimeComes(t *testing.T) {
	const n, ahead = 440, 44
	v := &liveview.View{From: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Step: time.Minute, Steps: n}
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(i)
		if i >= 100 && i < 150 {
			values[i] = math.NaN()
		}
	}
	b := liveBins(v, values, ahead*60, ahead*60)
	for i, pt := range b.means() {
		// The step whose forecast is for the middle of the column.
		step := (b.at(i/2)+b.width/2-seconds1970(v.From))/60 - ahead
		switch {
		case step < -2 || step > 102 && step < 148:
			if !math.IsNaN(pt.y) {
				t.Errorf("step %v: %v, want a gap", step, pt.y)
			}
		case step > 2 && (step < 98 || step > 152):
			if !(math.Abs(pt.y-step) <= 1.5) {
				t.Errorf("step %v: %v is drawn", step, pt.y)
			}
		}
	}
	drawn := 0
	for _, pt := range b.means() {
		if !math.IsNaN(pt.y) {
			drawn++
		}
	}
	// 390 of 484 minutes have a forecast.
	if share := float64(drawn) / 880; math.Abs(share-390.0/484) > 0.02 {
		t.Errorf("%v of the picture is drawn, want %v", share, 390.0/484)
	}
}
