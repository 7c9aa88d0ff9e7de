package live

import (
	"context"
	"errors"
	"testing"

	"hindcast.dev/autoscaler"
)

// counted counts the changes that get through.
type counted struct{ n int }

func (*counted) Replicas(context.Context) (autoscaler.Replicas, error) {
	return autoscaler.Replicas{}, nil
}

func (c *counted) SetReplicas(context.Context, int32) error {
	c.n++
	return nil
}

// TestGate: a loop that decided while its scaler was active, and comes to write when it is no longer, does not.
func TestGate(t *testing.T) {
	t.Parallel()
	through := &counted{}
	g := &gate{through, &runner{}}
	g.r.setActive(true)
	if err := g.SetReplicas(t.Context(), 3); err != nil || through.n != 1 {
		t.Errorf("active: %v, %d changes", err, through.n)
	}
	g.r.setActive(false)
	if err := g.SetReplicas(t.Context(), 4); !errors.Is(err, errNotActive) || through.n != 1 {
		t.Errorf("not active: %v, %d changes", err, through.n)
	}
}
