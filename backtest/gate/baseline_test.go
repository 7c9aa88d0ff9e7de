package gate_test

import (
	"bytes"
	"strings"
	"testing"

	"hindcast.dev/backtest/gate"
	"hindcast.dev/backtest/result"
)

func encoded(t testing.TB, b *result.Blocks) []byte {
	t.Helper()
	text, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stored is a baseline as it stands in its file.
func stored(t testing.TB) []byte {
	t.Helper()
	b, err := gate.Baseline(scaler(8, 1, 1, 1), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return encoded(t, b)
}

// TestBaselineKeeps wants what is read to be what was written, byte by byte, and a
// run to pass against the baseline that was made of it.
func TestBaselineKeeps(t *testing.T) {
	text := stored(t)
	b, err := gate.DecodeBaseline(text, "b.json")
	if err != nil {
		t.Fatal(err)
	}
	if again := encoded(t, b); !bytes.Equal(text, again) {
		t.Errorf("read and written again:\n%s\nwas\n%s", again, text)
	}
	if c := check(t, scaler(8, 1, 1, 1), b, gate.Options{}); c.Outcome != result.CheckPass || c.Guards[0].Reason != "nothing changed" {
		t.Errorf("against its own baseline: %s (%s)", c.Outcome, c.Guards[0].Reason)
	}
	for line := range bytes.Lines(text) {
		if len(line) > 300 {
			t.Errorf("a line of %d characters is no good in a diff", len(line))
		}
	}
}

// TestBadBaseline wants one line that names file, line and remedy.
func TestBadBaseline(t *testing.T) {
	whole := string(stored(t))
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "b.json: holds 0 documents"},
		{"cut", whole[:len(whole)/2], "b.json:"},
		{"another file", `{"schema":"hindcast/result/v1"}`, `b.json:1: schema "hindcast/result/v1", want "hindcast/baseline/v1"`},
		{"a word for a number", strings.Replace(whole, `"objective": 0.999`, `"objective": "high"`, 1), "b.json:"},
		{"a field that nobody knows", strings.Replace(whole, `"objective"`, `"objectives"`, 1), `unknown field; did you mean "objective"`},
		{"a number changed by hand", strings.Replace(whole, `"wape": `, `"wape": 1`, 1), "does not fit its sums"},
		{"a sum that is gone", strings.Replace(whole, `"absolute": [`, `"absolute": [null, `, 1), "sums of errors"},
		{"below 0", strings.Replace(whole, `"bad": [`, `"bad": [-`, 1), "below 0"},
	} {
		_, err := gate.DecodeBaseline([]byte(c.text), "b.json")
		if err == nil {
			t.Errorf("%s: read", c.name)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.want) || !strings.HasPrefix(text, "b.json:") ||
			strings.Contains(text, "\n") || !strings.Contains(text, "--update-baseline") {
			t.Errorf("%s: %q, want %q and a remedy, on one line", c.name, text, c.want)
		}
	}
}

func TestBadRun(t *testing.T) {
	run := scaler(8, 1, 1, 1)
	whole := string(encoded(t, run))
	if _, err := gate.DecodeRun([]byte(whole), "r.json"); err != nil {
		t.Fatal(err)
	}
	if _, err := gate.DecodeRun([]byte(`{"schema":"hindcast/forecast/v1","blocks":`+whole+`}`), "r.json"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "r.json:1: unexpected end of JSON input; make the run again"},
		{"{\n\"schema\": oops}", "r.json:2: "},
		{`{"schema":"hindcast/forecast/v1"}`, "has nothing to check"},
		{strings.Replace(whole, `"size": [`, `"size": [1, `, 1), "sums of errors"},
		{strings.Replace(whole, `"name": "m"`, `"name": ""`, 1), "is empty or stands twice"},
	} {
		if _, err := gate.DecodeRun([]byte(c.text), "r.json"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// FuzzDecodeBaseline wants anything to be read or refused, and what is read to be
// written and checked against itself.
func FuzzDecodeBaseline(f *testing.F) {
	f.Add(stored(f))
	f.Add([]byte(`{"schema":"hindcast/baseline/v1","series":{"checksum":"x","stepSeconds":60},"models":[]}`))
	f.Add([]byte("schema: hindcast/baseline/v1\nmodels: [{name: a, horizons: [{horizonSeconds: 1, blockSeconds: 1, absolute: [0], size: [1]}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := gate.DecodeBaseline(data, "b.json")
		if err != nil {
			if b != nil {
				t.Error("a baseline and an error")
			}
			return
		}
		text := encoded(t, b)
		again, err := gate.DecodeBaseline(text, "b.json")
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !bytes.Equal(encoded(t, again), text) {
			t.Errorf("not the same bytes again:\n%s", text)
		}
		c, err := gate.Check(b, again, gate.Options{})
		if err == nil && c.Outcome != result.CheckPass {
			t.Errorf("against itself: %s (%s)", c.Outcome, c.Guards[0].Reason)
		}
		if _, err := gate.DecodeRun(data, "b.json"); err == nil {
			t.Error("a baseline is no run")
		}
	})
}
