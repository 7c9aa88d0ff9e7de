package result_test

import (
	"bytes"
	"strings"
	"testing"

	"hindcast.dev/backtest/result"
)

func scoresOf(name string) result.Scores {
	return result.Scores{
		Schema: result.ScoresSchema, Dataset: name, Load: result.ScoredLoad{StepSeconds: 60, NoiseFloor: result.Undefined()},
		Models: []result.ModelScores{{Name: "naive", Horizons: []result.HorizonScores{{HorizonSeconds: 300, N: 7, WAPE: .25, MASE: result.Undefined()}}}},
	}
}

func TestScoresKeep(t *testing.T) {
	for _, all := range [][]result.Scores{{scoresOf("a")}, {scoresOf("a"), scoresOf("b")}} {
		text, err := result.EncodeScores(all)
		if err != nil {
			t.Fatal(err)
		}
		// One load stands at the top, as it always did.
		if got := bytes.Contains(text, []byte(`"evaluations"`)); got != (len(all) > 1) {
			t.Errorf("of %d loads: evaluations %v", len(all), got)
		}
		again, err := result.DecodeScores(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) != len(all) {
			t.Fatalf("%d loads, want %d", len(again), len(all))
		}
		for i := range all {
			h := again[i].Model("naive").At(300)
			if again[i].Dataset != all[i].Dataset || h.N != 7 || h.WAPE != .25 || h.MASE.Defined() || again[i].Load.NoiseFloor.Defined() {
				t.Errorf("read back %+v", again[i])
			}
		}
		if again[0].Model("auto") != nil || again[0].Model("naive").At(301) != nil {
			t.Error("scores that are not there")
		}
	}
}

func TestBadScores(t *testing.T) {
	good, err := result.EncodeScores([]result.Scores{scoresOf("a")})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "no scores: unexpected end of JSON input"},
		{"[]", "no scores"},
		{`{"schema":"hindcast/result/v1"}`, `schema "hindcast/result/v1", want "hindcast/forecast/v1"`},
		{`{"schema":"hindcast/forecast/v1","evaluations":[]}`, "scores of no load"},
		{`{"schema":"hindcast/forecast/v1","evaluations":[{"dataset":"x"}]}`, `scores of "x": schema "", want "hindcast/forecast/v1"`},
		{`{"schema":"hindcast/forecast/v1","evaluations":[{"schema":"hindcast/forecast/v1","dataset":"x"}]}`, `scores of "x": no step`},
		{strings.Replace(string(good), `"horizonSeconds": 300`, `"horizonSeconds": 0`, 1), "a horizon of 0 s"},
		{strings.Replace(string(good), `"n": null`, `"n": [1]`, 1), "has 1 hours a day"},
	} {
		if _, err := result.DecodeScores([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// FuzzDecodeScores wants anything to be read or refused, and what is read to be written
// and read again as the same bytes.
func FuzzDecodeScores(f *testing.F) {
	for _, all := range [][]result.Scores{{scoresOf("a")}, {scoresOf("a"), scoresOf("b")}} {
		text, err := result.EncodeScores(all)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"schema":"hindcast/forecast/v1","load":{"stepSeconds":1},"models":[{"name":"a"},{"name":"a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := result.DecodeScores(data)
		if err != nil {
			return
		}
		text, err := result.EncodeScores(all)
		if err != nil {
			return // A date out of range is read, but has no text.
		}
		again, err := result.DecodeScores(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if twice, err := result.EncodeScores(again); err != nil || !bytes.Equal(twice, text) {
			t.Errorf("not the same bytes again (%v):\n%s", err, twice)
		}
	})
}
