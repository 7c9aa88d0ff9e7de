package datasets_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"hindcast.dev/datasets"
)

func ExampleReadCSV() {
	s, err := datasets.ReadCSV(strings.NewReader(`timestamp,value
2026-01-05T08:00:00Z,120
2026-01-05T08:01:00Z,135.5
2026-01-05T08:03:00Z,150
`), "shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Name, s.Unit, s.Step, s.Values)
	// Output: shop rps 1m0s [120 135.5 NaN 150]
}

func ExampleReadCSV_fault() {
	_, err := datasets.ReadCSV(strings.NewReader("0,12\n60,13\n60,14\n"), "load.csv")
	fmt.Println(err)
	// Output: load.csv:3: time 60 repeats line 2; keep one row per time
}

func ExampleOpen() {
	_, err := datasets.Open("lost.csv")
	fmt.Println(err)
	// Output: lost.csv: no such file; check the path, or name a scenario
}

func ExampleWriteCSV() {
	s := datasets.Series{
		Start:  time.Date(2026, time.January, 5, 8, 0, 0, 0, time.UTC),
		Step:   time.Minute,
		Values: []float64{120, 135.5},
	}
	if err := datasets.WriteCSV(os.Stdout, s); err != nil {
		fmt.Println(err)
	}
	// Output:
	// timestamp,value
	// 2026-01-05T08:00:00Z,120
	// 2026-01-05T08:01:00Z,135.5
}

func ExampleResample() {
	s := datasets.Series{Unit: datasets.RPS, Step: time.Minute, Values: []float64{10, 20, 30, 50}}
	coarse, err := datasets.Resample(s, 2*time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	fine, err := datasets.Resample(coarse, time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(coarse.Values, fine.Values)
	// Output: [15 40] [15 15 40 40]
}

func ExampleToRPS() {
	s := datasets.Series{Unit: datasets.Percent, Step: time.Minute, Values: []float64{25, 50}}
	rps, err := datasets.ToRPS(s, 0.005, 4) // 5 ms of CPU a request, 4 cores
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rps.Values, rps.Unit)
	// Output: [200 400] rps
}

func ExampleStats() {
	s, err := datasets.ReadCSV(strings.NewReader("0,4\n60,1\n240,7\n"), "x")
	if err != nil {
		fmt.Println(err)
		return
	}
	stats := datasets.Stats(s)
	fmt.Println(stats.Points, stats.Missing, stats.Median, stats.Max, stats.LongestGap)
	// Output: 5 2 4 7 2m0s
}

func ExampleFind() {
	_, err := datasets.Find("flash-crwd")
	fmt.Println(err)
	// Output: unknown scenario "flash-crwd"; did you mean "flash-crowd"?
}

func ExampleParseScenario() {
	s, err := datasets.ParseScenario([]byte(`
name: lunch
step: 15m
length: 2h
base: 100
components:
- {type: step, at: 30m, for: 1h, op: multiply, size: 2}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Generate(1).Values)
	// Output: [100 100 300 300 300 300 100 100]
}

func ExampleScenario_Generate() {
	s, err := datasets.Find("shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	load := s.Generate(1)
	fmt.Println(load.Start.Weekday(), load.Step, len(load.Values), load.Unit)
	// Output: Monday 1m0s 14400 rps
}
