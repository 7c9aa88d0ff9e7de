package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestV2Features compares rows computed by hand. The zone of Now does not matter:
// 01:59 in Kolkata on Tuesday is 20:29 UTC on Monday.
func TestV2Features(t *testing.T) {
	zone := time.FixedZone("IST", 5*3600+1800)
	at := time.Date(2024, 11, 5, 1, 59, 0, 0, zone)
	h := v2History{max: 6}
	var last v2Sample
	// CPU per pod 10, 30, 20, 60, 50, 40, 70; memory 100, 104, ... 124; 2 pods.
	for i, cpu := range []int64{10, 30, 20, 60, 50, 40, 70} {
		bytes := int64(100+4*i) << 20
		s, ok := newV2Sample(Input{Now: at.Add(time.Duration(i) * 30 * time.Second), Pods: []Pod{
			{Sample: &PodSample{MilliCPU: cpu - 5, Bytes: bytes - 1<<20}},
			{},
			{Sample: &PodSample{MilliCPU: cpu + 5, Bytes: bytes + 1<<20}},
		}})
		if !ok {
			t.Fatal("no sample")
		}
		h.append(s, float64(i))
		last = s
	}

	approx := cmpopts.EquateApprox(0, 1e-12)
	check := func(name string, got, want []float64) {
		t.Helper()
		if diff := cmp.Diff(want, got, approx); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// The first of seven samples is dropped; its traces in the next rows are not yet.
	check("second sample", h.row(0), []float64{20, 0, 29, 30, 104, 60, 20, 4, 40, 20, 102, 40})
	check("seventh sample", h.row(5), []float64{20, 0, 32, 70, 124, 140, 30, 4, 60, 48, 116, 96})

	h.shortenStart()
	check("oldest, at training", h.row(0), []float64{20, 0, 29, 30, 104, 60, 0, 0, 0, 30, 104, 60})
	check("next", h.row(1), []float64{20, 0, 30, 20, 108, 40, -10, 4, -20, 25, 106, 50})
	check("fourth", h.row(3), []float64{20, 0, 31, 50, 116, 100, -10, 4, -20, 40, 110, 80})
	check("fifth has five", h.row(4), []float64{20, 0, 31, 40, 120, 80, -10, 4, -20, 40, 112, 80})

	// The newest counts twice: (60+50+40+70+70)/5 and (112+116+120+124+124)/5.
	check("question", h.question(last), []float64{20, 0, 32, 70, 124, 140, 0, 0, 0, 58, 119.2, 116})
	check("targets", h.targets, []float64{1, 2, 3, 4, 5, 6})
}

// TestV2AsksOtherThanItTrains pins the skew: the row that the model is asked about is
// not the row of the same sample that it was trained on.
func TestV2AsksOtherThanItTrains(t *testing.T) {
	h := v2History{max: 10}
	at := time.Date(2024, 11, 3, 0, 0, 0, 0, time.UTC)
	a := v2Sample{at: at, pods: 1, milliCPU: 100, mebibytes: 10, totalMilliCPU: 100}
	b := v2Sample{at: at, pods: 1, milliCPU: 160, mebibytes: 22, totalMilliCPU: 160}
	h.append(a, 1)
	h.append(b, 1)
	trained := []float64{0, 6, 0, 160, 22, 160, 60, 12, 60, 130, 16, 130}
	asked := []float64{0, 6, 0, 160, 22, 160, 0, 0, 0, 140, 18, 140}
	if diff := cmp.Diff(trained, h.row(1)); diff != "" {
		t.Errorf("trained on (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(asked, h.question(b)); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
