package live_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live"
)

// TestEveryChangeHasItsEvent: changes that follow each other closely are an event each, with
// its numbers and its reason, and with the object that was changed.
func TestEveryChangeHasItsEvent(t *testing.T) {
	t.Parallel()
	p := level(95)
	f := start(t, p, nil)
	f.deployment("shop", 2)
	f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
	f.deployment("till", 2)
	f.hpa("till-hpa", "till", 2, 40)
	f.create(floored(f.scaler("till", "till", v1alpha1.ModeActive), "till-hpa"))
	for _, load := range []float64{95, 195, 295} {
		p.set(nil, func(time.Time) float64 { return load })
		f.eventually(fmt.Sprintf("replicas for %v", load), func() error {
			if n, floor := f.replicas("shop"), f.floor("till-hpa"); n < int32(load/10) || floor < int32(load/10) {
				return fmt.Errorf("%d replicas, a floor of %d", n, floor)
			}
			return nil
		})
	}
	for _, tc := range []struct{ scaler, kind, object, what string }{
		{"shop", "Deployment", "shop", "replicas"},
		{"till", "HorizontalPodAutoscaler", "till-hpa", "minReplicas of HorizontalPodAutoscaler till-hpa"},
	} {
		f.eventually("events of "+tc.scaler, func() error {
			changes := f.status(tc.scaler).RecentChanges
			if len(changes) < 3 {
				return fmt.Errorf("%d changes", len(changes))
			}
			events, err := f.cluster.Client(t).EventsV1().Events(f.ns).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				return err
			}
			for _, c := range changes {
				note := fmt.Sprintf("%s from %d to %d: ScaleUp: ", tc.what, c.From, c.To)
				if !slices.ContainsFunc(events.Items, func(e eventsv1.Event) bool {
					return e.Regarding.Name == tc.scaler && e.Reason == "Rescaled" && strings.HasPrefix(e.Note, note) &&
						e.Related != nil && e.Related.Kind == tc.kind && e.Related.Name == tc.object
				}) {
					return fmt.Errorf("none says %q", note)
				}
			}
			return nil
		})
	}
}

// TestDecisionsWithoutALog: a log that cannot be opened, or not written, is told of and stops nobody.
func TestDecisionsWithoutALog(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	for name, open := range map[string]func(string, string) (io.WriteCloser, error){
		"not opened":  func(string, string) (io.WriteCloser, error) { return nil, full },
		"not written": func(string, string) (io.WriteCloser, error) { return fullDisk{full}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, level(95), func(c *live.Config) { c.DecisionLog = open })
			f.deployment("shop", 2)
			f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
			f.want("replicas", 10, func() int32 { return f.replicas("shop") })
			if note := f.event("shop", "NoDecisionLog"); !strings.Contains(note, full.Error()) {
				t.Errorf("event %q", note)
			}
		})
	}
}

type fullDisk struct{ err error }

func (d fullDisk) Write([]byte) (int, error) { return 0, d.err }
func (fullDisk) Close() error                { return nil }
