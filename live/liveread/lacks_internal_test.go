package liveread

import (
	"testing"

	"hindcast.dev/internal/metricnames"
)

// notDrawn are those that no page is drawn from.
var notDrawn = map[string]bool{
	metricnames.ScalerCondition: true, metricnames.ScalerSources: true, metricnames.ScalerSourcesExpected: true,
}

// What a page lacks is said of every metric of the scaler that it is drawn from.
func TestLacksIsWhole(t *testing.T) {
	known := 0
	for _, m := range metricnames.All() {
		if m.Source != metricnames.Scaler {
			continue
		}
		if _, ok := lacks[m.Name]; ok {
			known++
		} else if !notDrawn[m.Name] {
			t.Errorf("nothing is said of %s", m.Name)
		}
	}
	if known != len(lacks) {
		t.Errorf("%d of %d names are those of metrics", known, len(lacks))
	}
}
