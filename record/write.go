package record

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hindcast.dev/datasets"
	"hindcast.dev/live/promclient"
	"hindcast.dev/promdb"
)

// maxSamples bounds what is held in memory to write OpenMetrics, in which all samples of
// a series stand together: 800 MB.
const maxSamples = 50_000_000

// PlanFile is the file that a folder of blocks has beside them: what was recorded.
const PlanFile = "recording.json"

// A Summary says what was written.
type Summary struct {
	Series  int
	Samples int
	Silent  []string // names of queries that gave no sample
	Left    int      // staleness markers, which OpenMetrics cannot hold
}

// Write writes the recording to output, whole or not at all, and removes its parts. All
// parts have to be there, and stay where it fails. What is at output already goes if replace says so, and not
// before the new one is whole.
func (r *Recording) Write(ctx context.Context, output string, replace bool) (sum Summary, err error) {
	tmp := filepath.Join(r.dir, "output")
	if err := os.RemoveAll(tmp); err != nil {
		return sum, err
	}
	switch r.Plan.Format {
	case CSV:
		sum, err = r.writeCSV(ctx, tmp, strings.HasSuffix(output, ".gz"))
	case OpenMetrics:
		sum, err = r.writeText(ctx, tmp, strings.HasSuffix(output, ".gz"))
	case TSDB:
		sum, err = r.writeBlocks(ctx, tmp)
	default:
		err = fmt.Errorf("unknown format %q", r.Plan.Format)
	}
	if err != nil {
		return sum, errors.Join(err, os.RemoveAll(tmp))
	}
	if replace {
		if err := Replaceable(output); err != nil {
			return sum, err
		}
		if err := os.RemoveAll(output); err != nil {
			return sum, err
		}
	}
	if err := os.Rename(tmp, output); err != nil {
		return sum, fmt.Errorf("write %s: %w", output, err)
	}
	return sum, r.Discard()
}

// Replaceable returns an error where what is at output is nothing that Write may have written: a folder
// that holds something else, or a device.
func Replaceable(output string) error {
	info, err := os.Lstat(output)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		if !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
			return fmt.Errorf("%s: not a file or folder, so it is not replaced", output)
		}
		return nil
	}
	entries, err := os.ReadDir(output)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == PlanFile {
			return nil
		}
	}
	// Several metrics as CSV are a folder of such files.
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".csv" {
			return fmt.Errorf("%s: not a recording (no %s), so it is not replaced", output, PlanFile)
		}
	}
	return nil
}

// each calls f with the parts in the order of time, and counts.
func (r *Recording) each(ctx context.Context, f func(p part, got []series) error) (Summary, error) {
	var sum Summary
	seen := map[string]bool{}
	heard := make([]bool, len(r.Plan.Queries))
	for _, p := range r.parts {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		got, err := r.get(p)
		if err == nil {
			err = f(p, got)
		}
		if err != nil {
			return sum, err
		}
		for _, s := range got {
			name, others := named(s.Labels, r.Plan.Queries[p.query].Name)
			seen[name+"\xff"+key(others)] = true
			heard[p.query] = heard[p.query] || len(s.Times) > 0
			sum.Samples += len(s.Times)
		}
	}
	sum.Series = len(seen)
	for i, ok := range heard {
		if !ok {
			sum.Silent = append(sum.Silent, r.Plan.Queries[i].Expr)
		}
	}
	if sum.Samples == 0 {
		return sum, ErrNothing
	}
	return sum, nil
}

// file writes a file, compressed or not.
func file(name string, zip bool, write func(io.Writer) error) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if !zip {
		return write(f)
	}
	z := gzip.NewWriter(f)
	return errors.Join(write(z), z.Close())
}

// writeCSV writes the sum of the series at each step; several queries get a file each.
func (r *Recording) writeCSV(ctx context.Context, name string, zip bool) (Summary, error) {
	all := make([]datasets.Series, len(r.Plan.Queries))
	for i, q := range r.Plan.Queries {
		all[i] = datasets.Series{Name: q.Name, Unit: datasets.RPS, Start: r.Plan.From, Step: r.Plan.Step, Values: make([]float64, r.Plan.steps())}
		for k := range all[i].Values {
			all[i].Values[k] = math.NaN()
		}
	}
	sum, err := r.each(ctx, func(p part, got []series) error {
		values := all[p.query].Values
		begun := map[int]bool{}
		for _, s := range got {
			for i, ms := range s.Times {
				k := int(time.UnixMilli(ms).Sub(r.Plan.From) / r.Plan.Step)
				if !begun[k] {
					begun[k], values[k] = true, 0
				}
				// What is not finite makes the sum NaN, a gap: 0/0 and 1/0 are no load.
				values[k] += s.Values[i] + 0*s.Values[i]
			}
		}
		return nil
	})
	if err != nil {
		return sum, err
	}
	finite := all[:0:0]
	for i, s := range all {
		if k := slices.IndexFunc(s.Values, func(v float64) bool { return v < 0 }); k >= 0 {
			return sum, fmt.Errorf("%s %w: it is %v at %s; blocks and OpenMetrics hold any number", r.Plan.Queries[i].Expr, ErrNoLoad,
				s.Values[k], s.Start.Add(time.Duration(k)*s.Step).Format(time.RFC3339))
		}
		if st := datasets.Stats(s); st.Points > st.Missing {
			finite = append(finite, s)
		} else if !slices.Contains(sum.Silent, r.Plan.Queries[i].Expr) {
			sum.Silent = append(sum.Silent, r.Plan.Queries[i].Expr)
		}
	}
	if len(finite) == 0 {
		return sum, fmt.Errorf("%s %w: it is never a finite number", strings.Join(sum.Silent, ", "), ErrNoLoad)
	}
	if len(all) == 1 {
		return sum, file(name, zip, func(w io.Writer) error { return datasets.WriteCSV(w, all[0]) })
	}
	if err := os.Mkdir(name, 0o755); err != nil {
		return sum, err
	}
	for _, s := range finite {
		if err := file(filepath.Join(name, s.Name+".csv"), false, func(w io.Writer) error { return datasets.WriteCSV(w, s) }); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// writeText writes OpenMetrics text (the specification 1.0): families by name, the
// samples of a series together and in the order of time.
func (r *Recording) writeText(ctx context.Context, name string, zip bool) (Summary, error) {
	var whole []series
	count, markers := 0, 0
	sum, err := r.each(ctx, func(p part, got []series) error {
		for i := range got {
			s := &got[i]
			markers += s.dropMarkers()
			count += len(s.Times)
			metric, labels := named(s.Labels, r.Plan.Queries[p.query].Name)
			got[i].Labels = append([]promclient.Label{{Name: metricName, Value: metric}}, labels...)
		}
		if count > maxSamples {
			return fmt.Errorf("more than %d samples; record blocks instead (-o FOLDER), or fewer days", maxSamples)
		}
		whole = join(whole, got)
		return nil
	})
	if err != nil {
		return sum, err
	}
	sum.Left = markers
	slices.SortStableFunc(whole, func(a, b series) int { return strings.Compare(a.Labels[0].Value, b.Labels[0].Value) })
	return sum, file(name, zip, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		family := ""
		for _, s := range whole {
			if metric := s.Labels[0].Value; metric != family {
				family = metric
				// A counter's samples would have to be called otherwise than it is.
				fmt.Fprintf(b, "# TYPE %s unknown\n", quotedName(metric))
			}
			head := seriesText(s.Labels[0].Value, s.Labels[1:])
			for i, ms := range s.Times {
				fmt.Fprintf(b, "%s %s %s\n", head, number(s.Values[i]), strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64))
			}
		}
		fmt.Fprintln(b, "# EOF")
		return b.Flush()
	})
}

func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

var escapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// quotedName writes a name of a metric or label, in quotes where it needs them.
func quotedName(name string) string {
	for i, c := range name {
		if c != '_' && c != ':' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return `"` + escapes.Replace(name) + `"`
		}
	}
	return name
}

func seriesText(name string, labels []promclient.Label) string {
	var within []string
	head := quotedName(name)
	if head != name {
		within, head = append(within, head), ""
	}
	for _, l := range labels {
		within = append(within, quotedName(l.Name)+`="`+escapes.Replace(l.Value)+`"`)
	}
	if len(within) == 0 {
		return head
	}
	return head + "{" + strings.Join(within, ",") + "}"
}

// writeBlocks writes a folder that a Prometheus server opens, with the plan beside the
// blocks.
func (r *Recording) writeBlocks(ctx context.Context, name string) (sum Summary, err error) {
	db, err := promdb.Open(promdb.Config{Dir: name})
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var cell []sample
	last, at := map[*promdb.Series]int64{}, 0
	flush := func() error {
		slices.SortStableFunc(cell, func(a, b sample) int { return cmp.Compare(a.ms, b.ms) })
		for _, s := range cell {
			// Two selectors may read the same series.
			if before, ok := last[s.series]; ok && before >= s.ms {
				continue
			}
			last[s.series] = s.ms
			if err := db.Append(s.series, time.UnixMilli(s.ms).UTC(), s.value); err != nil {
				return err
			}
		}
		if len(cell) > 0 {
			if err := db.Commit(time.UnixMilli(cell[len(cell)-1].ms).UTC()); err != nil {
				return err
			}
		}
		cell = cell[:0]
		return nil
	}
	sum, err = r.each(ctx, func(p part, got []series) error {
		if p.cell != at {
			if err := flush(); err != nil {
				return err
			}
			at = p.cell
		}
		for _, s := range got {
			metric, others := named(s.Labels, r.Plan.Queries[p.query].Name)
			labels := make([]promdb.Label, len(others))
			for i, l := range others {
				labels[i] = promdb.Label{Name: l.Name, Value: l.Value}
			}
			handle, err := db.Series(metric, labels...)
			if err != nil {
				return err
			}
			for i, ms := range s.Times {
				cell = append(cell, sample{handle, ms, s.Values[i]})
			}
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = db.Finish()
	}
	if err != nil {
		return sum, err
	}
	text, err := json.MarshalIndent(r.Plan, "", "  ")
	if err != nil {
		return sum, err
	}
	return sum, os.WriteFile(filepath.Join(name, PlanFile), append(text, '\n'), 0o644)
}

type sample struct {
	series *promdb.Series
	ms     int64
	value  float64
}
