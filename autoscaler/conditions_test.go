package autoscaler_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

func TestConditions(t *testing.T) {
	const staleAfter = 2 * time.Minute
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	missing := func(since time.Duration) *autoscaler.Step {
		return &autoscaler.Step{
			Input:   policy.Input{Now: now, Values: []policy.Value{{Name: "requests", Err: fmt.Errorf("%w: half", autoscaler.ErrSeriesMissing)}}},
			Sources: []autoscaler.Sources{{Count: 4, Expected: 8, Missing: true, Since: now.Add(-since)}},
		}
	}
	step := func(err error) *autoscaler.Step {
		return &autoscaler.Step{Input: policy.Input{Now: now, Values: []policy.Value{{Name: "requests", Err: err}}}}
	}
	look := func(observed float64, learning, demoted bool) []policy.V3Status {
		return []policy.V3Status{{Metric: "requests", Observed: observed, Learning: learning, Demoted: demoted}}
	}
	refused := errors.New("conflict")
	for name, tc := range map[string]struct {
		got    autoscaler.Condition
		kind   string
		ok     bool
		reason string
		says   string
	}{
		"able":                 {autoscaler.AbleToScale(false, nil), v1alpha1.ConditionAbleToScale, true, "ReadyForNewScale", ""},
		"not read":             {autoscaler.AbleToScale(true, refused), v1alpha1.ConditionAbleToScale, false, "FailedGetScale", "conflict"},
		"not set":              {autoscaler.AbleToScale(false, refused), v1alpha1.ConditionAbleToScale, false, "FailedUpdateScale", "conflict"},
		"fresh":                {autoscaler.Fresh(step(nil), look(7, false, false), staleAfter), v1alpha1.ConditionFresh, true, "Current", ""},
		"a gap":                {autoscaler.Fresh(step(refused), look(7, false, false), staleAfter), v1alpha1.ConditionFresh, true, "Current", ""},
		"stale":                {autoscaler.Fresh(step(refused), look(math.NaN(), false, false), staleAfter), v1alpha1.ConditionFresh, false, "NoCurrentData", "metric requests: conflict"},
		"missing for a moment": {autoscaler.Fresh(missing(time.Minute), look(7, false, false), staleAfter), v1alpha1.ConditionFresh, true, "Current", ""},
		"missing for long":     {autoscaler.Fresh(missing(staleAfter), look(7, false, false), staleAfter), v1alpha1.ConditionFresh, false, "SeriesMissing", "from 4 scrape targets or pods where 8 are expected, since 2026-03-02T07:58:00Z"},
		"missing and stale":    {autoscaler.Fresh(missing(time.Minute), look(math.NaN(), false, false), staleAfter), v1alpha1.ConditionFresh, false, "SeriesMissing", "half"},
		"trusted":              {autoscaler.Trusted(look(7, false, false)), v1alpha1.ConditionTrusted, true, "Skilled", ""},
		"learning":             {autoscaler.Trusted(look(7, true, true)), v1alpha1.ConditionTrusted, false, "Learning", "metric requests"},
		"demoted":              {autoscaler.Trusted(look(7, false, true)), v1alpha1.ConditionTrusted, false, "Demoted", "metric requests"},
	} {
		if got := tc.got; got.Type != tc.kind || got.True != tc.ok || got.Reason != tc.reason || !strings.Contains(got.Message, tc.says) || got.Message == "" {
			t.Errorf("%s: %+v, want %+v", name, got, tc)
		}
	}
}
