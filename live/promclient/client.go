package promclient

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	apiv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// A Client asks one server. It is safe for concurrent use.
type Client struct {
	cfg      Config
	exchange *exchange
	api      apiv1.API
}

// New returns a client. It sends nothing yet, but reads the files of certificates and
// credentials, which it will read again.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("client of Prometheus: %w", err)
	}
	cfg = cfg.withDefaults()
	e, err := newExchange(cfg)
	if err != nil {
		return nil, fmt.Errorf("client of Prometheus %s: %w", cfg.URL, err)
	}
	return &Client{cfg: cfg, exchange: e, api: apiv1.NewAPI(withParameters{e, cfg.Parameters})}, nil
}

// CloseIdleConnections closes the connections that no query uses.
func (c *Client) CloseIdleConnections() { c.exchange.http.CloseIdleConnections() }

// Query evaluates expr at the instant at; a vector is summed in the order of its labels.
// Without any sample the error is ErrNoData, and ErrNotFinite for NaN or infinity.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) (float64, error) {
	v, err := c.query(ctx, expr, at)
	if err == nil {
		var sum float64
		if sum, err = c.sum(v); err == nil {
			return sum, nil
		}
	}
	return 0, c.wrap(err, "query %q at %s", expr, stamp(at))
}

// QueryRange evaluates expr at from, from+step, ... up to and including to. A vector is
// summed step by step; a step without a sample is NaN, as is one whose sum is not finite.
// Without any sample all steps are NaN, and there is no error.
func (c *Client) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]float64, error) {
	series, err := c.Series(ctx, expr, from, to, step)
	if err != nil {
		return nil, err
	}
	from = floor(from)
	values := make([]float64, Steps(from, floor(to), step))
	seen := make([]bool, len(values))
	for _, s := range series {
		for i, v := range s.Values {
			if !math.IsNaN(v) || s.Present(i) {
				values[i] += v
				seen[i] = true
			}
		}
	}
	for i, ok := range seen {
		if !ok || math.IsInf(values[i], 0) {
			values[i] = math.NaN()
		}
	}
	return values, nil
}

// MaxSeries returns how many series an answer may have.
func (c *Client) MaxSeries() int { return c.cfg.MaxSeries }

// Check asks the server for 1, which any will answer that lets the client in.
func (c *Client) Check(ctx context.Context, at time.Time) error {
	v, err := c.Query(ctx, "vector(1)", at)
	if err == nil && v != 1 {
		err = c.wrap(ErrBadResponse, "vector(1) is %v", v)
	}
	return err
}

func (c *Client) query(ctx context.Context, expr string, at time.Time) (model.Value, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, ErrTimeout)
	defer cancel()
	v, warnings, _, err := c.api.Query(ctx, expr, floor(at), c.options()...)
	return v, checked(ctx, warnings, err)
}

func (c *Client) queryRange(ctx context.Context, expr string, r apiv1.Range) (model.Value, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, ErrTimeout)
	defer cancel()
	v, warnings, _, err := c.api.QueryRange(ctx, expr, r, c.options()...)
	return v, checked(ctx, warnings, err)
}

// options ask the server to stop where the client would.
func (c *Client) options() []apiv1.Option {
	return []apiv1.Option{apiv1.WithTimeout(c.cfg.Timeout), apiv1.WithLimit(uint64(c.cfg.MaxSeries))}
}

// truncated is the warning of a server that left out series beyond the limit.
const truncated = "results truncated due to limit"

// checked returns the error of an answer, of the kinds of this package.
func checked(ctx context.Context, warnings []string, err error) error {
	if err == nil {
		if len(warnings) == 0 {
			return nil
		}
		if slices.Contains(warnings, truncated) {
			return withText(ErrTooLarge, truncated)
		}
		more := ""
		if len(warnings) > 1 {
			more = fmt.Sprintf(" (and %d more)", len(warnings)-1)
		}
		return withText(ErrPartial, warnings[0]+more)
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return context.Cause(ctx)
	}
	if Kind(err) != "other" {
		return err
	}
	if bad, ok := errors.AsType[*apiv1.Error](err); ok {
		return withText(ErrBadResponse, bad.Msg)
	}
	return withText(ErrBadResponse, err.Error()) // malformed JSON
}

// wrap says what was being done when err happened, without a secret.
func (c *Client) wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	what := shorten(c.exchange.secrets.hide(err.Error()), maxText)
	return &safeError{text: fmt.Sprintf(format, args...) + ": " + c.cfg.URL + ": " + what, err: err}
}

// safeError is an error whose text was cleared of secrets. What it wraps is found by
// errors.Is, but never shown.
type safeError struct {
	text string
	err  error
}

func (e *safeError) Error() string        { return e.text }
func (e *safeError) Is(target error) bool { return errors.Is(e.err, target) }

// floor rounds an instant down to the millisecond, the unit of Prometheus.
func floor(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

func stamp(t time.Time) string { return floor(t).Format(time.RFC3339Nano) }

// Steps returns how many instants from, from+step, ... are not after to.
func Steps(from, to time.Time, step time.Duration) int {
	if to.Before(from) {
		return 0
	}
	return int(to.Sub(from)/step) + 1
}
