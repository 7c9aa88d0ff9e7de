package promclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// An Asker answers queries as a Client does.
type Asker interface {
	Query(ctx context.Context, expr string, at time.Time) (float64, error)
	QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error)
}

// Limits of the memory of a Shared.
const (
	sharedAnswers = 20_000    // of instants: two ticks of 10,000 expressions
	sharedValues  = 4_000_000 // of ranges: 32 MB; a hundred times 14 days at 30 s
)

// Shared lets scalers share answers: the same expression at the same instant, or over the
// same range, is asked once, however many ask and whether they ask at once or one after
// the other. Answers and ErrNoData are remembered for a while, other errors are not. It
// is safe for concurrent use.
type Shared struct {
	from   Asker
	flight singleflight.Group

	mu       sync.Mutex
	instants fifo[float64]
	ranges   fifo[[]float64]
}

// Share returns a Shared over an Asker, which has to give up by itself: an answer that
// nobody waits for any more is still waited for.
func Share(from Asker) *Shared {
	return &Shared{
		from:     from,
		instants: fifo[float64]{limit: sharedAnswers},
		ranges:   fifo[[]float64]{limit: sharedValues},
	}
}

// Query implements Asker.
func (s *Shared) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	key := fmt.Sprintf("instant %d %s", at.UnixMilli(), expr)
	return share(ctx, s, &s.instants, key, func(ctx context.Context) (float64, int, error) {
		v, err := s.from.Query(ctx, expr, at)
		return v, 1, err
	})
}

// QueryRange implements Asker. The values are the caller's own.
func (s *Shared) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error) {
	key := fmt.Sprintf("range %d %d %d %s", from.UnixMilli(), to.UnixMilli(), step, expr)
	values, err := share(ctx, s, &s.ranges, key, func(ctx context.Context) ([]float64, int, error) {
		v, err := s.from.QueryRange(ctx, expr, from, to, step)
		return v, len(v) + 1, err
	})
	return slices.Clone(values), err
}

// share returns the remembered answer to key, or that of ask, called once at a time.
func share[T any](
	ctx context.Context, s *Shared, memory *fifo[T], key string, ask func(context.Context) (value T, size int, err error),
) (T, error) {
	if got, ok := recall(s, memory, key); ok {
		return got.value, got.err
	}
	done := s.flight.DoChan(key, func() (any, error) {
		// Between the look above and this call the answer may have come.
		if got, ok := recall(s, memory, key); ok {
			return got, nil
		}
		// Who asked first may go away; the others still want the answer.
		value, size, err := ask(context.WithoutCancel(ctx))
		got := remembered[T]{value: value, err: err, size: max(1, size)}
		if err == nil || errors.Is(err, ErrNoData) {
			s.mu.Lock()
			memory.add(key, got)
			s.mu.Unlock()
		}
		return got, nil
	})
	var zero T
	select {
	case result := <-done:
		got, ok := result.Val.(remembered[T])
		if !ok {
			panic(fmt.Sprintf("promclient: answer to %s is a %T", key, result.Val))
		}
		return got.value, got.err
	case <-ctx.Done():
		return zero, ctx.Err()
	}
}

func recall[T any](s *Shared, memory *fifo[T], key string) (remembered[T], bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, ok := memory.byKey[key]
	return got, ok
}

// remembered is an answer; its error is nil or ErrNoData.
type remembered[T any] struct {
	value T
	err   error
	size  int
}

// fifo forgets what it has known longest: time moves forward, and old instants are not
// asked again.
type fifo[T any] struct {
	limit int
	size  int
	keys  []string
	byKey map[string]remembered[T]
}

func (f *fifo[T]) add(key string, r remembered[T]) {
	if f.byKey == nil {
		f.byKey = make(map[string]remembered[T])
	}
	if r.size > f.limit {
		return
	}
	for f.size+r.size > f.limit {
		f.size -= f.byKey[f.keys[0]].size
		delete(f.byKey, f.keys[0])
		f.keys = f.keys[1:]
	}
	f.byKey[key] = r
	f.keys = append(f.keys, key)
	f.size += r.size
}
