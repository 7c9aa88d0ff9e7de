package promclient_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hindcast.dev/live/promclient"
)

// slow answers after a second with the second of the instant, and counts.
type slow struct {
	asked atomic.Int64
	mu    sync.Mutex
	exprs []string
	err   error
}

func (s *slow) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	s.asked.Add(1)
	s.mu.Lock()
	s.exprs = append(s.exprs, expr)
	err := s.err
	s.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return float64(at.Unix()), err
}

func (s *slow) QueryRange(_ context.Context, _ string, from, to time.Time, step time.Duration) ([]float64, error) {
	s.asked.Add(1)
	time.Sleep(time.Second)
	values := make([]float64, promclient.Steps(from, to, step))
	for i := range values {
		values[i] = float64(i)
	}
	return values, nil
}

func TestSharedAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(slow)
		shared := promclient.Share(s)
		var wg sync.WaitGroup
		ask := func(expr string, at time.Time) {
			wg.Go(func() {
				if v, err := shared.Query(t.Context(), expr, at); err != nil || v != float64(at.Unix()) {
					t.Errorf("%s at %v: %v, %v", expr, at, v, err)
				}
			})
		}
		for range 100 {
			ask("a", at)
			ask("b", at)
			ask("a", at.Add(30*time.Second))
		}
		wg.Wait()
		ask("a", at) // later, from memory
		wg.Wait()
		if n := s.asked.Load(); n != 3 {
			t.Errorf("301 questions of 3 kinds were asked %d times", n)
		}
	})
}

func TestSharedRangesAreTheCallersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(slow)
		shared := promclient.Share(s)
		for range 3 {
			got, err := shared.QueryRange(t.Context(), "a", at, at.Add(time.Minute), 20*time.Second)
			if err != nil || !same(got, []float64{0, 1, 2, 3}) {
				t.Fatalf("got %v, %v", got, err)
			}
			got[0] = 99
		}
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestSharedErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct {
			err  error
			asks int64
		}{{promclient.ErrNoData, 1}, {promclient.ErrUnavailable, 2}} {
			s := &slow{err: tc.err}
			shared := promclient.Share(s)
			for range 2 {
				if _, err := shared.Query(t.Context(), "a", at); !errors.Is(err, tc.err) {
					t.Errorf("got %v", err)
				}
			}
			if n := s.asked.Load(); n != tc.asks {
				t.Errorf("%v: asked %d times, want %d", tc.err, n, tc.asks)
			}
		}
	})
}

// Who asked first may go away; the second gets the answer all the same.
func TestSharedOutlivesTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := promclient.Share(new(slow))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := shared.Query(ctx, "a", at); !errors.Is(err, context.Canceled) {
				t.Errorf("first: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := shared.Query(t.Context(), "a", at); err != nil {
				t.Errorf("second: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}
