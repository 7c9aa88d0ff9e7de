// Package backtest builds a simulated world, puts an autoscaler in it, writes down
// what happened, and compares: the same load and the same luck for every policy.
//
// It runs policies in parallel but each run on one core, without a goroutine, a
// clock or a random number of its own, so that a result depends on the experiment,
// the data, the seed and the binary only. It draws nothing: see package reports.
package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/promdb"
)

// Options are what a caller may choose that is not part of the experiment.
type Options struct {
	// Manifests are the decoded files that the policies of the experiment name, by
	// file name as written there.
	Manifests map[string]v1alpha1.Document
	// Rules are the decoded rule files of the experiment.
	Rules []*promdb.RuleFile
	// Parallel is how many runs go on at once; at least 1.
	Parallel int
	// Progress is told how much simulated time has been run, of how much that is
	// expected by now; it is called by several goroutines. Nil: nobody is told.
	Progress func(done, expected time.Duration)
	// Stopwatch returns the time since some instant, for timing.json only. Nil: no
	// timing is written.
	Stopwatch func() time.Duration
}

// Run carries out the experiment on one of its datasets and writes everything but
// the drawn reports through w. The experiment must have its defaults and be valid.
func Run(ctx context.Context, x *v1alpha1.Experiment, d v1alpha1.Dataset, w *result.Writer, opt Options) (result.Result, error) {
	b := &bench{x: x, opt: opt, out: w, timing: timing{stopwatch: opt.Stopwatch}}
	if err := b.prepare(d); err != nil {
		return result.Result{}, err
	}
	res, err := b.run(ctx)
	return res, errors.Join(err, b.env.close())
}

// A bench is one experiment on one dataset, under way.
type bench struct {
	x          *v1alpha1.Experiment
	opt        Options
	out        *result.Writer
	env        *env
	entrants   []*entrant
	seasons    []int         // of the warm-up, in steps of the scored series
	noiseFloor result.Number // of the scored series
	blocks     result.Blocks // for the gate
	runner     runner
	contest    contest
	timing     timing
	keptRules  map[string]string // the rule files, by the names that they were read under

	mu             sync.Mutex
	notes          []string
	done, expected time.Duration
}

func (b *bench) prepare(d v1alpha1.Dataset) error {
	namespace, app := workloadName(b.x, b.opt.Manifests)
	e, err := newEnv(b.x, d, namespace, app)
	if err != nil {
		return err
	}
	b.env = e
	if err := e.rules.add(b.opt.Rules); err != nil {
		return errors.Join(err, e.close())
	}
	for _, ref := range b.x.Spec.Policies {
		ent, notes, err := newEntrant(e, ref, b.opt.Manifests)
		if err != nil {
			return errors.Join(fmt.Errorf("policy %s: %w", ref.Name, err), e.close())
		}
		b.notes = append(b.notes, notes...)
		b.entrants = append(b.entrants, ent)
	}
	seeds := make([]uint64, b.x.Spec.Seeds)
	for i := range seeds {
		seeds[i] = *b.x.Spec.Seed + uint64(i)
	}
	b.runner = runner{env: e, seeds: seeds, slots: make(chan struct{}, max(b.opt.Parallel, 1)), progress: b.advanced}
	b.contest = contest{
		env: e, seed: *b.x.Spec.Seed, candidate: b.x.Spec.Candidate, equal: *b.x.Spec.EqualSLA,
		asIs: map[string]*point{}, atCost: map[string]*point{},
	}
	b.expect()
	return nil
}

// expect estimates the simulated time of all runs: what a sweep will need is not
// known before.
func (b *bench) expect() {
	runs := 0
	for _, ent := range b.entrants {
		runs++
		if b.contest.equal && ent.knob != nil {
			runs += gridPoints + bisections + pastBisections
		}
	}
	b.expected = time.Duration(runs*len(b.runner.seeds)) * b.env.load.End().Sub(b.env.load.Start)
}

func (b *bench) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = append(b.notes, text)
}

func (b *bench) advanced(d time.Duration) {
	if b.opt.Progress == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += d
	b.expected = max(b.expected, b.done)
	b.opt.Progress(b.done, b.expected)
}

func (b *bench) run(ctx context.Context) (result.Result, error) {
	if err := b.keepRules(); err != nil {
		return result.Result{}, err
	}
	sweeps := make([]*sweep, len(b.entrants))
	asIs := make([]*point, len(b.entrants))
	var scores []result.Forecast
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		scores, err = b.scoreModels(gctx)
		return err
	})
	for i, ent := range b.entrants {
		sweeps[i] = &sweep{entrant: ent}
		g.Go(func() (err error) {
			if asIs[i], err = b.asConfigured(gctx, ent); err != nil {
				return err
			}
			sweeps[i].add(asIs[i])
			if b.contest.equal {
				return b.runner.fill(gctx, sweeps[i])
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return result.Result{}, err
	}
	b.contest.sweeps = sweeps
	for i, ent := range b.entrants {
		b.contest.asIs[ent.name] = asIs[i]
	}
	if b.contest.equal {
		if err := b.matchCosts(ctx); err != nil {
			return result.Result{}, err
		}
	}
	res := b.assemble(scores)
	if err := b.out.WriteJSON(res, result.ResultFile); err != nil {
		return result.Result{}, err
	}
	if err := b.writeBlocks(&res); err != nil {
		return result.Result{}, err
	}
	if b.opt.Stopwatch != nil {
		if err := b.out.WriteJSON(b.timing.report(), result.TimingFile); err != nil {
			return result.Result{}, err
		}
	}
	return res, nil
}

// asConfigured runs a policy with its knob where its file or its default has it,
// collects response times, and writes down what every score is computed from.
func (b *bench) asConfigured(ctx context.Context, ent *entrant) (*point, error) {
	value := math.NaN()
	if ent.knob != nil {
		value = ent.knob.configured
	}
	p := &point{value: value, outputs: make([]output, len(b.runner.seeds))}
	g, ctx := errgroup.WithContext(ctx)
	for i, seed := range b.runner.seeds {
		g.Go(func() error {
			out, err := b.record(ctx, task{entrant: ent, value: value, seed: seed, latencies: true}, i == 0)
			p.outputs[i] = out
			return err
		})
	}
	return p, g.Wait()
}

// matchCosts looks, for every baseline, for the knob at which it costs the
// pod-hours of the candidate as configured.
func (b *bench) matchCosts(ctx context.Context) error {
	t := b.contest.asIs[b.contest.candidate].scored()
	want := t.podSeconds / 3600
	points := make([]*point, len(b.contest.sweeps))
	g, gctx := errgroup.WithContext(ctx)
	for i, s := range b.contest.sweeps {
		if s.entrant.name == b.contest.candidate || s.entrant.knob == nil {
			continue
		}
		g.Go(func() (err error) {
			points[i], err = b.runner.atCost(gctx, s, want)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, s := range b.contest.sweeps {
		if p := points[i]; p != nil {
			ps := p.scored()
			if math.Abs(ps.podSeconds/3600-want) <= equalCostWithin*want {
				b.contest.atCost[s.entrant.name] = p
			}
		}
	}
	return nil
}

// workloadName is the Deployment that the manifests are about, so that their queries
// find its series. One without a namespace is in that where kubectl would put it.
func workloadName(x *v1alpha1.Experiment, manifests map[string]v1alpha1.Document) (namespace, app string) {
	for _, ref := range x.Spec.Policies {
		doc := manifests[ref.File]
		switch {
		case doc.HorizontalPodAutoscaler != nil && doc.HorizontalPodAutoscaler.Spec.ScaleTargetRef.Name != "":
			return cmp.Or(doc.HorizontalPodAutoscaler.Namespace, metav1.NamespaceDefault), doc.HorizontalPodAutoscaler.Spec.ScaleTargetRef.Name
		case doc.PredictiveScaler != nil && doc.PredictiveScaler.Spec.ScaleTargetRef.Name != "":
			return cmp.Or(doc.PredictiveScaler.Namespace, metav1.NamespaceDefault), doc.PredictiveScaler.Spec.ScaleTargetRef.Name
		}
	}
	return metav1.NamespaceDefault, "app"
}

// Folder is the name of the folder of one of several datasets.
func Folder(d v1alpha1.Dataset) string { return filepath.Base(filepath.Clean(d.Name)) }
