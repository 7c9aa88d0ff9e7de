package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// A nullable is a number of result.json; null becomes NaN.
type nullable float64

func (n *nullable) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = nullable(math.NaN())
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	*n = nullable(v)
	return err
}

// figures are the scores that a policy and a point of a sweep have.
type figures struct {
	SLA          struct{ RequestsGood, MinutesGood, Availability, ErrorBudgetSpent nullable }
	Provisioning struct {
		ThetaOver, ThetaUnder, TauOver, TauUnder, Instability, IdleReplicaHours nullable
	}
	Cost    struct{ PodHours, NodeHours, Price nullable }
	Scaling struct {
		Actions, Reversals float64
		ScaleUpSeconds     struct {
			N              float64
			Mean, P50, P95 nullable
		}
	}
}

type quantiles struct{ P50, P95, P99 nullable }

// A document is what of result.json is used here.
type document struct {
	Schema  string
	Seed    uint64
	Seeds   int
	Dataset struct{ Start, End, ScoredFrom time.Time }
	App     struct{ CapacityPerReplica, PricePerReplicaHour, PricePerNodeHour float64 }
	SLO     struct{ Objective float64 }

	Policies []struct {
		Name    string
		Latency quantiles `json:"latencySeconds"`
		figures
	}
	Faults []struct {
		Start, End   time.Time
		RequestsGood map[string]nullable
	}
	Runs []struct {
		Policy, Sample string
		figures
	}
	Comparisons []struct {
		Candidate, Baseline, Sample string
		AtObjective                 bool
		SLA                         nullable
		CandidateScaleUpSeconds     nullable
		BaselineScaleUpSeconds      nullable
		OverProvisioningReduction   nullable
		ScaleUpTimeReduction        nullable
		CostReduction               nullable
		SLADifference               nullable
	}
}

func readResult(dir string) (*document, error) {
	data, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		return nil, err
	}
	doc := &document{}
	if err := json.Unmarshal(data, doc); err != nil {
		return nil, fmt.Errorf("result.json: %w", err)
	}
	if doc.Schema != "hindcast/result/v1" {
		return nil, fmt.Errorf("result.json: schema %q", doc.Schema)
	}
	return doc, nil
}

// folders are those of a policy's runs, one a seed.
func (d *document) folders(dir, policy string) []string {
	first := filepath.Join(dir, "runs", policy)
	all := []string{first}
	for i := 1; i < d.Seeds; i++ {
		all = append(all, filepath.Join(first, "seed-"+strconv.FormatUint(d.Seed+uint64(i), 10)))
	}
	return all
}

// A row is a stretch of the timeline.
type row struct {
	from, to               time.Time
	seconds                float64
	minute                 int64   // since 1970
	scored                 bool    // not of the warm-up
	gap                    bool    // the load is not known
	load                   float64 // requests/s
	demand, desired, ready float64 // replicas
	good, bad, errors      float64 // requests; errors are bad too
	podHours, nodeHours    float64
}

type timeline []row

// columns are the names of the columns that are read.
var columns = []string{"time", "load", "demand", "desired", "ready", "good", "bad", "p99Seconds", "podHours", "errors", "nodeHours"}

// readTimeline reads a timeline whose last row marks its end, and checks that it
// covers the data without holes.
func readTimeline(folder string, doc *document) (timeline, error) {
	f, err := os.Open(filepath.Join(folder, "timeline.csv.gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	gz, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	records, err := csv.NewReader(gz).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) < 3 || len(records[0]) < len(columns) || !slices.Equal(records[0][:len(columns)], columns) {
		return nil, fmt.Errorf("timeline: want a header %q, rows and an end", columns)
	}
	var tl timeline
	for i, rec := range records[1:] {
		r, err := parse(rec)
		if err != nil {
			return nil, fmt.Errorf("timeline: line %d: %w", i+2, err)
		}
		if n := len(tl); n > 0 {
			tl[n-1].to = r.from
			tl[n-1].seconds = r.from.Sub(tl[n-1].from).Seconds()
			if tl[n-1].seconds <= 0 {
				return nil, fmt.Errorf("timeline: line %d: time does not go forward", i+2)
			}
		}
		r.scored = !r.from.Before(doc.Dataset.ScoredFrom)
		tl = append(tl, r)
	}
	end := tl[len(tl)-1]
	tl = tl[:len(tl)-1]
	if !end.from.Equal(doc.Dataset.End) || !tl[0].from.Equal(doc.Dataset.Start) {
		return nil, fmt.Errorf("timeline: from %v to %v, the data from %v to %v", tl[0].from, end.from, doc.Dataset.Start, doc.Dataset.End)
	}
	return tl, tl.check(doc)
}

func parse(rec []string) (row, error) {
	r := row{gap: rec[1] == ""}
	var err error
	if r.from, err = time.Parse(time.RFC3339Nano, rec[0]); err != nil {
		return row{}, err
	}
	r.minute = r.from.Unix() / 60
	for i, p := range map[int]*float64{
		1: &r.load, 2: &r.demand, 3: &r.desired, 4: &r.ready, 5: &r.good, 6: &r.bad, 8: &r.podHours, 9: &r.errors, 10: &r.nodeHours,
	} {
		if rec[i] == "" && i == 1 {
			continue
		}
		if *p, err = strconv.ParseFloat(rec[i], 64); err != nil {
			return row{}, fmt.Errorf("column %s: %w", columns[i], err)
		}
	}
	return r, nil
}

// check holds each row against what it must be by itself.
func (tl timeline) check(doc *document) error {
	for _, r := range tl {
		if want := math.Ceil(r.load / doc.App.CapacityPerReplica); !r.gap && r.demand != want {
			return fmt.Errorf("timeline: at %v %v requests/s need %v replicas, not %v", r.from, r.load, want, r.demand)
		}
		if r.to.Unix()/60 > r.minute+1 || r.to.Unix()/60 > r.minute && r.to.Unix()%60 != 0 {
			return fmt.Errorf("timeline: the row at %v crosses a minute", r.from)
		}
		if r.errors > r.bad*(1+1e-9) {
			return fmt.Errorf("timeline: at %v more errors than bad requests", r.from)
		}
	}
	return nil
}

// A bucket counts the requests answered within so many seconds.
type bucket struct{ seconds, within float64 }

// addLatencies adds the counts of a folder's latency.csv.
func addLatencies(sum []bucket, folder string) ([]bucket, error) {
	f, err := os.Open(filepath.Join(folder, "latency.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cr := csv.NewReader(f)
	if header, err := cr.Read(); err != nil || !slices.Equal(header, []string{"le", "requests"}) {
		return nil, fmt.Errorf("latency.csv: header %q, %w", header, err)
	}
	for i := 0; ; i++ {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return sum, nil
		}
		if err != nil {
			return nil, fmt.Errorf("latency.csv: %w", err)
		}
		le, err1 := strconv.ParseFloat(rec[0], 64)
		n, err2 := strconv.ParseFloat(rec[1], 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("latency.csv: %w", err)
		}
		if i == len(sum) {
			sum = append(sum, bucket{seconds: le})
		}
		if sum[i].seconds != le {
			return nil, fmt.Errorf("latency.csv: bound %v, want %v", le, sum[i].seconds)
		}
		sum[i].within += n
	}
}
