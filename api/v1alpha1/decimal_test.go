package v1alpha1_test

import (
	"encoding/json"
	"math"
	"testing"

	"hindcast.dev/api/v1alpha1"
)

func TestDecimal(t *testing.T) {
	for _, tc := range []struct {
		json string
		want float64
	}{
		{`"0.5"`, 0.5}, {`0.5`, 0.5}, {`"1e3"`, 1000}, {`-7`, -7}, {`""`, math.NaN()}, {`null`, math.NaN()},
	} {
		var d v1alpha1.Decimal
		if err := json.Unmarshal([]byte(tc.json), &d); err != nil {
			t.Errorf("%s: %v", tc.json, err)
			continue
		}
		got, err := d.Float()
		if err != nil || got != tc.want && !(math.IsNaN(got) && math.IsNaN(tc.want)) {
			t.Errorf("Float of %s = %v, %v, want %v", tc.json, got, err, tc.want)
		}
		if math.IsNaN(tc.want) && d.Or(9) != 9 {
			t.Errorf("Or of %s = %v, want 9", tc.json, d.Or(9))
		}
	}
	for _, bad := range []v1alpha1.Decimal{"x", "NaN", "Inf", "-inf", "1e999", " 1"} {
		if v, err := bad.Float(); err == nil {
			t.Errorf("Float of %q = %v, want an error", bad, v)
		}
	}
	var d v1alpha1.Decimal
	for _, bad := range []string{`true`, `[1]`, `{}`} {
		if err := json.Unmarshal([]byte(bad), &d); err == nil {
			t.Errorf("%s was read as %q", bad, d)
		}
	}
}
