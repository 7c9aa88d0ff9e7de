package promclient

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// script is a server: its n-th answer is of code codes[n], and the last one repeats.
type script struct {
	codes  []int
	header http.Header
	takes  time.Duration
	asked  []time.Time
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	n := min(len(s.asked), len(s.codes)-1)
	s.asked = append(s.asked, time.Now())
	select {
	case <-time.After(s.takes):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	code := s.codes[n]
	if code == 0 {
		return nil, errors.New("connection reset by peer")
	}
	body := ""
	if code == 200 {
		body = `{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}`
	}
	return &http.Response{StatusCode: code, Header: s.header, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func scripted(t *testing.T, s *script, cfg Config) *Client {
	t.Helper()
	cfg.URL = "http://prometheus:9090"
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.exchange.http.Transport = s
	return c
}

// gaps returns the time between the requests.
func (s *script) gaps() []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(s.asked); i++ {
		gaps = append(gaps, s.asked[i].Sub(s.asked[i-1]))
	}
	return gaps
}

func TestBackoffDoublesWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{codes: []int{503, 0, 429, 502, 504, 200}}
		c := scripted(t, s, Config{
			Retries: 5, Backoff: 100 * time.Millisecond, MaxBackoff: 300 * time.Millisecond, Jitter: rand.NewPCG(1, 2),
		})
		if v, err := c.Query(t.Context(), "1", time.Now()); v != 1 || err != nil {
			t.Fatal(v, err)
		}
		gaps := s.gaps()
		whole := []time.Duration{100, 200, 300, 300, 300} // ms
		if len(gaps) != len(whole) {
			t.Fatalf("%d retries, want %d", len(gaps), len(whole))
		}
		for i, gap := range gaps {
			if most := whole[i] * time.Millisecond; gap < most/2 || gap > most {
				t.Errorf("retry %d came after %v, want between %v and %v", i, gap, most/2, most)
			}
		}
		if gaps[2] == gaps[3] && gaps[3] == gaps[4] {
			t.Error("no jitter")
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, after := range map[string]string{
			"seconds": "3", "date": time.Now().Add(3 * time.Second).UTC().Format(http.TimeFormat),
		} {
			s := &script{codes: []int{429, 200}, header: http.Header{"Retry-After": {after}}}
			start := time.Now()
			c := scripted(t, s, Config{})
			if _, err := c.Query(t.Context(), "1", start); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); name == "seconds" && took != 3*time.Second {
				t.Errorf("%s: took %v", name, took)
			}
		}
		// What would come after the timeout is not waited for.
		s := &script{codes: []int{429}, header: http.Header{"Retry-After": {"60"}}}
		start := time.Now()
		if _, err := scripted(t, s, Config{}).Query(t.Context(), "1", start); !errors.Is(err, ErrThrottled) {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 || len(s.asked) != 1 {
			t.Errorf("took %v and %d requests", took, len(s.asked))
		}
	})
}

func TestTimeoutCoversRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{codes: []int{503}, takes: 4 * time.Second}
		start := time.Now()
		_, err := scripted(t, s, Config{Retries: 9}).Query(t.Context(), "1", start)
		if took := time.Since(start); took != DefaultTimeout || !errors.Is(err, ErrTimeout) {
			t.Errorf("took %v: %v", took, err)
		}
	})
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{codes: []int{500, 500, 500, 500, 200}}
		c := scripted(t, s, Config{BreakAfter: 3, BreakFor: 20 * time.Second})
		ask := func() error {
			_, err := c.Query(t.Context(), "1", time.Now())
			return err
		}
		for range 3 {
			if err := ask(); !errors.Is(err, ErrUnavailable) {
				t.Fatal(err)
			}
		}
		for range 10 {
			if err := ask(); !errors.Is(err, ErrBreakerOpen) {
				t.Fatalf("open: %v", err)
			}
		}
		if len(s.asked) != 3 {
			t.Fatalf("an open breaker let %d requests through", len(s.asked)-3)
		}
		time.Sleep(20 * time.Second)
		if err := ask(); !errors.Is(err, ErrUnavailable) || len(s.asked) != 4 {
			t.Fatalf("half open: %v after %d requests", err, len(s.asked))
		}
		if err := ask(); !errors.Is(err, ErrBreakerOpen) {
			t.Fatalf("a failed probe must open it again: %v", err)
		}
		time.Sleep(20 * time.Second)
		// Of many at once one probes.
		s.takes = time.Second
		results := make(chan error, 5)
		for range 5 {
			go func() { results <- ask() }()
		}
		synctest.Wait()
		if len(s.asked) != 5 {
			t.Fatalf("%d probes at once", len(s.asked)-4)
		}
		for range 4 {
			if err := <-results; !errors.Is(err, ErrBreakerOpen) {
				t.Errorf("beside the probe: %v", err)
			}
		}
		if err := <-results; err != nil {
			t.Errorf("probe: %v", err)
		}
		if err := ask(); err != nil {
			t.Errorf("closed: %v", err)
		}
	})
}

// Bad queries and callers that go away say nothing against the server.
func TestBreakerCountsOnlyTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{codes: []int{500, 500, 400, 500, 500, 429, 200}}
		c := scripted(t, s, Config{BreakAfter: 3, Retries: -1})
		for i := range 7 {
			if _, err := c.Query(t.Context(), "1", time.Now()); errors.Is(err, ErrBreakerOpen) {
				t.Fatalf("open at request %d", i)
			}
		}
	})
}

func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{codes: []int{200}, takes: time.Second}
		c := scripted(t, s, Config{Concurrency: 1})
		start := time.Now()
		done := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := c.Query(t.Context(), "1", start)
				done <- err
			}()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("three requests of a second, one at once, took %v", took)
		}
	})
}

// TestNoTurnOpensNoBreaker: who gets no turn in time is told that others are asking, which is not the server's
// fault: the next one is let through.
func TestNoTurnOpensNoBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{codes: []int{200}, takes: 4 * time.Second}
		c := scripted(t, s, Config{Concurrency: 1, BreakAfter: 1, Retries: -1})
		go func() { _, _ = c.Query(t.Context(), "1", time.Now()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Query(ctx, "1", time.Now()); Kind(err) != "throttled" {
			t.Fatalf("without a turn: %v", err)
		}
		if _, err := c.Query(t.Context(), "1", time.Now()); err != nil {
			t.Errorf("after one that had no turn: %v", err)
		}
	})
}
