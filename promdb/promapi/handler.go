package promapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/annotations"

	"hindcast.dev/promdb"
)

// Prefix is the path below which the API lives.
const Prefix = "/api/v1/"

// The defaults of Config: those of a Prometheus server.
const (
	DefaultTimeout     = 2 * time.Minute
	DefaultConcurrency = 20
)

// maxBody is how long the form of a POST request may be, in bytes.
const maxBody = 4 << 20

// Config is how a run is shown.
type Config struct {
	// Start and End are the bounds of the run. End is when a query without a time is
	// made.
	Start, End time.Time
	// Shift is what the clients' clock is ahead of that of the run: it is taken from
	// every time of a request, and added to every time of an answer. PromQL sees the
	// run's time.
	Shift time.Duration
	// Timeout is how long a query may take; default DefaultTimeout.
	Timeout time.Duration
	// Concurrency is how many queries run at once, others wait; default
	// DefaultConcurrency.
	Concurrency int
	// Metadata says what the metrics are: blocks do not.
	Metadata []Metadata
	// Rules are the rule groups as they stood at the end of the run, in its time. A server
	// names groups by file and name, so that those of several runs need other files.
	Rules []promdb.GroupState
	// NoRules says why Rules is empty though the run had rules; it becomes a warning.
	NoRules string
}

// Metadata describes a metric family.
type Metadata struct {
	Name string `json:"-"`
	Type string `json:"type"`
	Help string `json:"help"`
	Unit string `json:"unit"`
}

// A Handler answers requests below Prefix. It is safe for concurrent use; the Reader
// has to stay open as long.
type Handler struct {
	cfg    Config
	db     database
	engine *promql.Engine
	parser parser.Parser
	mux    *http.ServeMux
	slots  chan struct{}
}

// database is what a Handler needs of a Reader.
type database interface {
	storage.Queryable
	BlockMetas() []tsdb.BlockMeta
}

// New returns the API over db.
func New(db *promdb.Reader, cfg Config) *Handler {
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, DefaultConcurrency)
	cfg.Rules = sortGroups(cfg.Rules)
	p := parser.NewParser(parser.Options{ExperimentalDurationExpr: true})
	h := &Handler{
		cfg: cfg, db: db, parser: p, slots: make(chan struct{}, cfg.Concurrency),
		engine: promql.NewEngine(promql.EngineOpts{
			LookbackDelta: promdb.DefaultLookback,
			MaxSamples:    promdb.DefaultMaxSamples,
			Timeout:       cfg.Timeout,
			// The run is over: nobody can look ahead in it.
			EnableAtModifier:     true,
			EnableNegativeOffset: true,
			// Subqueries without a step take the default evaluation interval.
			NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
			Parser:                   p,
		}),
	}
	h.mux = h.routes()
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Handler) routes() *http.ServeMux {
	mux := http.NewServeMux()
	// What is asked for with long expressions may be asked by POST too; nothing of it
	// changes anything.
	for path, f := range map[string]endpoint{
		"query":           h.query,
		"query_range":     h.queryRange,
		"query_exemplars": h.exemplars,
		"format_query":    h.formatQuery,
		"series":          h.series,
		"labels":          h.labelNames,
	} {
		mux.Handle("GET "+Prefix+path, h.wrap(f))
		mux.Handle("POST "+Prefix+path, h.wrap(f))
	}
	for path, f := range map[string]endpoint{
		"label/{name}/values": h.labelValues,
		"metadata":            h.metadata,
		"rules":               h.rules,
		"alerts":              h.alerts,
		"alertmanagers":       h.alertmanagers,
		"targets":             h.targets,
		"targets/metadata":    h.targetsMetadata,
		"scrape_pools":        h.scrapePools,
		"status/buildinfo":    h.buildInfo,
		"status/runtimeinfo":  h.runtimeInfo,
		"status/config":       h.config,
		"status/flags":        h.flags,
		"status/tsdb":         h.tsdbStatus,
		"status/tsdb/blocks":  h.tsdbBlocks,
		"status/walreplay":    h.walReplay,
	} {
		mux.Handle("GET "+Prefix+path, h.wrap(f))
	}
	mux.HandleFunc(Prefix, func(w http.ResponseWriter, r *http.Request) {
		what := strings.TrimPrefix(r.URL.Path, Prefix)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			respondError(w, &apiError{errNotFound, errors.New("a run is read-only, there is no " + r.Method + " " + what)})
			return
		}
		respondError(w, &apiError{errNotFound, errors.New("there is no " + what + " here")})
	})
	return mux
}

// An endpoint answers one request; its data goes below "data".
type endpoint func(r *http.Request) (data any, warnings annotations.Annotations, err *apiError)

// An apiError is an error with its kind, in the words of Prometheus's API.
type apiError struct {
	kind errorKind
	err  error
}

type errorKind struct {
	name string
	code int
}

var (
	errBadData  = errorKind{"bad_data", http.StatusBadRequest}
	errExec     = errorKind{"execution", http.StatusUnprocessableEntity}
	errCanceled = errorKind{"canceled", 499} // as nginx has it: the client is gone
	errTimeout  = errorKind{"timeout", http.StatusServiceUnavailable}
	errInternal = errorKind{"internal", http.StatusInternalServerError}
	errNotFound = errorKind{"not_found", http.StatusNotFound}
)

// badData returns the fault of a parameter.
func badData(err error, parameter string) *apiError {
	return &apiError{errBadData, &parameterError{parameter, err}}
}

type parameterError struct {
	parameter string
	err       error
}

func (e *parameterError) Error() string {
	return `invalid parameter "` + e.parameter + `": ` + e.err.Error()
}

func (e *parameterError) Unwrap() error { return e.err }

// queryError sorts an error of the engine or the storage.
func queryError(err error) *apiError {
	var canceled promql.ErrQueryCanceled
	var late promql.ErrQueryTimeout
	var broken promql.ErrStorage
	switch {
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return &apiError{errCanceled, err}
	case errors.As(err, &late), errors.Is(err, context.DeadlineExceeded):
		return &apiError{errTimeout, err}
	case errors.As(err, &broken):
		return &apiError{errInternal, err}
	default:
		return &apiError{errExec, err}
	}
}

// wrap bounds what a request may take, and writes the answer.
func (h *Handler) wrap(f endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			respondError(w, &apiError{errBadData, err})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), h.cfg.Timeout)
		defer cancel()
		select {
		case h.slots <- struct{}{}:
			defer func() { <-h.slots }()
		case <-ctx.Done():
			respondError(w, queryError(ctx.Err()))
			return
		}
		data, warnings, err := f(r.WithContext(ctx))
		if err != nil {
			respondError(w, err)
			return
		}
		// Ten of each, as a Prometheus server gives.
		warn, info := warnings.AsStrings(r.Form.Get("query"), 10, 10)
		respond(w, http.StatusOK, response{Status: "success", Data: data, Warnings: warn, Infos: info})
	})
}

// encoded is data that is JSON already.
type encoded []byte

// response is the envelope of every answer.
type response struct {
	Status    string   `json:"status"`
	Data      any      `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

func respondError(w http.ResponseWriter, err *apiError) {
	respond(w, err.kind.code, response{Status: "error", ErrorType: err.kind.name, Error: err.err.Error()})
}

func respond(w http.ResponseWriter, code int, body response) {
	// Package json would read through what it is given encoded.
	data, isEncoded := body.Data.(encoded)
	if isEncoded {
		body.Data = nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	parts := [][]byte{text}
	if isEncoded {
		status := []byte(`{"status":"success"`)
		parts = [][]byte{status, []byte(`,"data":`), data, text[len(status):]}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return // a client that is gone needs no answer
		}
	}
}
