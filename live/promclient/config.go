package promclient

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"
)

// Defaults of Config.
const (
	DefaultTimeout        = 10 * time.Second
	DefaultRetries        = 2
	DefaultBackoff        = 200 * time.Millisecond
	DefaultMaxBackoff     = 5 * time.Second
	DefaultBreakAfter     = 5
	DefaultBreakFor       = 30 * time.Second
	DefaultConcurrency    = 10
	DefaultMaxBytes       = 64 << 20
	DefaultMaxSeries      = 10_000
	DefaultPointsPerQuery = 10_000
)

// DefaultParameters are sent with every query: Thanos obeys the first, VictoriaMetrics the
// others, and who does not know them ignores them. An answer without a store that was asked
// is an error then (Thanos does not ask those of --endpoint that it has seen fail), and
// VictoriaMetrics evaluates at the instants that were asked for.
func DefaultParameters() url.Values {
	return url.Values{"partial_response": {"false"}, "deny_partial_response": {"1"}, "nocache": {"1"}}
}

// Config says which server to ask, as whom, and how patiently. The zero value of each
// field but URL is a documented default.
type Config struct {
	// URL is the address up to what precedes /api/v1: http://prometheus:9090, or
	// https://mimir/prometheus, or http://vmselect:8481/select/0/prometheus.
	URL string

	BearerTokenFile string // holds a token, and is read anew for each request
	BasicAuthFile   string // holds user:password, and is read anew for each request
	Tenant          string // sent as X-Scope-OrgID

	CAFile     string // certificates to trust in place of the system's, read anew when changed
	CertFile   string // the client's own certificate, and its key, read anew when changed
	KeyFile    string
	ServerName string // that the server's certificate must have; default: the host of URL

	// Parameters are sent with every query; nil is DefaultParameters.
	Parameters url.Values

	Timeout     time.Duration // of a query, retries and waiting included
	Retries     int           // how often a request is sent again; negative: never
	Backoff     time.Duration // before the first retry; doubled for each further one
	MaxBackoff  time.Duration
	BreakAfter  int           // failures in a row after which the server is left alone; negative: never
	BreakFor    time.Duration // how long, before one query is tried
	Concurrency int           // requests at once
	MaxBytes    int64         // of an answer
	MaxSeries   int           // of an answer
	// PointsPerQuery is how many steps a range query has at most: longer ranges are asked
	// in parts. Prometheus refuses more than 11,000.
	PointsPerQuery int

	// Jitter is where the share of a back-off that is waited comes from, so that many
	// clients do not come back together. Nil waits the whole back-off. It is locked by
	// the client.
	Jitter rand.Source
}

// ErrUserInfo refuses a URL with a user name or password: addresses end in logs.
var ErrUserInfo = errors.New("URL holds a user name or password, which would end in logs; put them into a file")

// Validate lists all faults of a Config. No message holds a secret.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	faults = append(faults, checkURL(c.URL))
	if c.BearerTokenFile != "" && c.BasicAuthFile != "" {
		fault("a bearer token file and a basic auth file exclude each other")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		fault("a client certificate needs both, the file of the certificate and of its key")
	}
	if (c.CAFile != "" || c.CertFile != "" || c.ServerName != "") && !strings.HasPrefix(c.URL, "https://") {
		fault("certificates and a server name need an https:// URL")
	}
	if strings.ContainsFunc(c.Tenant, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		fault("tenant holds control characters")
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"timeout", c.Timeout}, {"back-off", c.Backoff}, {"longest back-off", c.MaxBackoff}, {"pause of the breaker", c.BreakFor},
	} {
		if d.value < 0 {
			fault("%s %v is negative", d.name, d.value)
		}
	}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"concurrency", int64(c.Concurrency)}, {"limit of bytes", c.MaxBytes},
		{"limit of series", int64(c.MaxSeries)}, {"limit of points", int64(c.PointsPerQuery)},
	} {
		if n.value < 0 {
			fault("%s %d is negative", n.name, n.value)
		}
	}
	if c.PointsPerQuery > 11_000 {
		fault("limit of points %d is above the 11000 of Prometheus", c.PointsPerQuery)
	}
	return errors.Join(faults...)
}

func checkURL(address string) error {
	const form = "; write http://HOST:PORT, with the path that precedes /api/v1 if there is one"
	if address == "" {
		return errors.New("no URL of a Prometheus server" + form)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		// The text of url.Error repeats the address, with what may be a password.
		return errors.New("URL cannot be read" + form)
	case u.User != nil:
		return ErrUserInfo
	case (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		// It may be user:password@host without a scheme: not repeated.
		return errors.New("URL has no http:// or https:// and host" + form)
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return errors.New("URL has a query or a fragment" + form)
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/api/v1"):
		return errors.New("URL ends in /api/v1, which the client adds" + form)
	}
	return nil
}

// withDefaults returns c with its zero fields filled.
func (c Config) withDefaults() Config {
	c.Timeout = orElse(c.Timeout, DefaultTimeout)
	c.Retries = max(0, orElse(c.Retries, DefaultRetries))
	c.Backoff = orElse(c.Backoff, DefaultBackoff)
	c.MaxBackoff = orElse(c.MaxBackoff, max(c.Backoff, DefaultMaxBackoff))
	c.BreakAfter = max(0, orElse(c.BreakAfter, DefaultBreakAfter))
	c.BreakFor = orElse(c.BreakFor, DefaultBreakFor)
	c.Concurrency = orElse(c.Concurrency, DefaultConcurrency)
	c.MaxBytes = orElse(c.MaxBytes, DefaultMaxBytes)
	c.MaxSeries = orElse(c.MaxSeries, DefaultMaxSeries)
	c.PointsPerQuery = orElse(c.PointsPerQuery, DefaultPointsPerQuery)
	if c.Parameters == nil {
		c.Parameters = DefaultParameters()
	}
	return c
}

func orElse[T comparable](value, other T) T {
	var zero T
	if value == zero {
		return other
	}
	return value
}
