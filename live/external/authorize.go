package external

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// allowedFor is how long a permission holds without asking again.
const allowedFor = 30 * time.Second

// mostAllowed bounds the permissions that are remembered.
const mostAllowed = 4096

// An authorizer asks the API server who may do what, and remembers what it allowed.
type authorizer struct {
	client client.Client

	mu      sync.Mutex
	allowed map[string]time.Time // until when
}

// allows reports whether a user may do something, and why not.
func (a *authorizer) allows(ctx context.Context, asked authorizationv1.SubjectAccessReviewSpec, now time.Time) (ok bool, reason string, err error) {
	text, err := json.Marshal(asked)
	if err != nil {
		return false, "", err
	}
	key := string(text)
	a.mu.Lock()
	until := a.allowed[key]
	a.mu.Unlock()
	if now.Before(until) {
		return true, "", nil
	}
	review := &authorizationv1.SubjectAccessReview{Spec: asked}
	if err := a.client.Create(ctx, review); err != nil {
		return false, "", fmt.Errorf("ask the API server what %q may do: %w", asked.User, err)
	}
	if !review.Status.Allowed || review.Status.Denied {
		return false, review.Status.Reason, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.allowed == nil || len(a.allowed) >= mostAllowed {
		a.allowed = map[string]time.Time{}
	}
	a.allowed[key] = now.Add(allowedFor)
	return true, "", nil
}
