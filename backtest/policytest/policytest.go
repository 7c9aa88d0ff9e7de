// Package policytest runs unit tests for scaling policies: a file gives input
// series in the notation of promtool and the replicas that are expected after each
// evaluation; the manifest under test is decided on by the same loop and the same
// policies as in a backtest and in a cluster.
//
// The world of a test is as small as it can be: samples are seen without delay,
// pods start in a fixed time and nothing fails. Load, latency and cost belong to
// backtests.
package policytest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/strict"
	"hindcast.dev/policy"
	"hindcast.dev/promdb"
)

// A File is a file of tests that was read and found to be sound.
type File struct {
	path     string
	interval time.Duration
	tests    []test
}

// A test is one entry of a file.
type test struct {
	name     string
	line     int
	interval time.Duration
	build    func() (policy.Policy, error)
	pods     podTraits
	initial  int32
	series   []series
	milliCPU []float64 // of one pod, by evaluation; nil: no such series
	bytes    []float64
	expect   []int32 // by evaluation; Any: whatever it is
}

// Load reads a file of tests. The error joins everything that is wrong with it,
// each with file and line; the manifests that it names are read and checked too.
func Load(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read policy tests: %w", err)
	}
	return Decode(data, path)
}

// Decode is Load for the contents of the file at path, which need not exist. The
// manifests named in it are looked for beside it.
func Decode(data []byte, path string) (*File, error) {
	docs, err := strict.Parse(data, path)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, &strict.Fault{File: path, Line: 1,
			Msg: fmt.Sprintf("%d documents in this file; write one, with all tests under tests:", len(docs))}
	}
	f := &File{path: path}
	r := reader{dir: filepath.Dir(path)}
	if err := r.file(docs[0], f); err != nil {
		return nil, err
	}
	return f, nil
}

// Run runs all tests of the file, each in a world of its own. A failed test is not
// an error; the error says why the tests could not be run.
func (f *File) Run(ctx context.Context) (Report, error) {
	report := Report{File: f.path}
	for i := range f.tests {
		result, err := f.tests[i].run(ctx)
		if err != nil {
			return Report{}, fmt.Errorf("%s:%d: run test %q: %w", f.path, f.tests[i].line, f.tests[i].name, err)
		}
		report.Tests = append(report.Tests, result)
	}
	return report, nil
}

func (t *test) run(ctx context.Context) (result Result, err error) {
	p, err := t.build()
	if err != nil {
		return Result{}, err
	}
	db, err := promdb.Open(promdb.Config{})
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	w, err := newWorld(t, db)
	if err != nil {
		return Result{}, err
	}
	loop, err := autoscaler.New(autoscaler.Config{
		Policy: p, Clock: w, Querier: w, Pods: w, Scaler: w, Recorder: w, First: epoch,
	})
	if err != nil {
		return Result{}, err
	}
	if loop.Interval() != t.interval {
		return Result{}, fmt.Errorf("the policy decides every %s, the test every %s", loop.Interval(), t.interval)
	}
	if err := loop.Run(ctx); err != nil {
		return Result{}, err
	}
	return Result{Name: t.name, Line: t.line, Evaluations: w.evaluations}, nil
}
