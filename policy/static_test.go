package policy_test

import (
	"testing"
	"time"

	"hindcast.dev/policy"
)

func TestStatic(t *testing.T) {
	s := policy.Static{N: 7}
	for _, cur := range []int32{0, 7, 100} {
		if d := s.Decide(policy.Input{Now: epoch, Spec: cur}); d.Replicas != 7 || d.Hold {
			t.Errorf("from %d: %+v, want 7", cur, d)
		}
	}
	if n := s.Needs(); n.Interval != time.Minute || n.Pods || n.Queries != nil {
		t.Errorf("needs %+v, want nothing each minute", n)
	}
	if n := (policy.Static{Interval: time.Hour}).Needs(); n.Interval != time.Hour {
		t.Errorf("interval %v, want 1h", n.Interval)
	}
}
