package promclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Kinds of errors. Each error of a query wraps one of them, or the error of the context
// that ended it.
var (
	// ErrNoData: the answer has no sample. No data is never zero.
	ErrNoData = errors.New("no data")
	// ErrNotFinite: the answer is NaN or infinite. NaN wraps ErrNoData too: 0/0 says
	// nothing.
	ErrNotFinite = errors.New("result is not a finite number")
	// ErrPartial: the server answered with warnings, that part of the data was not read.
	ErrPartial = errors.New("answer may be incomplete")
	// ErrQuery: the server refuses the expression, or the query takes too much; the latter is
	// ErrTooLarge too where the server says so in words that are known.
	ErrQuery = errors.New("query was refused")
	// ErrDenied: the credentials are missing, wrong or do not suffice.
	ErrDenied = errors.New("access was denied")
	// ErrThrottled: the server asks for fewer requests.
	ErrThrottled = errors.New("too many requests")
	// ErrTimeout: no answer came within Config.Timeout, or the server gave the query up; the latter
	// is ErrUnavailable too.
	ErrTimeout = errors.New("no answer in time")
	// ErrUnavailable: the server cannot be reached, or fails.
	ErrUnavailable = errors.New("server is unavailable")
	// ErrBreakerOpen: the server failed too often; it is left alone for a while.
	ErrBreakerOpen = errors.New("server failed repeatedly and is left alone")
	// ErrBadResponse: the answer is not one of the Prometheus HTTP API.
	ErrBadResponse = errors.New("answer is not one of Prometheus")
	// ErrTooLarge: the answer has more bytes or series than the limit, or would take more than the
	// server lets a query take.
	ErrTooLarge = errors.New("answer is too large")
	// ErrCredentials: a file with credentials cannot be used.
	ErrCredentials = errors.New("credentials cannot be used")
)

// kinds names the errors for metrics, the more special before the more general.
var kinds = []struct {
	err  error
	name string
}{
	{ErrIsolation, "isolation"},
	{ErrRate, "rate"},
	{ErrNotFinite, "not_finite"},
	{ErrNoData, "no_data"},
	{ErrPartial, "partial"},
	{ErrQuery, "query"},
	{ErrDenied, "denied"},
	{ErrThrottled, "throttled"},
	{ErrTimeout, "timeout"},
	{ErrBreakerOpen, "breaker_open"},
	{ErrBadResponse, "bad_response"},
	{ErrTooLarge, "too_large"},
	{ErrCredentials, "credentials"},
	{ErrUnavailable, "unavailable"},
	{context.Canceled, "canceled"},
	{context.DeadlineExceeded, "timeout"},
}

// Kind returns a short name of what kind of error err is, fit for a label of a metric:
// "no_data", "timeout" and so on, "other" for a stranger and "" for nil.
func Kind(err error) string {
	if err == nil {
		return ""
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	return "other"
}

// maxText is how much of what happened an error repeats, in bytes. Before secrets are
// taken out of it, it is cut at maxRaw only: half a secret would not be found.
const (
	maxText = 300
	maxRaw  = 8 << 10
)

// oneLine makes a text of the server fit for a message: one line, printable.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	return shorten(text, maxRaw)
}

func shorten(text string, most int) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// withText returns kind, followed by what the server said, if anything.
func withText(kind error, text string) error {
	if text = oneLine(text); text == "" {
		return kind
	}
	return fmt.Errorf("%w: %s", kind, text)
}
