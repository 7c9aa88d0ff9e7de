package backtest

import (
	"fmt"
	"strings"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/suggest"
)

// newEntrant builds the policy that a reference names: a built-in one, or a manifest.
// The notes are what a reader must know of how it was read.
func newEntrant(e *env, ref v1alpha1.PolicyRef, manifests map[string]v1alpha1.Document) (*entrant, []string, error) {
	var ent entrant
	var notes []string
	var err error
	switch doc := manifests[ref.File]; {
	case ref.File != "" && doc.HorizontalPodAutoscaler != nil:
		ent = newHPA(e, ref.Name, doc.HorizontalPodAutoscaler.Spec)
	case ref.File != "" && doc.PredictiveScaler != nil:
		ent, notes, err = newScaler(e, ref.Name, doc.PredictiveScaler, manifests)
	case ref.File != "":
		return nil, nil, fmt.Errorf("%s: not a HorizontalPodAutoscaler or PredictiveScaler", ref.File)
	default:
		ent, err = builtIn(e, ref.Name)
	}
	if err != nil {
		return nil, nil, err
	}
	if ref.Knob != nil && ent.knob != nil {
		ent.knob.from, ent.knob.to = ref.Knob.From.Or(ent.knob.from), ref.Knob.To.Or(ent.knob.to)
	}
	// Faults of a setting show before the first run, not in the middle.
	value := 0.0
	if ent.knob != nil {
		value = ent.knob.configured
	}
	if _, err := ent.build(value); err != nil {
		return nil, nil, err
	}
	return &ent, notes, nil
}

func builtIn(e *env, name string) (entrant, error) {
	switch name {
	case "static":
		return newStatic(e), nil
	case "hpa":
		return newHPA(e, "hpa", hpaSpec(e)), nil
	case "v2":
		return newV2(e), nil
	case "v3":
		return newV3(e)
	case "oracle":
		return newOracle(e), nil
	}
	if near := suggest.Nearest(name, v1alpha1.Policies()); near != "" {
		return entrant{}, fmt.Errorf("unknown policy %q; did you mean %q?", name, near)
	}
	return entrant{}, fmt.Errorf("unknown policy %q; known: %s", name, strings.Join(v1alpha1.Policies(), ", "))
}
