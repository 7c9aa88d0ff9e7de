package autoscaler

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"time"

	"hindcast.dev/policy"
)

const (
	// longestLine bounds what one line of a log may take in memory, in bytes.
	longestLine = 1 << 24
	// mostPods bounds what the pods of one record may expand to.
	mostPods = 1 << 20
)

// ReadLog returns the records of a decision log in order, one line at a time. An
// error says in which line it is and is the last thing returned. Fields that are not
// known are left out, as later versions may add some, and so are empty lines.
func ReadLog(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, longestLine)
		n := 0
		for lines.Scan() {
			n++
			if len(bytes.TrimSpace(lines.Bytes())) == 0 {
				continue
			}
			var rec Record
			err := json.Unmarshal(lines.Bytes(), &rec)
			if err == nil {
				err = rec.validate()
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("read decision log: line %d: %w", n, err))
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Record{}, fmt.Errorf("read decision log: line %d: %w", n+1, err))
		}
	}
}

// Input returns what the policy saw when it decided, so that a policy of the same
// configuration that is given the inputs of all records in order decides the same.
// Records that are Skipped never reached the policy; after one that is Scaled its
// Commit is due.
//
// Grouped pods are made single again, with names of their own and as old as settled
// pods are. Errors have the text that they had, and wrap policy.ErrNoData where they did.
func (r *Record) Input() policy.Input {
	in := policy.Input{Now: r.Time, Spec: r.Spec, Status: r.Status}
	if r.PodsError != "" {
		in.PodsErr = errors.New(r.PodsError)
	}
	for i := range r.Values {
		in.Values = append(in.Values, r.Values[i].value())
	}
	for i := range r.Pods {
		p := &r.Pods[i]
		for k := range max(p.Count, 1) {
			in.Pods = append(in.Pods, p.pod(r.Time, i, k))
		}
	}
	return in
}

// scaledTo is what a record that is Scaled scaled to.
func (r *Record) scaledTo() int32 {
	if r.Set != nil {
		return *r.Set
	}
	return r.Replicas
}

// value turns the answer to a query back into what the policy got.
func (v *ValueRecord) value() policy.Value {
	out := policy.Value{Name: v.Name}
	switch {
	case v.Error != "":
		out.Err = replayedError{v.Error, v.NoData}
	case v.Value != nil:
		out.Value = *v.Value
	default:
		// validate has seen that it can be read.
		out.Value, _ = v.notFinite()
	}
	return out
}

// notFinite reads NotFinite; a log from before that field has nothing there.
func (v *ValueRecord) notFinite() (float64, error) {
	switch v.NotFinite {
	case "", "NaN":
		return math.NaN(), nil
	case "+Inf":
		return math.Inf(1), nil
	case "-Inf":
		return math.Inf(-1), nil
	}
	return 0, fmt.Errorf("value of %s: notFinite %q is not NaN, +Inf or -Inf", v.Name, v.NotFinite)
}

// pod returns pod k of the entry, which is the i-th.
func (p *PodRecord) pod(now time.Time, i, k int) policy.Pod {
	phase, _ := p.phase()
	out := policy.Pod{
		Name: p.Name, Phase: phase, Deleting: p.Deleting, Ready: p.Ready,
		RequestMilliCPU: p.RequestMilli, RequestBytes: p.RequestBytes,
	}
	if p.MilliCPU != nil {
		out.Sample = &policy.PodSample{
			MilliCPU: *p.MilliCPU, Bytes: p.Bytes,
			Time: now.Add(-duration(p.SampleAge)), Window: duration(p.Window),
		}
	}
	if p.Count == 0 {
		if p.Started != nil {
			out.Started = *p.Started
		}
		if p.ReadyChanged != nil {
			out.ReadyChanged = *p.ReadyChanged
		}
		return out
	}
	out.Name = p.First
	if k > 0 || p.First == "" {
		out.Name = "settled-" + strconv.Itoa(i) + "-" + strconv.Itoa(k)
	}
	settled := now.Add(-2 * settledAfter)
	if s := out.Sample; s != nil && s.Time.Add(-s.Window).Before(settled) {
		settled = s.Time.Add(-s.Window)
	}
	out.Started, out.ReadyChanged = settled, settled
	return out
}

func (p *PodRecord) phase() (policy.PodPhase, error) {
	for _, phase := range [...]policy.PodPhase{0, policy.PodPending, policy.PodRunning, policy.PodFailed} {
		if p.Phase == phaseName(phase) {
			return phase, nil
		}
	}
	return 0, fmt.Errorf("pod %s: phase %q is not Pending, Running or Failed", p.Name, p.Phase)
}

// duration is exact up to a hundred days, whatever fraction of a second.
func duration(seconds float64) time.Duration {
	return time.Duration(math.Round(min(max(seconds, -maxSeconds), maxSeconds) * 1e9))
}

// maxSeconds is less than the longest time.Duration.
const maxSeconds = 9e9

// validate finds what Input cannot turn back.
func (r *Record) validate() error {
	if r.Time.IsZero() {
		return errors.New("time is missing")
	}
	for i := range r.Values {
		if _, err := r.Values[i].notFinite(); err != nil {
			return err
		}
	}
	if r.Start != nil && r.Start.Scaler == nil {
		return errors.New("start without its scaler")
	}
	pods := 0
	for i := range r.Pods {
		p := &r.Pods[i]
		if _, err := p.phase(); err != nil {
			return err
		}
		if p.Count < 0 || p.Count > mostPods {
			return fmt.Errorf("pod %s: count %d is not in [0, %d]", p.Name, p.Count, mostPods)
		}
		if pods += max(p.Count, 1); pods > mostPods {
			return fmt.Errorf("pods: more than %d", mostPods)
		}
	}
	return nil
}

// A replayedError is an error that was read from a log.
type replayedError struct {
	text   string
	noData bool
}

func (e replayedError) Error() string { return e.text }

func (e replayedError) Is(target error) bool { return e.noData && target == policy.ErrNoData }
