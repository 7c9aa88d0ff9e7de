package reports_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

// small is a result as a backtest leaves it, without files beside it.
func small(dir string) *result.Folder {
	hpa := result.Policy{
		Name: "hpa", Kind: "hpa", Description: "CPU target 70 %",
		SLA:          result.SLA{RequestsGood: 0.99934},
		Latency:      result.Latency{P99: 0.182},
		Provisioning: result.Provisioning{ThetaOver: 0.412, ThetaUnder: 0.0031},
		Cost:         result.Cost{PodHours: 1599, Price: 79.95},
		Scaling:      result.Scaling{Actions: 859, ScaleUpSeconds: result.ScaleUpSeconds{N: 12, Mean: 131}},
	}
	v3 := hpa
	v3.Name, v3.Kind = "v3", "predictive"
	v3.SLA.RequestsGood, v3.Provisioning.ThetaOver = 0.99971, 0.228
	v3.Cost, v3.Scaling.ScaleUpSeconds.Mean = result.Cost{PodHours: 1310, Price: 65.5}, result.Undefined()
	oracle := v3
	oracle.Name, oracle.Kind = "oracle", "oracle"
	return &result.Folder{Dir: dir, Result: result.Result{
		Schema: result.Schema, Seeds: 1, SLO: result.SLO{LatencySeconds: 0.25, Objective: 0.999},
		Dataset:  result.Dataset{Name: "shop", ScoredFrom: syntheticStart, End: syntheticStart.AddDate(0, 0, 9)},
		Policies: []result.Policy{hpa, v3, oracle},
		Comparisons: []result.Comparison{{
			Candidate: "v3", Baseline: "hpa", Sample: result.EqualSLA, AtObjective: true, SLA: 0.999,
			OverProvisioningReduction: 0.37, ScaleUpTimeReduction: result.Undefined(), CostReduction: 0.18, SLADifference: 0.00037,
			Confidence: result.Confidence{Level: 0.95, Cost: &result.Interval{0.15, 0.21}},
		}},
		Verdict: &result.Verdict{
			Candidate: "v3", Baseline: "hpa", Outcome: result.Better, AtObjective: true,
			Sentence: "At 99.9 % of requests good, v3 costs 18 % (15 to 21) less than hpa.",
		},
	}}
}

func ExampleTable() {
	if err := reports.Table(os.Stdout, small("shop")); err != nil {
		panic(err)
	}
	// Output:
	// At 99.9 % of requests good, v3 costs 18 % (15 to 21) less than hpa.
	//
	// policy    good, %  p99, ms  over, %  under, %  scale-up, s  pod-hours  price  actions
	// hpa        99.934      182       41      0.31          131      1,599  79.95      859
	// v3         99.971      182       23      0.31            –      1,310  65.50      859
	// oracle †   99.971      182       23      0.31            –      1,310  65.50      859
	// † hindsight: knows the load in advance, bounds what is possible.
	// –: undefined, for example a share of nothing.
}

func ExampleCompare() {
	monday, tuesday := small("runs/monday"), small("runs/tuesday")
	for _, f := range []*result.Folder{monday, tuesday} {
		f.Result.Policies = f.Result.Policies[:1]
		f.Result.Comparisons[0].ScaleUpTimeReduction = 0.85
	}
	tuesday.Result.Verdict = nil
	if err := reports.Compare(os.Stdout, []*result.Folder{monday, tuesday}); err != nil {
		panic(err)
	}
	// Output:
	// | run     | load | scored | objective, % |    SLO | seeds | verdict               |
	// | ------- | ---- | -----: | -----------: | -----: | ----: | --------------------- |
	// | monday  | shop |    9 d |         99.9 | 250 ms |     1 | v3 is better than hpa |
	// | tuesday | shop |    9 d |         99.9 | 250 ms |     1 | no verdict            |
	//
	// | run     | policy | requests good, % | over-provisioned, % | price | scale-up mean, s |
	// | ------- | ------ | ---------------: | ------------------: | ----: | ---------------: |
	// | monday  | hpa    |           99.934 |                  41 | 79.95 |              131 |
	// | tuesday | hpa    |           99.934 |                  41 | 79.95 |              131 |
	//
	// | run     | candidate against baseline | sample    | less over-provisioning | faster scale-up |       less cost | requests good, difference |
	// | ------- | -------------------------- | --------- | ---------------------: | --------------: | --------------: | ------------------------: |
	// | monday  | v3 against hpa             | equal-sla |                   37 % |            85 % | 18 % (15 to 21) |                 +0.037 pp |
	// | tuesday | v3 against hpa             | equal-sla |                   37 % |            85 % | 18 % (15 to 21) |                 +0.037 pp |
}

func TestTableFitsATerminal(t *testing.T) {
	f := small("shop")
	f.Result.Verdict.Sentence = strings.Repeat("many words ", 40)
	var b bytes.Buffer
	if err := reports.Table(&b, f); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// A policy that was short of replicas that it may not have is marked, and the mark explained.
func TestTableSaysWhoWasAtTheMost(t *testing.T) {
	f := small("shop")
	f.Result.Policies[0].AtMax = &result.AtMax{MaxReplicas: 5, TimeShare: 0.07, BadShare: 0.5}
	var b bytes.Buffer
	if err := reports.Table(&b, f); err != nil {
		t.Fatal(err)
	}
	name := f.Result.Policies[0].Name
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{name + " ‡ ", "‡ its maxReplicas were too few for the load: " + name + " had asked for all 5 for 7.0 % of the time and needed more, which is when 50 % of its bad requests ended."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Count(text, "‡") != 2 {
		t.Errorf("others are marked too: %s", text)
	}
}

// A table of several runs says of each run and policy what it is compared on.
func TestCompareHoldsEveryRun(t *testing.T) {
	var b bytes.Buffer
	if err := reports.Compare(&b, []*result.Folder{small("a/one"), small("b/two")}); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.SplitSeq(b.String(), "\n") {
		if !strings.HasPrefix(line, "| one") && !strings.HasPrefix(line, "| two") {
			continue
		}
		rows++
		for cell, want := range map[string]string{"| v3 against hpa |": "18 % (15 to 21)", "| hpa  ": "41"} {
			if strings.Contains(line, cell) && !strings.Contains(line, want) {
				t.Errorf("no %q in %q", want, line)
			}
		}
	}
	if want := 2 * (1 + 3 + 1); rows != want {
		t.Errorf("%d rows, want %d:\n%s", rows, want, b.String())
	}
}

// Two runs of the same name are told apart by their paths.
func TestCompareTellsRunsApart(t *testing.T) {
	var b bytes.Buffer
	if err := reports.Compare(&b, []*result.Folder{small("a/run"), small("b/run/")}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| a/run |", "| b/run |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestCompareNothing(t *testing.T) {
	var b bytes.Buffer
	if err := reports.Compare(&b, nil); err != nil || b.Len() != 0 {
		t.Errorf("got %q, %v", b.String(), err)
	}
}
