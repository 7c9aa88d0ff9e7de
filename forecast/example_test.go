package forecast_test

import (
	"context"
	"fmt"
	"time"

	"hindcast.dev/forecast"
)

// shop is two weeks of hourly requests per second: busy at noon.
func shop() forecast.Series {
	s := forecast.Series{Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Step: time.Hour}
	for i := range 14 * 24 {
		s.Values = append(s.Values, []float64{10, 20, 80, 100, 60, 30}[i%24/4])
	}
	return s
}

func Example() {
	p, err := forecast.SeasonalNaive{Season: 24}.Fit(context.Background(), shop())
	if err != nil {
		fmt.Println(err)
		return
	}
	next := make([]float64, 12)
	p.Predict(next)
	fmt.Println(next)
	// Output: [10 10 10 10 20 20 20 20 80 80 80 80]
}

func ExampleHoltWinters() {
	line := forecast.Series{Step: time.Minute, Values: []float64{10, 12, 14, 16, 18}}
	p, err := forecast.HoltWinters{}.Fit(context.Background(), line)
	if err != nil {
		fmt.Println(err)
		return
	}
	next := make([]float64, 3)
	p.Predict(next)
	fmt.Printf("%.1f\n", next)
	// Output: [20.0 22.0 24.0]
}

func ExampleHarmonic() {
	m := forecast.Harmonic{Seasons: []forecast.Waves{{Period: 24, Pairs: 12}}}
	p, err := m.Fit(context.Background(), shop())
	if err != nil {
		fmt.Println(err)
		return
	}
	next := make([]float64, 12)
	p.Predict(next)
	fmt.Printf("%.0f\n", next)
	// Output: [10 10 10 10 20 20 20 20 80 80 80 80]
}

func ExampleRidge() {
	p, err := forecast.Ridge{}.Fit(context.Background(), shop())
	if err != nil {
		fmt.Println(err)
		return
	}
	next := make([]float64, 1)
	p.Predict(next)
	fmt.Printf("the day begins between 5 and 20: %t\n", next[0] > 5 && next[0] < 20)
	// Output: the day begins between 5 and 20: true
}

func ExampleEvaluate() {
	e, err := forecast.Evaluate(context.Background(), shop(),
		[]forecast.Model{forecast.Naive{}, forecast.SeasonalNaive{Season: 24}},
		forecast.EvaluateOptions{Horizons: []int{4}, WarmUp: 7*24 - 3, Season: 24})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Scored is the second week; four hours on, the load has always changed.
	for _, m := range e.Models {
		h := m.Horizons[0]
		fmt.Printf("%s: %d points, accuracy %.2f\n", m.Name, h.N, h.Accuracy)
	}
	// Output:
	// naive: 168 points, accuracy 0.40
	// seasonal-naive: 168 points, accuracy 1.00
}

func ExampleCalibrated() {
	p, err := forecast.Naive{}.Fit(context.Background(), forecast.Series{Step: time.Minute, Values: []float64{100}})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := forecast.NewCalibrated(p, forecast.Conformal{Horizons: []int{1}}, forecast.Conformal{Horizons: []int{2}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 1000 {
		c.Update(100 + float64(i%10)) // Up by 1 nine times, then down by 9.
	}
	fmt.Printf("next step, 80 %% of the time at most %.0f\n", c.Intervals().Quantile(1, .8))
	fmt.Printf("highest of the next two, at most %.0f\n", c.Peaks().Upper(2, .8))
	// Output:
	// next step, 80 % of the time at most 110
	// highest of the next two, at most 111
}

func ExampleDetectSeason() {
	fmt.Println(forecast.DetectSeason(shop()))
	// Output: [24]
}

func ExampleNaive2() {
	p, err := forecast.Naive2{Season: 24}.Fit(context.Background(), shop())
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Update(20) // Twice as much as at this hour before.
	next := make([]float64, 12)
	p.Predict(next)
	fmt.Printf("%.0f\n", next)
	// Output: [20 20 20 40 40 40 40 160 160 160 160 200]
}

func ExampleTheta() {
	line := forecast.Series{Step: time.Minute, Values: []float64{10, 12, 14, 16, 18}}
	p, err := forecast.Theta{Alpha: 1}.Fit(context.Background(), line)
	if err != nil {
		fmt.Println(err)
		return
	}
	next := make([]float64, 3)
	p.Predict(next)
	fmt.Printf("%.0f\n", next) // Half the slope.
	// Output: [19 20 21]
}

func ExampleETS() {
	p, err := forecast.ETS{Season: 24}.Fit(context.Background(), shop())
	if err != nil {
		fmt.Println(err)
		return
	}
	next := make([]float64, 12)
	p.Predict(next)
	fmt.Printf("%.0f\n", next)
	// Output: [10 10 10 10 20 20 20 20 80 80 80 80]
}

func ExampleSES() {
	p, err := forecast.SES{Alpha: .5}.Fit(context.Background(), forecast.Series{Values: []float64{8, 8, 8}})
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Update(16)
	next := make([]float64, 2)
	p.Predict(next)
	fmt.Printf("%.0f\n", next)
	// Output: [12 12]
}
