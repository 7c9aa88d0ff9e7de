package reports_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

// scored returns the scores of three models on a load, whose errors differ.
func scored(name string) result.Scores {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	s := result.Scores{
		Schema: result.ScoresSchema, Dataset: name, Refit: "every 1d", MainSeconds: 300, ReadySeconds: 180, Notes: []string{},
		Load: result.ScoredLoad{
			Unit: "rps", UnitFrom: "given by --unit", Start: start, ScoredFrom: start.Add(24 * time.Hour), StepSeconds: 60, RecordedSeconds: 60,
			Points: 4 * 1440, Mean: 120, SeasonSeconds: []float64{86400}, NoiseFloor: .0312,
		},
		Best: &result.BestTwo{
			First: "auto", Second: "naive", N: 4000, Difference: -.25, Interval: result.Interval{-.3, -.2}, Level: .95,
			Statistic: -9, P: .00001, BootstrapP: .002, BlockSteps: 30,
		},
	}
	for i, model := range []string{"naive", "seasonal-naive", "auto"} {
		wape := [...]result.Number{.08, .12, .06}[i]
		m := result.ModelScores{Name: model, Fits: 5, ChargedSeconds: 2.5 * float64(i), Waited: i}
		for k, seconds := range []float64{180, 300, 600} {
			w := wape * (1 + result.Number(k)/10)
			m.Horizons = append(m.Horizons, result.HorizonScores{
				HorizonSeconds: seconds, N: 4320 - k, Accuracy: 1 - w, WAPE: w, MASE: 1, RMSSE: 1, Pinball: 3,
				Coverage50: .5, Coverage80: .803, Coverage95: .947, StandardError80: .012, StandardError95: .006, Width80: 3 * w, Width95: 5 * w, Within10: .7,
				SkillNaive: 1 - wape/.08, SkillSeasonal: 1 - wape/.12,
			})
		}
		for hour := range 24 {
			m.Hours.N = append(m.Hours.N, 180)
			m.Hours.WAPE = append(m.Hours.WAPE, wape*(1+result.Number(hour)/100))
			m.Hours.Bias = append(m.Hours.Bias, 0)
		}
		s.Models = append(s.Models, m)
	}
	s.Models[2].Weights = []result.ExpertWeight{{Name: "ridge-day", Weight: .3}, {Name: "trees", Weight: .7}}
	return s
}

func scoresText(t *testing.T, all ...result.Scores) string {
	t.Helper()
	var b bytes.Buffer
	if err := reports.ScoresText(&b, all); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestScoresText(t *testing.T) {
	got := scoresText(t, scored("shop"))
	for _, want := range []string{
		`(?m)^scored +3 d after a warm-up of 24 h$`,
		`(?m)^noise .* a WAPE of about 3\.12 % is chance$`,
		`(?m)^best +auto before naive at 5 min, by 25\.00 % of its error \(95 % interval 20\.00 to 30\.00 %, blocks of 30 min; p < 0\.001, bootstrap 0\.0020\): beyond chance$`,
		// 0.06 is a quarter less than 0.08 and half of 0.12.
		`(?m)^auto +3 min \(ready\) +4,320 +94\.00 +6\.00 +25\.00 +50\.00 `,
		`(?m)^auto +10 min +4,318 +92\.80 +7\.20 `,
		`(?m)^auto +5 min +50\.00 +80\.30 +2\.40 +19\.80 +94\.70 +1\.20 +33\.00 +5 +5 s +2$`,
		`(?m)^Least WAPE: auto at 3 min, auto at 5 min, auto at 10 min\.`,
		`(?m)^23 +180 +9\.84 +14\.76 +7\.38$`,
		`(?m)^auto +trees +70\.00\nauto +ridge-day +30\.00$`,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s is not in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "against the best") {
		t.Error("an overview of one load")
	}
}

// Chance is what explains a difference whose interval holds 0.
func TestScoresByChance(t *testing.T) {
	s := scored("shop")
	s.Best.Interval = result.Interval{-.3, .01}
	if got := scoresText(t, s); !strings.Contains(got, "interval −1.00 to 30.00 %") || !strings.Contains(got, "by luck as well as not") {
		t.Errorf("an interval that holds 0:\n%s", got)
	}
}

func TestScoresOfSeveralLoads(t *testing.T) {
	a, b := scored("a"), scored("b")
	b.ReadySeconds, b.Load.NoiseFloor = 300, result.Undefined()
	for i := range b.Models {
		b.Models[i].Horizons = b.Models[i].Horizons[1:]
	}
	b.Models = append(b.Models, result.ModelScores{Name: "arima", Unfit: "history too short"})
	got := scoresText(t, a, b)
	for _, want := range []string{
		`(?m)^a +60 s +4,319 +5 min +3\.12 +8\.80 +13\.20 +naive +8\.80 +auto +6\.60 +−25\.00 `,
		`(?m)^b +60 s +4,319 +5 min +none +8\.80 `,
		`WAPE in %, 5 min ahead\nload +noise floor +naive +seasonal-naive +auto +arima\na +3\.12 +8\.80 +13\.20 +6\.60\* +not run\nb +none +8\.80 +13\.20 +6\.60\* +too short\n`,
		`WAPE in %, when a new replica is ready\nload +ahead .*\na +3 min +3\.12 +8\.00 .*\nb +5 min +none +8\.80 `,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s is not in:\n%s", want, got)
		}
	}
	// Three minutes is the horizon ready wherever it was scored.
	if strings.Contains(got, "WAPE in %, 3 min ahead") {
		t.Error("the horizon ready stands twice")
	}
}

func TestHostileScores(t *testing.T) {
	s := scored(hostileTrace)
	s.Models[0].Name = hostileTrace
	s.Notes = []string{hostileTrace}
	s.Models[2].Weights[0].Name = hostileTrace
	if got := scoresText(t, s, scored("b")); strings.ContainsAny(got, "\x1b\x07") || strings.Contains(got, "\n=cmd") {
		t.Error("a control character of a name is left, or its line breaks")
	}
	var b bytes.Buffer
	if err := reports.ScoresMarkdown(&b, []result.Scores{s, scored("b")}); err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile("<[a-zA-Z/!]|(^|[^\\\\])`|\x1b").FindString(b.String()); m != "" {
		t.Errorf("in Markdown: %q", m)
	}
	bars := regexp.MustCompile(`(^|[^\\])\|`)
	columns := 0
	for line := range strings.SplitSeq(b.String(), "\n") {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		if n := len(bars.FindAllString(line, -1)); columns != 0 && n != columns {
			t.Errorf("%d bars in a table of %d: %s", n, columns, line)
		} else {
			columns = n
		}
	}
}

// scoresFolder writes scores and the forecasts of their main model where a report finds
// them.
func scoresFolder(t *testing.T, all ...result.Scores) *result.ScoresFolder {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, result.ForecastsDir), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		s := &all[i]
		s.Shown = "auto"
		var rows []result.ForecastRow
		for k := range 300 {
			v := 100 + 20*math.Sin(float64(k)/30)
			at := s.Load.ScoredFrom.Add(time.Duration(k) * time.Minute)
			rows = append(rows, result.ForecastRow{Time: at, Actual: v, Point: v - 1, Lower80: v - 5, Upper80: v + 5, Lower95: v - 9, Upper95: v + 9})
		}
		s.Fans = []result.Fan{{
			Origin: rows[100].Time, Last: 100, HorizonSeconds: []float64{60, 120}, Point: []result.Number{100, 101},
			Lower50: []result.Number{99, 98}, Upper50: []result.Number{101, 104}, Lower80: []result.Number{97, 95}, Upper80: []result.Number{103, 108},
			Lower95: []result.Number{93, 90}, Upper95: []result.Number{107, result.Undefined()},
		}}
		var b bytes.Buffer
		if err := errors.Join(result.WriteForecasts(&b, rows), os.WriteFile(filepath.Join(dir, result.ForecastsDir, result.ShownFile(i)), b.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return &result.ScoresFolder{Dir: dir, All: all}
}

func TestWriteScores(t *testing.T) {
	one, several := scoresFolder(t, scored("shop")), scoresFolder(t, scored("shop"), scored(hostileTrace))
	for _, f := range []*result.ScoresFolder{one, several} {
		if err := reports.WriteScores(f, f.Dir); err != nil {
			t.Fatal(err)
		}
		page := readFile(t, filepath.Join(f.Dir, result.HTMLFile))
		if !bytes.Contains(page, []byte(`content="default-src 'none';`)) {
			t.Error("no content security policy")
		}
		figures := 0
		for _, e := range elements(t, page) {
			switch e.name {
			case "img", "script":
				t.Errorf("a name became <%s>", e.name)
			case "figure":
				figures++
			}
			for name := range e.attrs {
				if strings.HasPrefix(name, "on") {
					t.Errorf("a name became %s of <%s>", name, e.name)
				}
			}
		}
		// Accuracy, skill, fan, forecast, coverage, width and hours of each load; one picture of
		// all of several.
		want := 7
		if len(f.All) > 1 {
			want = 2*7 + 1
		}
		if figures != want {
			t.Errorf("%d figures of %d loads, want %d", figures, len(f.All), want)
		}
		if plots, err := filepath.Glob(filepath.Join(f.Dir, result.PlotsDir, "*")); err != nil || len(plots) != 2*want {
			t.Errorf("%d files of pictures (%v), want %d", len(plots), err, 2*want)
		}
		if err := reports.WriteScores(f, f.Dir); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(page, readFile(t, filepath.Join(f.Dir, result.HTMLFile))) {
			t.Error("not the same bytes again")
		}
	}
	page := string(readFile(t, filepath.Join(one.Dir, result.HTMLFile)))
	// The model auto has a skill of 25 % and 50 %, and an accuracy of 1 - 1.1 x 0.06.
	if want := "auto is 93.40 % accurate 5 min ahead, with 25 % less error than the last value and 50 % less than seasonal naive."; !strings.Contains(page, want) {
		t.Errorf("%q is not in the page", want)
	}
	// What is gone is an error with a name.
	if err := os.Remove(filepath.Join(one.Dir, result.ForecastsDir, result.ShownFile(0))); err != nil {
		t.Fatal(err)
	}
	if err := reports.WriteScores(one, one.Dir); err == nil || !strings.Contains(err.Error(), "forecasts of auto") {
		t.Errorf("without its forecasts: %v", err)
	}
}

// A model that loses is said to.
func TestScoresThatLose(t *testing.T) {
	s := scored("shop")
	s.Models[2].Horizons[1].SkillNaive = -.125
	s.Models[2].Horizons[1].WAPE, s.Models[2].Horizons[1].Accuracy = .09, .91
	f := scoresFolder(t, s)
	if err := reports.WriteScores(f, f.Dir); err != nil {
		t.Fatal(err)
	}
	page := string(readFile(t, filepath.Join(f.Dir, result.HTMLFile)))
	if want := "with 13 % more error than the last value and 50 % less than seasonal naive; naive is the best, with 91.20 %."; !strings.Contains(page, want) {
		t.Errorf("%q is not in the page", want)
	}
}
