package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
)

// benchSchema names the version of what `forecast bench --json` writes.
const benchSchema = "hindcast/bench/v1"

// owaBenchmark is the model that OWA is relative to, which is always scored.
const owaBenchmark = "naive2"

func forecastBenchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "score models on the series of a competition",
		Description: "Files have the layout of the M4 competition: a series a row, its id and then its values.\n" +
			"Models are fitted to a row of --train and forecast as many values as the row of --test\n" +
			"has. sMAPE is 200|y-f|/(|y|+|f|), MASE is relative to the seasonal naive forecast of the\n" +
			"training part, and OWA half the sum of both relative to " + owaBenchmark + ". Steps count as hours.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "train", Usage: "`FILE` with the known part of every series; required"},
			&cli.StringFlag{Name: "test", Usage: "`FILE` with what followed, in the same order; required"},
			&cli.IntFlag{Name: "season", Usage: "`N` values are one season, 1: there is none; required", DefaultText: "none"},
			&cli.StringFlag{Name: "models", Usage: modelsUsage(), DefaultText: "all"},
			&cli.StringFlag{Name: "json", Usage: "write the scores to `FILE` too, as JSON; - writes them to standard output instead of the table"},
		},
		Action: runForecastBench,
	}
}

// A benchFile is what `forecast bench --json` writes. Undefined numbers are null.
type benchFile struct {
	Schema string       `json:"schema"`
	Models []benchModel `json:"models"`
}

type benchModel struct {
	Name    string        `json:"name"`
	SMAPE   result.Number `json:"smape"`
	MASE    result.Number `json:"mase"`
	OWA     result.Number `json:"owa"`
	Seconds float64       `json:"seconds"` // of fitting and forecasting
}

// A contestant is a model and its score so far.
type contestant struct {
	id    string
	score forecast.CompetitionScore
	spent time.Duration
	unfit error // the first series that it could not be fitted to
}

func runForecastBench(c *cli.Context) (err error) {
	contestants, err := contestantsOf(c)
	if err != nil {
		return err
	}
	train, err := datasets.OpenM4(c.String("train"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, train.Close()) }()
	test, err := datasets.OpenM4(c.String("test"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, test.Close()) }()

	m := newMeter(c.App.ErrWriter)
	n := 0
	for ; err == nil; n++ {
		err = compete(c, contestants, train, test)
		m.showCount("series", n+1)
	}
	m.clear()
	if !errors.Is(err, io.EOF) {
		return err
	}
	file := benchFile{Schema: benchSchema, Models: []benchModel{}}
	i := slices.IndexFunc(contestants, func(k *contestant) bool { return k.id == owaBenchmark })
	for _, k := range contestants {
		file.Models = append(file.Models, k.model(contestants[i]))
	}
	json, err := indented(file)
	if err != nil {
		return err
	}
	text, err := benchText(c, file, contestants, n-1)
	if err != nil {
		return err
	}
	return writeResult(c, "json", json, text)
}

func contestantsOf(c *cli.Context) ([]*contestant, error) {
	if c.Args().Present() {
		return nil, fmt.Errorf("forecast bench takes no argument, got %q; data is given by --train and --test", c.Args().First())
	}
	var faults []error
	for _, flag := range []string{"train", "test"} {
		if c.String(flag) == "" {
			faults = append(faults, fmt.Errorf("forecast bench needs --%s FILE; see `hindcast forecast bench --help`", flag))
		}
	}
	switch season := c.Int("season"); {
	case !c.IsSet("season"):
		faults = append(faults, errors.New("forecast bench needs --season N; see `hindcast forecast bench --help`"))
	case season < 1:
		faults = append(faults, fmt.Errorf("--season: %d is less than 1; give a number from 1", season))
	}
	if sameFile(c.String("train"), c.String("test")) {
		faults = append(faults, errors.New("--test: is the file of --train; give what followed the known part"))
	}
	list := strings.Join(forecast.Names(), ",")
	if c.IsSet("models") {
		list = c.String("models")
	}
	ids, err := modelIDs(list)
	faults = append(faults, err, checkOutput(c, "json"))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if !slices.Contains(ids, owaBenchmark) {
		ids = append(ids, owaBenchmark)
	}
	contestants := make([]*contestant, len(ids))
	for i, id := range ids {
		contestants[i] = &contestant{id: id}
	}
	return contestants, nil
}

// sameFile reports whether both names are those of one file that is there.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// compete scores all on the next series; io.EOF says that there is none.
func compete(c *cli.Context, contestants []*contestant, train, test *datasets.M4Reader) error {
	past, err := train.Next()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	what, errTest := test.Next()
	switch {
	case errTest != nil && !errors.Is(errTest, io.EOF):
		return errTest
	case err != nil && errTest != nil:
		return io.EOF
	case err != nil:
		return unpaired(c.String("test"), what, "is not in "+c.String("train"))
	case errTest != nil:
		return unpaired(c.String("train"), past, "is not in "+c.String("test"))
	case past.ID != what.ID:
		return unpaired(c.String("test"), what, fmt.Sprintf("stands where %s has %q", c.String("train"), past.ID))
	case slices.Equal(past.Values, what.Values) && slices.Min(past.Values) < slices.Max(past.Values):
		// What a model was fitted to is no test of it.
		return &datasets.ParseError{
			File: c.String("test"), Line: what.Line, Msg: fmt.Sprintf("series %q has the values of %s", what.ID, c.String("train")),
			Hint: "give by --test what followed them",
		}
	}
	for _, k := range contestants {
		if k.unfit != nil {
			continue
		}
		if err := k.compete(c, past, what.Values); err != nil {
			return err
		}
	}
	return nil
}

// unpaired says that a series of a file has no other part.
func unpaired(file string, s datasets.M4Series, why string) error {
	return &datasets.ParseError{
		File: file, Line: s.Line, Msg: fmt.Sprintf("series %q %s", s.ID, why),
		Hint: "give both files the same series in the same order",
	}
}

func (k *contestant) compete(c *cli.Context, past datasets.M4Series, y []float64) error {
	season := c.Int("season")
	settings := forecast.Settings{Step: time.Hour, Seasons: []int{}, Horizon: len(y)}
	if season > 1 {
		settings.Seasons = []int{season}
	}
	model, err := forecast.ByName(k.id, settings)
	if err != nil {
		return err
	}
	start := time.Now()
	p, err := model.Fit(c.Context, forecast.Series{Step: settings.Step, Values: past.Values})
	if errors.Is(err, forecast.ErrTooShort) {
		k.unfit = fmt.Errorf("%s: series %q: %w", k.id, past.ID, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: series %q: %w", k.id, past.ID, err)
	}
	f := make([]float64, len(y))
	p.Predict(f)
	k.spent += time.Since(start)
	k.score.Add(past.Values, y, f, season)
	return nil
}

// model is the outcome; that of a model which could not be fitted to every series is
// undefined.
func (k *contestant) model(benchmark *contestant) benchModel {
	m := benchModel{Name: k.id, SMAPE: result.Undefined(), MASE: result.Undefined(), OWA: result.Undefined(), Seconds: k.spent.Seconds()}
	if k.unfit != nil {
		return m
	}
	m.SMAPE, m.MASE = result.Number(k.score.SMAPE()), result.Number(k.score.MASE())
	if benchmark.unfit == nil {
		m.OWA = result.Number(k.score.OWA(&benchmark.score))
	}
	return m
}

func benchText(c *cli.Context, file benchFile, contestants []*contestant, n int) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "series  %d, season %d\n", n, c.Int("season"))
	for _, k := range contestants {
		if k.unfit != nil {
			fmt.Fprintf(&b, "not scored  %v\n", k.unfit)
		}
	}
	b.WriteString("\n")
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	width := 0
	for _, m := range file.Models {
		width = max(width, len(m.Name))
	}
	fmt.Fprintf(tw, "%-*s\tsMAPE\tMASE\tOWA\tseconds\t\n", width, "model")
	for _, m := range file.Models {
		fmt.Fprintf(tw, "%-*s\t%s\t%s\t%s\t%.2f\t\n", width, m.Name, decimals(m.SMAPE), decimals(m.MASE), decimals(m.OWA), m.Seconds)
	}
	if err := tw.Flush(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// decimals writes three decimals, as the papers on the competition do, "-" if undefined.
func decimals(n result.Number) string {
	if !n.Defined() {
		return "-"
	}
	return strconv.FormatFloat(float64(n), 'f', 3, 64)
}
