package autoscaler

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"hindcast.dev/policy"
)

// settledAfter is the age from which a ready pod counts as settled, so that the log
// groups it with its like. Of young pods a reader wants the names.
const settledAfter = 10 * time.Minute

// A Log is a Recorder that writes every step as one line of JSON (docs/decisions.md
// has the schema). It is not safe for concurrent use.
type Log struct {
	buf *bufio.Writer
	enc *json.Encoder
	err error
	rec Record
}

// NewLog returns a Log that writes to w.
func NewLog(w io.Writer) *Log {
	buf := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return &Log{buf: buf, enc: enc}
}

// A Record is one line of a decision log. Its fields are only ever added to.
type Record struct {
	Time time.Time `json:"time"`
	// Start begins the life of a policy; such a line has no other field but Time.
	Start     *Start          `json:"start,omitempty"`
	Spec      int32           `json:"spec"`
	Status    int32           `json:"status"`
	Values    []ValueRecord   `json:"values,omitempty"`
	Pods      []PodRecord     `json:"pods,omitempty"`
	PodsError string          `json:"podsError,omitempty"`
	Replicas  int32           `json:"replicas"`
	Hold      bool            `json:"hold,omitempty"`
	Raw       int32           `json:"raw"`
	Reason    string          `json:"reason"`
	Proposals []ProposalEntry `json:"proposals,omitempty"`
	Clamps    []ClampEntry    `json:"clamps,omitempty"`
	Forecast  *ForecastEntry  `json:"forecast,omitempty"`
	Skipped   bool            `json:"skipped,omitempty"`
	Scaled    bool            `json:"scaled,omitempty"`
	// DryRun says that the change was checked only.
	DryRun bool `json:"dryRun,omitempty"`
	// Set is what it was scaled to where that is not Replicas, as the workload has bounds.
	Set   *int32 `json:"set,omitempty"`
	Error string `json:"error,omitempty"`
}

// A ValueRecord is the answer to one query.
type ValueRecord struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"` // null: no number, see the other fields
	Error string   `json:"error,omitempty"`
	// NoData says that the error was policy.ErrNoData.
	NoData bool `json:"noData,omitempty"`
	// NotFinite is "NaN", "+Inf" or "-Inf" where the query gave that, without an error.
	NotFinite string `json:"notFinite,omitempty"`
}

// A PodRecord is one pod, or Count pods in a row that are settled and look alike:
// what differs between them, their names and times, changes no decision.
type PodRecord struct {
	Name         string     `json:"name,omitempty"`
	First        string     `json:"first,omitempty"` // name of the first of settled pods
	Count        int        `json:"count,omitempty"` // of settled pods; 0: one pod that is not
	Phase        string     `json:"phase"`
	Deleting     bool       `json:"deleting,omitempty"`
	Ready        bool       `json:"ready,omitempty"`
	Started      *time.Time `json:"started,omitempty"`
	ReadyChanged *time.Time `json:"readyChanged,omitempty"`
	MilliCPU     *int64     `json:"milliCPU,omitempty"` // absent: no sample
	Bytes        int64      `json:"bytes,omitempty"`
	SampleAge    float64    `json:"sampleAgeSeconds,omitempty"`
	Window       float64    `json:"windowSeconds,omitempty"`
	RequestMilli int64      `json:"requestMilliCPU,omitempty"`
	RequestBytes int64      `json:"requestBytes,omitempty"`
}

// A ProposalEntry is the wish of one metric or source.
type ProposalEntry struct {
	Source   string `json:"source"`
	Replicas int32  `json:"replicas"`
	Detail   string `json:"detail,omitempty"`
	Error    string `json:"error,omitempty"`
}

// A ClampEntry is a limit that changed the wish.
type ClampEntry struct {
	Name string `json:"name"`
	From int32  `json:"from"`
	To   int32  `json:"to"`
}

// A ForecastEntry is what a predictive policy expected.
type ForecastEntry struct {
	Model          string   `json:"model"`
	HorizonSeconds float64  `json:"horizonSeconds"`
	Point          *float64 `json:"point"`
	Quantile       float64  `json:"quantile"` // 0: none
	Upper          *float64 `json:"upper"`
	Observed       *float64 `json:"observed"`
}

// Record writes one step. The first error stays and stops the log.
func (l *Log) Record(s Step) {
	if l.err != nil {
		return
	}
	l.rec.set(&s)
	if err := l.enc.Encode(&l.rec); err != nil {
		l.err = fmt.Errorf("write decision at %s: %w", s.Input.Now.UTC().Format(time.RFC3339), err)
	}
}

// Start writes the beginning of a policy's life, at the instant now.
func (l *Log) Start(now time.Time, s *Start) {
	if l.err != nil {
		return
	}
	line := struct {
		Time  time.Time `json:"time"`
		Start *Start    `json:"start"`
	}{now, s}
	if err := l.enc.Encode(line); err != nil {
		l.err = fmt.Errorf("write start at %s: %w", now.UTC().Format(time.RFC3339), err)
	}
}

// Err flushes the log and returns its first error.
func (l *Log) Err() error {
	// What was recorded before an error is still worth having.
	if err := l.buf.Flush(); l.err == nil && err != nil {
		l.err = fmt.Errorf("write decisions: %w", err)
	}
	return l.err
}

func (r *Record) set(s *Step) {
	in, d := &s.Input, &s.Decision
	*r = Record{
		Time: in.Now, Spec: in.Spec, Status: in.Status,
		Values: r.Values[:0], Pods: r.Pods[:0], Proposals: r.Proposals[:0], Clamps: r.Clamps[:0],
		PodsError: text(in.PodsErr),
		Replicas:  d.Replicas, Hold: d.Hold, Raw: d.Raw, Reason: d.Reason,
		Skipped: s.Skipped, Scaled: s.Scaled, DryRun: s.DryRun, Error: text(s.Err),
	}
	if set := s.Set(); (s.Scaled || s.DryRun) && set != d.Replicas {
		r.Set = new(set)
	}
	for _, v := range in.Values {
		r.Values = append(r.Values, newValueRecord(v))
	}
	for i := range in.Pods {
		r.addPod(&in.Pods[i], in.Now)
	}
	for _, p := range d.Proposals {
		r.Proposals = append(r.Proposals, ProposalEntry{p.Source, p.Replicas, p.Detail, text(p.Err)})
	}
	for _, c := range d.Clamps {
		r.Clamps = append(r.Clamps, ClampEntry(c))
	}
	if f := d.Forecast; f != nil {
		r.Forecast = &ForecastEntry{f.Model, f.Horizon.Seconds(), finite(f.Point), 0, finite(f.Upper), finite(f.Observed)}
		if q := finite(f.Quantile); q != nil {
			r.Forecast.Quantile = *q
		}
	}
}

// addPod appends a pod, or counts it with the one before where both are settled and
// look alike.
func (r *Record) addPod(p *policy.Pod, now time.Time) {
	rec := PodRecord{
		Name: p.Name, Phase: phaseName(p.Phase), Deleting: p.Deleting, Ready: p.Ready,
		RequestMilli: p.RequestMilliCPU, RequestBytes: p.RequestBytes,
	}
	settled := isSettled(p, now)
	if settled {
		rec.Name, rec.First, rec.Count = "", p.Name, 1
	} else {
		rec.Started, rec.ReadyChanged = instant(p.Started), instant(p.ReadyChanged)
	}
	if s := p.Sample; s != nil {
		rec.MilliCPU, rec.Bytes = new(s.MilliCPU), s.Bytes
		rec.SampleAge, rec.Window = now.Sub(s.Time).Seconds(), s.Window.Seconds()
	}
	if n := len(r.Pods); settled && n > 0 && r.Pods[n-1].Count > 0 && alike(&r.Pods[n-1], &rec) {
		r.Pods[n-1].Count++
		return
	}
	r.Pods = append(r.Pods, rec)
}

// isSettled says whether the times of a pod are of no account: it is ready, and was
// throughout the window of its sample, so that an HPA counts it whatever its delays.
func isSettled(p *policy.Pod, now time.Time) bool {
	if !p.Ready || p.Deleting || p.Started.IsZero() || p.ReadyChanged.IsZero() {
		return false
	}
	if now.Sub(p.Started) <= settledAfter || now.Sub(p.ReadyChanged) <= settledAfter {
		return false
	}
	return p.Sample == nil || !p.Sample.Time.Before(p.ReadyChanged.Add(p.Sample.Window))
}

// alike compares all but how many and who.
func alike(a, b *PodRecord) bool {
	if (a.MilliCPU == nil) != (b.MilliCPU == nil) || a.MilliCPU != nil && *a.MilliCPU != *b.MilliCPU {
		return false
	}
	c, d := *a, *b
	c.Count, c.First, c.MilliCPU = 0, "", nil
	d.Count, d.First, d.MilliCPU = 0, "", nil
	return c == d
}

func newValueRecord(v policy.Value) ValueRecord {
	rec := ValueRecord{Name: v.Name, Error: text(v.Err), NoData: errors.Is(v.Err, policy.ErrNoData)}
	if v.Err != nil {
		return rec
	}
	if rec.Value = finite(v.Value); rec.Value == nil {
		rec.NotFinite = strconv.FormatFloat(v.Value, 'g', -1, 64)
	}
	return rec
}

func phaseName(p policy.PodPhase) string {
	switch p {
	case policy.PodPending:
		return "Pending"
	case policy.PodRunning:
		return "Running"
	case policy.PodFailed:
		return "Failed"
	}
	return ""
}

func text(err error) string {
	if err == nil {
		return ""
	}
	if s := err.Error(); s != "" {
		return s
	}
	return "an error without a text"
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// finite returns nil, which JSON shows as null, for what JSON cannot show.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
