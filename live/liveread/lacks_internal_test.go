package liveread

import (
	"testing"

	"hindcast.dev/internal/metricnames"
)

// What a page lacks is said of every metric of the scaler that it is drawn from.
func TestLacksIsWhole(t *testing.T) {
	known := 0
	for _, m := range metricnames.All() {
		if m.Source != metricnames.Scaler {
			continue
		}
		if _, ok := lacks[m.Name]; ok {
			known++
		} else if m.Name != metricnames.ScalerCondition {
			t.Errorf("nothing is said of %s", m.Name)
		}
	}
	if known != len(lacks) {
		t.Errorf("%d of %d names are those of metrics", known, len(lacks))
	}
}
