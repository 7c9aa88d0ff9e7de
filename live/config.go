package live

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
)

// A Prometheus answers the queries of scalers. It is shared by all of them and must be
// safe for concurrent use.
type Prometheus interface {
	// Check returns why a scaler in a namespace may not ask expr, or nil.
	Check(namespace, expr string) error
	// For returns what scalers in a namespace may ask.
	For(namespace string) autoscaler.Querier
	// Forget drops what is kept for a namespace; its last scaler is gone.
	Forget(namespace string)
}

// Config is what the controller is told beside the objects. Zero fields have the
// defaults stated.
type Config struct {
	// Prometheus is required.
	Prometheus Prometheus
	// Mode is the most powerful mode that any object may have; default Active.
	Mode v1alpha1.Mode
	// DryRun sends changes of replicas to the API server as dry runs: validated, not
	// stored.
	DryRun bool
	// History is how much of the past a scaler that starts asks Prometheus for; default
	// 14 days, at most what its policy has use for.
	History time.Duration
	// Warmups is how many scalers may take in their past at the same time; default 2.
	Warmups int
	// StatusEvery is how often the status of a scaler is written while nothing but the
	// time changes; default 5 minutes.
	StatusEvery time.Duration
	// Lead is the time until a replica is ready that is assumed while the pods do not
	// tell; default 2 minutes.
	Lead time.Duration
	// DecisionLog opens the log of a scaler for appending; nil: none is written.
	DecisionLog func(namespace, name string) (io.WriteCloser, error)
	// Registry takes the controller's own metrics; nil: none are kept.
	Registry prometheus.Registerer
	// Log is nil for no logs.
	Log *slog.Logger

	// read is what wallClock reads; nil: the clock. Tests set it.
	read func() (wall time.Time, monotonic time.Duration)
}

// clock returns a clock for one life of a policy.
func (c *Config) clock() autoscaler.Clock {
	w := newWallClock()
	if c.read != nil {
		w.read = c.read
	}
	return w
}

func (c *Config) setDefaults() {
	setDefault(&c.Mode, v1alpha1.ModeActive)
	setDefault(&c.History, 14*24*time.Hour)
	setDefault(&c.Warmups, 2)
	setDefault(&c.StatusEvery, 5*time.Minute)
	setDefault(&c.Lead, 2*time.Minute)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

func (c *Config) validate() error {
	var faults []error
	if c.Prometheus == nil {
		faults = append(faults, errors.New("live: no Prometheus"))
	}
	if rank(c.Mode) < 0 {
		faults = append(faults, fmt.Errorf("live: mode %q is not Active, Shadow or Paused", c.Mode))
	}
	if c.History < 0 || c.StatusEvery < 0 || c.Lead < 0 || c.Warmups < 0 {
		faults = append(faults, errors.New("live: a negative duration or count"))
	}
	return errors.Join(faults...)
}

func setDefault[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}

// rank orders modes by power, -1 for what is none.
func rank(m v1alpha1.Mode) int {
	switch m {
	case v1alpha1.ModePaused:
		return 0
	case v1alpha1.ModeShadow:
		return 1
	case v1alpha1.ModeActive:
		return 2
	}
	return -1
}

// effectiveMode is the lowest of what the object, its annotation and the flag say. An
// annotation that is no mode pauses: somebody wanted to lower something.
func effectiveMode(s *v1alpha1.PredictiveScaler, limit v1alpha1.Mode) (m v1alpha1.Mode, why string) {
	m = s.Spec.Mode
	if rank(limit) < rank(m) {
		m, why = limit, "the controller runs with a mode of at most "+string(limit)
	}
	if a, ok := s.Annotations[v1alpha1.AnnotationMode]; ok {
		lowered := v1alpha1.Mode(a)
		if rank(lowered) < 0 {
			return v1alpha1.ModePaused, fmt.Sprintf("annotation %s is %q, which is not Active, Shadow or Paused", v1alpha1.AnnotationMode, a)
		}
		if rank(lowered) < rank(m) {
			m, why = lowered, "annotation "+v1alpha1.AnnotationMode
		}
	}
	return m, why
}
