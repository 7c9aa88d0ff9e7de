package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hindcast.dev/datasets"
	"hindcast.dev/promdb"
)

// A Format is how a recording is written.
type Format string

// The formats.
const (
	CSV         Format = "csv"
	OpenMetrics Format = "openmetrics"
	TSDB        Format = "tsdb"
)

// A Query is one thing to record: the values of an expression, or with Raw the samples of
// a selector as they were scraped.
type Query struct {
	Name string `json:"name"`
	Expr string `json:"expr"`
	// Lead is how much earlier than the rest raw samples begin, because expressions look
	// back on them.
	Lead time.Duration `json:"lead,omitempty"`
}

// A Plan says what to record. Times are whole milliseconds.
type Plan struct {
	Schema  string        `json:"schema"`
	Source  string        `json:"source"` // address of the server, without credentials
	Tenant  bool          `json:"tenant,omitempty"`
	Queries []Query       `json:"queries"`
	Raw     bool          `json:"raw,omitempty"`
	Since   string        `json:"since"` // as the user wrote it
	Until   string        `json:"until,omitempty"`
	From    time.Time     `json:"from"`
	To      time.Time     `json:"to"`
	Step    time.Duration `json:"step"`
	Format  Format        `json:"format"`
	// Load are the expressions that the raw series were recorded for, the first being
	// what a backtest takes for the load.
	Load []Query `json:"load,omitempty"`
	// Samples says how raw samples were asked for: by Remote, by Queries, or, if it is
	// empty, by whatever the server offers.
	Samples Means `json:"samples,omitempty"`
	// RemoteRead is set where raw samples come by remote read.
	RemoteRead *RemoteRead `json:"remoteRead,omitempty"`
}

// Means is how raw samples come.
type Means string

// The means.
const (
	ByOffer  Means = ""             // by remote read where the server offers it, else by queries
	ByRemote Means = "remote-read"  // by Prometheus's remote read: staleness markers too
	ByQuery  Means = "range-vector" // by queries such as up[2h]
)

// RemoteRead says of a recording that its samples come by remote read.
type RemoteRead struct {
	// External are the labels that the server adds to every series that is read so, and
	// that are not recorded.
	External map[string]string `json:"externalLabels,omitempty"`
}

const schema = "hindcast/recording/v1"

// Limits of a part. Prometheus answers with 11,000 points of a series at most.
const (
	partSteps = 10_000
	partSpan  = 24 * time.Hour
	rawSpan   = 2 * time.Hour
)

// Validate lists the faults of a plan.
func (p Plan) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(len(p.Queries) == 0, "nothing to record")
	fault(!slices.Contains([]Format{CSV, OpenMetrics, TSDB}, p.Format), "unknown format %q; write csv, openmetrics or tsdb", p.Format)
	fault(p.Raw && p.Format == CSV, "raw samples of several series do not fit into CSV; write openmetrics or tsdb")
	fault(!p.Raw && p.Samples == ByRemote, "remote read gives samples, not values of a query")
	fault(p.Step < time.Millisecond || p.Step%time.Millisecond != 0, "step %v is not a positive whole number of milliseconds", p.Step)
	fault(!p.From.Before(p.To), "the recording would end at %s, not after its start at %s", p.To.Format(time.RFC3339), p.From.Format(time.RFC3339))
	for _, q := range p.Queries {
		fault(q.Lead < 0, "%s: lead %v is negative", q.Name, q.Lead)
		faults = append(faults, promdb.Validate(q.Expr))
	}
	return errors.Join(faults...)
}

// same returns whether two plans were asked for by the same words; what "14 days until
// now" means moves on meanwhile.
func (p Plan) same(other Plan) bool {
	if p.Until != "" && (!p.From.Equal(other.From) || !p.To.Equal(other.To)) {
		return false
	}
	return p.Schema == other.Schema && p.Source == other.Source && p.Tenant == other.Tenant && p.Raw == other.Raw && p.Since == other.Since &&
		p.Until == other.Until && p.Samples == other.Samples && p.Step == other.Step && p.Format == other.Format &&
		slices.Equal(p.Queries, other.Queries) && slices.Equal(p.Load, other.Load)
}

// String sums a plan up for people.
func (p Plan) String() string {
	var exprs []string
	for _, q := range p.Queries {
		exprs = append(exprs, q.Expr)
	}
	how := fmt.Sprintf("every %v", datasets.Duration(p.Step))
	if p.Raw {
		how = "as scraped"
	}
	return fmt.Sprintf("%s to %s %s of %s from %s as %s",
		p.From.UTC().Format(time.RFC3339), p.To.UTC().Format(time.RFC3339), how,
		strings.Join(exprs, ", "), p.Source, p.Format)
}

// A part is one query over one stretch of time.
type part struct {
	query    int
	cell     int
	from, to time.Time // raw: after from up to to; else the steps of [from, to]
}

func (p part) file() string { return fmt.Sprintf("part-%05d-%04d.gob", p.cell, p.query) }

// parts returns all parts in the order in which they are fetched: by time, then by query.
func (p Plan) parts() []part {
	begin, span := p.From, p.span()
	for _, q := range p.Queries {
		if p.Raw && p.From.Add(-q.Lead).Before(begin) {
			begin = p.From.Add(-q.Lead)
		}
	}
	var all []part
	for cell := 0; ; cell++ {
		from := begin.Add(time.Duration(cell) * span)
		if from.After(p.To) || p.Raw && !from.Before(p.To) {
			return all
		}
		for i, q := range p.Queries {
			to := from.Add(span)
			if !p.Raw {
				to = to.Add(-p.Step)
			}
			if to.After(p.To) {
				to = p.To
			}
			start := from
			if p.Raw && start.Before(p.From.Add(-q.Lead)) {
				start = p.From.Add(-q.Lead)
			}
			if !p.Raw || start.Before(to) {
				all = append(all, part{query: i, cell: cell, from: start, to: to})
			}
		}
	}
}

// span is the time of a part.
func (p Plan) span() time.Duration {
	if p.Raw {
		return rawSpan
	}
	return p.Step * min(partSteps, max(1, partSpan/p.Step))
}

// steps is the number of instants of the whole recording.
func (p Plan) steps() int { return int(p.To.Sub(p.From)/p.Step) + 1 }
