package record

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hindcast.dev/live/promclient"
)

// A Source answers as a promclient.Client does.
type Source interface {
	Series(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]promclient.Series, error)
	Raw(ctx context.Context, selector string, from, to time.Time) ([]promclient.RawSeries, error)
}

// Errors of a recording.
var (
	// ErrOther is returned where parts of another recording are in the way.
	ErrOther = errors.New("holds parts of another recording")
	// ErrNothing is returned where no query gave a sample in the whole time.
	ErrNothing = errors.New("no series has a sample in the whole time")
	// ErrNoLoad is returned where values are to be written as load, which is finite and at
	// least 0, and are not.
	ErrNoLoad = errors.New("is no load")
)

// series is what a part holds of one series: times are in milliseconds since 1970.
type series struct {
	Labels []promclient.Label
	Times  []int64
	Values []float64
}

// A Recording is one that is under way, in a folder of its own.
type Recording struct {
	Plan    Plan
	Resumed int // parts that were there already
	dir     string
	parts   []part
}

// Begin begins a recording that will be written to output, or goes on with one that was
// broken off: then the Plan is that of the first time.
func Begin(plan Plan, output string) (*Recording, error) {
	plan.Schema, plan.RemoteRead = schema, nil
	if err := plan.Validate(); err != nil {
		return nil, err
	}
	r := &Recording{Plan: plan, dir: Staging(output)}
	file := filepath.Join(r.dir, "plan.json")
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(r.dir, 0o755); err != nil {
			return nil, fmt.Errorf("begin recording: %w", err)
		}
		if err := r.keepPlan(); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("go on with recording: %w", err)
	default:
		var old Plan
		if json.Unmarshal(data, &old) != nil || !old.same(plan) || old.Validate() != nil {
			return nil, fmt.Errorf("%s: %w: %v", r.dir, ErrOther, old)
		}
		r.Plan = old
	}
	r.parts = r.Plan.parts()
	for _, p := range r.parts {
		if r.has(p) {
			r.Resumed++
		}
	}
	return r, nil
}

// Undecided returns whether it is still to be decided how the raw samples come: all parts of a
// recording come in the same way, since they do not hold the same.
func (r *Recording) Undecided() bool {
	return r.Plan.Raw && r.Plan.Samples != ByQuery && r.Plan.RemoteRead == nil && r.Resumed == 0
}

// ReadRemotely decides that they come by remote read.
func (r *Recording) ReadRemotely(how RemoteRead) error {
	r.Plan.RemoteRead = &how
	return r.keepPlan()
}

func (r *Recording) keepPlan() error {
	text, err := json.MarshalIndent(r.Plan, "", "  ")
	if err == nil {
		err = writeWhole(filepath.Join(r.dir, "plan.json"), append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("begin recording: %w", err)
	}
	return nil
}

// Staging is the folder of the parts of a recording that will be written to output.
func Staging(output string) string {
	output = filepath.Clean(output)
	return filepath.Join(filepath.Dir(output), "."+filepath.Base(output)+".partial")
}

// Parts is the number of all parts.
func (r *Recording) Parts() int { return len(r.parts) }

// Done is the number of parts that are there.
func (r *Recording) Done() (n int) {
	for _, p := range r.parts {
		if r.has(p) {
			n++
		}
	}
	return n
}

// Discard removes the parts.
func (r *Recording) Discard() error { return os.RemoveAll(r.dir) }

// Fetch gets the parts that are missing. After an error those that are there are kept.
func (r *Recording) Fetch(ctx context.Context, from Source, progress func(done, total int)) error {
	for i, p := range r.parts {
		if !r.has(p) {
			got, err := r.fetch(ctx, from, r.Plan.Queries[p.query].Expr, p.from, p.to)
			if err == nil {
				err = r.put(p, got)
			}
			if err != nil {
				return err
			}
		}
		progress(i+1, len(r.parts))
	}
	return nil
}

// fetch gets one part, in halves where the answer would be too large or takes too long.
func (r *Recording) fetch(ctx context.Context, source Source, expr string, from, to time.Time) ([]series, error) {
	got, err := r.ask(ctx, source, expr, from, to)
	step := r.Plan.Step
	if r.Plan.Raw {
		step = time.Minute
	}
	least := 2 * step
	if errors.Is(err, promclient.ErrTimeout) {
		least = max(least, r.Plan.span()/16) // A server that hangs answers no half either.
	} else if !errors.Is(err, promclient.ErrTooLarge) {
		return got, err
	}
	if to.Sub(from) < least {
		return got, err
	}
	middle := from.Add(to.Sub(from) / 2 / step * step)
	first, err := r.fetch(ctx, source, expr, from, middle)
	if err != nil {
		return nil, err
	}
	if !r.Plan.Raw {
		middle = middle.Add(step)
	}
	second, err := r.fetch(ctx, source, expr, middle, to)
	if err != nil {
		return nil, err
	}
	return join(first, second), nil
}

func (r *Recording) ask(ctx context.Context, source Source, expr string, from, to time.Time) ([]series, error) {
	var out []series
	if r.Plan.Raw {
		raw, err := source.Raw(ctx, expr, from, to)
		for _, s := range raw {
			one := series{Labels: s.Labels}
			for _, p := range s.Samples {
				one.Times, one.Values = append(one.Times, p.Time.UnixMilli()), append(one.Values, p.Value)
			}
			out = append(out, one)
		}
		return out, err
	}
	evaluated, err := source.Series(ctx, expr, from, to, r.Plan.Step)
	for _, s := range evaluated {
		one := series{Labels: s.Labels}
		for i, v := range s.Values {
			if s.Present(i) {
				one.Times = append(one.Times, from.Add(time.Duration(i)*r.Plan.Step).UnixMilli())
				one.Values = append(one.Values, v)
			}
		}
		out = append(out, one)
	}
	return out, err
}

func (r *Recording) has(p part) bool {
	_, err := os.Stat(filepath.Join(r.dir, p.file()))
	return err == nil
}

func (r *Recording) put(p part, got []series) error {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(got); err != nil {
		return fmt.Errorf("keep part of recording: %w", err)
	}
	return writeWhole(filepath.Join(r.dir, p.file()), b.Bytes())
}

func (r *Recording) get(p part) ([]series, error) {
	data, err := os.ReadFile(filepath.Join(r.dir, p.file()))
	if err != nil {
		return nil, fmt.Errorf("read part of recording: %w", err)
	}
	var got []series
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&got); err != nil {
		return nil, fmt.Errorf("read part of recording: %s: %w; remove the file, and the part is fetched again", filepath.Join(r.dir, p.file()), err)
	}
	return got, nil
}

// writeWhole writes a file beside its place and renames it: a part that is there is whole.
func writeWhole(name string, data []byte) error {
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
