package autoscaler

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"hindcast.dev/policy"
)

// settledAfter is the age from which a ready pod counts as settled: its times no
// longer matter to any policy, and the log groups it with its like.
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

// A Record is one line of a decision log.
type Record struct {
	Time      time.Time       `json:"time"`
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
	Scaled    bool            `json:"scaled,omitempty"`
	Error     string          `json:"error,omitempty"`
}

// A ValueRecord is the answer to one query.
type ValueRecord struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"` // null: no data, see Error
	Error string   `json:"error,omitempty"`
}

// A PodRecord is one pod, or Count settled pods that look alike.
type PodRecord struct {
	Name         string     `json:"name,omitempty"`
	Count        int        `json:"count,omitempty"` // 0 means 1
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
	Quantile       float64  `json:"quantile"`
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

// Err flushes the log and returns its first error.
func (l *Log) Err() error {
	if l.err == nil {
		l.err = l.buf.Flush()
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
		Scaled: s.Scaled, Error: text(s.Err),
	}
	for _, v := range in.Values {
		rec := ValueRecord{Name: v.Name, Error: text(v.Err)}
		if v.Err == nil {
			rec.Value = finite(v.Value)
		}
		r.Values = append(r.Values, rec)
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
		r.Forecast = &ForecastEntry{f.Model, f.Horizon.Seconds(), finite(f.Point), f.Quantile, finite(f.Upper), finite(f.Observed)}
	}
}

// addPod appends a pod, or counts it with the one before where both are settled and
// look alike.
func (r *Record) addPod(p *policy.Pod, now time.Time) {
	rec := PodRecord{
		Name: p.Name, Phase: phases[p.Phase], Deleting: p.Deleting, Ready: p.Ready,
		RequestMilli: p.RequestMilliCPU, RequestBytes: p.RequestBytes,
	}
	settled := p.Ready && !p.Deleting && now.Sub(p.Started) > settledAfter && now.Sub(p.ReadyChanged) > settledAfter
	if settled {
		rec.Name = ""
	} else {
		rec.Started, rec.ReadyChanged = instant(p.Started), instant(p.ReadyChanged)
	}
	if s := p.Sample; s != nil {
		rec.MilliCPU, rec.Bytes = new(s.MilliCPU), s.Bytes
		rec.SampleAge, rec.Window = now.Sub(s.Time).Seconds(), s.Window.Seconds()
	}
	if n := len(r.Pods); settled && n > 0 && alike(&r.Pods[n-1], &rec) {
		last := &r.Pods[n-1]
		last.Count = max(last.Count, 1) + 1
		return
	}
	r.Pods = append(r.Pods, rec)
}

func alike(a, b *PodRecord) bool {
	if (a.MilliCPU == nil) != (b.MilliCPU == nil) || a.MilliCPU != nil && *a.MilliCPU != *b.MilliCPU {
		return false
	}
	c, d := *a, *b
	c.Count, c.MilliCPU, d.MilliCPU = d.Count, nil, nil
	return c == d
}

var phases = map[policy.PodPhase]string{
	policy.PodPending: "Pending", policy.PodRunning: "Running", policy.PodFailed: "Failed",
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
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
