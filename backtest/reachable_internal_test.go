package backtest

import (
	"testing"

	"hindcast.dev/api/v1alpha1"
)

// TestKnobsStayWithinReach: with an error rate that no number of replicas can make up
// for, no knob asks for an objective that even an idle replica misses.
func TestKnobsStayWithinReach(t *testing.T) {
	x := &v1alpha1.Experiment{}
	x.Spec.Datasets = []v1alpha1.Dataset{{Scenario: "ramp"}}
	x.Spec.App.ErrorRate = "0.0002"
	x.Default()
	e, err := newEnv(x, x.Spec.Datasets[0], "default", "app")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range []string{"v3", "oracle"} {
		ent, err := builtIn(e, name)
		if err != nil {
			t.Fatal(err)
		}
		if top := ent.knob.at(1); top >= 1-0.0002 || top < e.objective {
			t.Errorf("%s: the knob goes up to %v, but %v is out of reach", name, top, 1-0.0002)
		}
		if _, err := ent.build(ent.knob.at(1)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
