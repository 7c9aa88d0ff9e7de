package promclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	"github.com/prometheus/common/config"
)

// An exchange sends the requests of the API and reads the answers: so many at once, again
// after what may pass, and none while the server is down. It is the api.Client below the
// API of client_golang.
type exchange struct {
	api.Client // for URL
	http       *http.Client
	cfg        Config
	slots      chan struct{}
	breaker    *breaker
	backoff    *backoff
	secrets    *secrets
}

func newExchange(cfg Config) (*exchange, error) {
	secrets := &secrets{kept: forms(cfg.Tenant)}
	transport, err := newTransport(cfg, secrets)
	if err != nil {
		return nil, err
	}
	base, err := api.NewClient(api.Config{Address: cfg.URL, RoundTripper: transport})
	if err != nil {
		return nil, errors.New("URL cannot be read")
	}
	return &exchange{
		Client: base,
		http: &http.Client{
			Transport: transport,
			// A redirect leads to a login page, or credentials to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		cfg:     cfg,
		slots:   make(chan struct{}, cfg.Concurrency),
		breaker: &breaker{after: cfg.BreakAfter, pause: cfg.BreakFor},
		backoff: newBackoff(cfg),
		secrets: secrets,
	}, nil
}

func newTransport(cfg Config, s *secrets) (http.RoundTripper, error) {
	rt, err := config.NewRoundTripperFromConfig(config.HTTPClientConfig{
		TLSConfig: config.TLSConfig{
			CAFile: cfg.CAFile, CertFile: cfg.CertFile, KeyFile: cfg.KeyFile, ServerName: cfg.ServerName,
		},
		EnableHTTP2: true,
		ProxyConfig: config.ProxyConfig{ProxyFromEnvironment: true},
	}, "prometheus", config.WithUserAgent("hindcast"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	switch {
	case cfg.BearerTokenFile != "":
		token := &fileSecret{file: cfg.BearerTokenFile, what: "bearer token", pick: pickToken, secrets: s}
		// What is missing now is a mistake; later it is a Secret that is being changed.
		if _, err := token.Fetch(context.Background()); err != nil {
			return nil, err
		}
		rt = config.NewAuthorizationCredentialsRoundTripper("Bearer", token, rt)
	case cfg.BasicAuthFile != "":
		user := &fileSecret{file: cfg.BasicAuthFile, what: "basic auth", pick: pickUser, secrets: s}
		password := &fileSecret{file: cfg.BasicAuthFile, what: "basic auth", pick: pickPassword, secrets: s}
		if _, err := password.Fetch(context.Background()); err != nil {
			return nil, err
		}
		rt = config.NewBasicAuthRoundTripper(user, password, rt)
	}
	return rt, nil
}

// Do sends a request until it is answered, it is no use, or the context ends.
func (e *exchange) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	if wait, ok := e.breaker.enter(time.Now()); !ok {
		return nil, nil, fmt.Errorf("%w for another %v", ErrBreakerOpen, wait.Round(time.Millisecond))
	}
	result := unknown
	defer func() { e.breaker.leave(time.Now(), result) }()
	if e.cfg.Tenant != "" {
		req.Header.Set("X-Scope-OrgID", e.cfg.Tenant)
	}
	for n := 0; ; n++ {
		resp, body, err := e.once(ctx, req)
		if err == nil {
			result = worked
			return resp, body, nil
		}
		if context.Cause(ctx) != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, nil, ctx.Err()
		}
		result = judge(err)
		again, ok := errors.AsType[*retryable](err)
		if !ok || n >= e.cfg.Retries {
			return nil, nil, err
		}
		wait := max(e.backoff.wait(n), again.after)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return nil, nil, err
		}
		if !sleep(ctx, wait) {
			return nil, nil, err
		}
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, nil, err
			}
		}
	}
}

// judge tells whether an error speaks against the server.
func judge(err error) outcome {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrTimeout) {
		return failed
	}
	if errors.Is(err, ErrCredentials) {
		return unknown // the server was not asked
	}
	return worked
}

// once sends a request once. The errors that may pass are *retryable.
func (e *exchange) once(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		// Not the server's fault: others have not got their answers.
		return nil, nil, fmt.Errorf("%w: %d other requests are under way", ErrThrottled, e.cfg.Concurrency)
	}
	resp, err := e.http.Do(req.WithContext(ctx))
	if err != nil {
		return nil, nil, connectionError(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, e.cfg.MaxBytes+1))
	switch {
	case err != nil:
		return nil, nil, connectionError(ctx, err)
	case int64(len(body)) > e.cfg.MaxBytes:
		return nil, nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, e.cfg.MaxBytes)
	}
	if resp.StatusCode/100 == 2 {
		return resp, body, nil
	}
	if req.Method == http.MethodPost && fallsBack(resp.StatusCode) {
		return resp, body, nil // the API asks by GET
	}
	return nil, nil, statusError(resp, body)
}

// fallsBack tells the codes upon which the API asks by GET what it asked by POST.
func fallsBack(code int) bool {
	return code == http.StatusForbidden || code == http.StatusMethodNotAllowed || code == http.StatusNotImplemented
}

// A retryable is an error that may pass.
type retryable struct {
	err   error
	after time.Duration // what the server asks to wait
}

func (r *retryable) Error() string { return r.err.Error() }
func (r *retryable) Unwrap() error { return r.err }

// connectionError returns the error of a request without an answer. The text of the
// request is left out: it holds the whole query.
func connectionError(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrTimeout
	}
	if errors.Is(err, ErrCredentials) {
		return unwrapURL(err)
	}
	return &retryable{err: withText(ErrUnavailable, unwrapURL(err).Error())}
}

func unwrapURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// What servers say beyond a code. Thanos answers 422 where a store is away and partial
// answers are not allowed; Mimir answers 401 to who names no tenant.
const (
	storeAway = "rpc error: code = Unavailable"
	noTenant  = "no org id"
)

// beyondLimit are the words of servers for a query that takes more than they let it: Prometheus's
// --query.max-samples and --storage.remote.read-sample-limit, the limits of Thanos's stores, Cortex's
// and Mimir's, and those of VictoriaMetrics, which names the flag.
var beyondLimit = []string{
	"too many samples", "exceeded sample limit",
	"exceeded series limit", "exceeded chunks limit", "query time range exceeds the limit", "err-mimir-max-",
	"-search.max",
}

// alsoError is an error of a second kind too.
type alsoError struct {
	error
	kind error
}

func (e *alsoError) Unwrap() error        { return e.error }
func (e *alsoError) Is(target error) bool { return target == e.kind }

// statusError returns the error of an answer that is none.
func statusError(resp *http.Response, body []byte) error {
	code := resp.StatusCode
	text := fmt.Sprintf("HTTP %d", code)
	var said struct {
		ErrorType string `json:"errorType"`
		Error     string `json:"error"`
	}
	// The page of a proxy is not repeated.
	if json.Unmarshal(body, &said) == nil && said.Error != "" {
		text += ", " + said.ErrorType + ": " + said.Error
	} else if strings.TrimSpace(string(body)) == noTenant {
		text += ", " + noTenant + ": it wants to know the tenant"
	}
	switch code {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		if strings.Contains(said.Error, storeAway) {
			return &retryable{err: withText(ErrPartial, text)}
		}
		if slices.ContainsFunc(beyondLimit, func(words string) bool { return strings.Contains(said.Error, words) }) {
			return &alsoError{withText(ErrQuery, text), ErrTooLarge}
		}
		return withText(ErrQuery, text)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return withText(ErrDenied, text)
	case http.StatusTooManyRequests:
		return &retryable{err: withText(ErrThrottled, text), after: retryAfter(resp.Header, time.Now())}
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		err := withText(ErrUnavailable, text)
		if said.ErrorType == "timeout" {
			err = &alsoError{err, ErrTimeout}
		}
		return &retryable{err: err, after: retryAfter(resp.Header, time.Now())}
	}
	switch code / 100 {
	case 3:
		return withText(ErrBadResponse, text+" redirects; give the address of the server itself, and credentials if it asks for a login")
	case 4:
		return withText(ErrBadResponse, text+"; is the path in the URL right?")
	}
	return withText(ErrUnavailable, text)
}

// sleep waits, and returns false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
