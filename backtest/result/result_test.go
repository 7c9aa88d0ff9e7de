package result_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"hindcast.dev/backtest/result"
)

func TestNumberIsNullWhereUndefined(t *testing.T) {
	for _, tc := range []struct {
		n    result.Number
		want string
	}{
		{0, "0"}, {0.999, "0.999"}, {-2.5, "-2.5"}, {1e300, "1e+300"}, {result.Number(1) / 3, "0.3333333333333333"},
		{result.Undefined(), "null"}, {result.Number(math.Inf(1)), "null"}, {result.Number(math.Inf(-1)), "null"},
	} {
		got, err := json.Marshal(tc.n)
		if err != nil || string(got) != tc.want {
			t.Errorf("%v: got %s, %v; want %s", float64(tc.n), got, err, tc.want)
		}
	}
}

func TestNumberReadsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		want := anyFloat(r)
		text, err := json.Marshal(result.Number(want))
		if err != nil {
			t.Fatal(err)
		}
		var got result.Number
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if math.Float64bits(float64(got)) != math.Float64bits(want) && !(math.IsNaN(want) && !got.Defined()) {
			t.Fatalf("%v became %s became %v", want, text, got)
		}
	}
	var n result.Number
	for _, text := range []string{`"1"`, `true`, `{}`, `[]`, `1e999`} {
		if err := json.Unmarshal([]byte(text), &n); err == nil {
			t.Errorf("%s was read as %v", text, n)
		}
	}
}

// TestIntervalsAreNullOrPairs holds the two shapes of an interval in result.json.
func TestIntervalsAreNullOrPairs(t *testing.T) {
	for _, tc := range []struct {
		interval *result.Interval
		want     string
	}{
		{nil, "null"},
		{&result.Interval{0, 0.5}, "[0,0.5]"},
		{&result.Interval{result.Undefined(), 1}, "[null,1]"},
	} {
		if got, err := json.Marshal(tc.interval); err != nil || string(got) != tc.want {
			t.Errorf("got %s, %v; want %s", got, err, tc.want)
		}
	}
}
