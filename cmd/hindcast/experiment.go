package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"sigs.k8s.io/yaml"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/promdb"
)

// An input is the experiment in force, its paths relative to the working folder, and
// the manifests that its policies name.
type input struct {
	*v1alpha1.Experiment
	manifests map[string]v1alpha1.Document
	rules     []*promdb.RuleFile
	blame     func(error) error // gives faults of the experiment their place
	fromFile  bool              // there is an experiment file
}

// inputOf joins the experiment file, the flags and the defaults, and judges them.
func inputOf(c *cli.Context) (*input, error) {
	in := &input{Experiment: &v1alpha1.Experiment{}, manifests: map[string]v1alpha1.Document{}}
	place := func(string) string { return "experiment" }
	if name := c.String("file"); name != "" {
		doc, err := readObject(c, name)
		if err != nil {
			return nil, err
		}
		if doc.Experiment == nil {
			return nil, fmt.Errorf("%s:%d: the kind is %s; give a file of kind %s", name, doc.Line, doc.Kind(), v1alpha1.KindExperiment)
		}
		in.Experiment, in.fromFile = doc.Experiment, true
		place = func(path string) string { return fmt.Sprintf("%s:%d", name, doc.LineOf(path)) }
		if name != "-" {
			in.rebase(func(path string) string { return filepath.Join(filepath.Dir(name), path) })
		}
	}
	if err := errors.Join(in.setLoad(c), in.setPolicies(c), in.setNumbers(c)); err != nil {
		return nil, err
	}
	in.Default()
	if err := in.folders(c); err != nil {
		return nil, err
	}
	in.blame = func(err error) error { return faultsOf(c, place, err) }
	if err := in.blame(in.Validate()); err != nil {
		return nil, err
	}
	return in, errors.Join(in.readManifests(c), in.readRules(c))
}

// rebase replaces every path that is not absolute.
func (in *input) rebase(to func(string) string) {
	replace := func(path *string) {
		dir, isData := strings.CutPrefix(*path, "tsdb:")
		switch {
		case dir == "" || filepath.IsAbs(dir):
		case isData:
			*path = "tsdb:" + to(dir)
		default:
			*path = to(dir)
		}
	}
	for i := range in.Spec.Datasets {
		replace(&in.Spec.Datasets[i].Path)
	}
	for i := range in.Spec.Policies {
		replace(&in.Spec.Policies[i].File)
	}
	for i := range in.Spec.Rules {
		replace(&in.Spec.Rules[i])
	}
}

// text is the experiment as it can be read from a file in dir.
func (in *input) text(dir string) ([]byte, error) {
	x := *in.Experiment
	x.Spec.Datasets, x.Spec.Policies = slices.Clone(x.Spec.Datasets), slices.Clone(x.Spec.Policies)
	x.Spec.Rules = slices.Clone(x.Spec.Rules)
	moved := input{Experiment: &x}
	moved.rebase(func(path string) string {
		if rel, err := filepath.Rel(dir, path); err == nil {
			return filepath.ToSlash(rel)
		}
		if abs, err := filepath.Abs(path); err == nil {
			return abs
		}
		return path
	})
	return yaml.Marshal(&x)
}

// setLoad takes over the flags about datasets.
func (in *input) setLoad(c *cli.Context) error {
	s := &in.Spec
	if data := c.StringSlice("data"); len(data) > 0 {
		s.Datasets = nil
		for _, d := range data {
			if name, ok := strings.CutPrefix(d, "scenario:"); ok {
				s.Datasets = append(s.Datasets, v1alpha1.Dataset{Scenario: name})
			} else {
				s.Datasets = append(s.Datasets, v1alpha1.Dataset{Path: d})
			}
		}
	}
	if slices.Contains(c.StringSlice("data"), "") {
		return errors.New("--data: is empty; give a file or scenario:NAME")
	}
	if err := in.setQuery(c); err != nil {
		return err
	}
	if len(s.Datasets) == 0 {
		s.Datasets = []v1alpha1.Dataset{{Scenario: builtInScenario}}
	}
	if unit := c.String("unit"); unit != "" {
		for i := range s.Datasets {
			s.Datasets[i].Unit = unit
		}
	}
	return nil
}

// setQuery takes over the flags about the data of Prometheus servers.
func (in *input) setQuery(c *cli.Context) error {
	step := time.Duration(0)
	if c.IsSet("step") {
		var err error
		if step, err = durationFlag(c, "step"); err != nil {
			return err
		}
	}
	used := false
	for i := range in.Spec.Datasets {
		d := &in.Spec.Datasets[i]
		if !strings.HasPrefix(d.Path, "tsdb:") {
			continue
		}
		used = true
		if c.IsSet("query") {
			d.Query = c.String("query")
		}
		if step > 0 {
			d.Step.Duration = step
		}
	}
	if (c.IsSet("query") || step > 0) && !used {
		return errors.New("--query and --step are for --data tsdb:FOLDER; leave them out, or name a folder")
	}
	return nil
}

// setPolicies takes over the flags about policies.
func (in *input) setPolicies(c *cli.Context) error {
	s := &in.Spec
	if c.IsSet("policies") {
		ids := c.String("policies")
		if strings.TrimSpace(ids) == "" {
			return fmt.Errorf("--policies: is empty; name at least one of %s", strings.Join(v1alpha1.Policies(), ", "))
		}
		s.Policies = nil
		for id := range strings.SplitSeq(ids, ",") {
			s.Policies = append(s.Policies, v1alpha1.PolicyRef{Name: strings.TrimSpace(id)})
		}
	}
	files := c.StringSlice("scaler")
	if len(files) > 0 && len(s.Policies) == 0 {
		for _, id := range v1alpha1.Policies() {
			s.Policies = append(s.Policies, v1alpha1.PolicyRef{Name: id})
		}
	}
	var faults []error
	for _, file := range files {
		doc, err := readManifest(c, file)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		s.Policies = append(s.Policies, v1alpha1.PolicyRef{Name: nameFor(doc, s.Policies), File: file})
	}
	return errors.Join(faults...)
}

// nameFor gives a manifest its own name, or one with a number where a policy has it.
func nameFor(doc v1alpha1.Document, taken []v1alpha1.PolicyRef) string {
	name := doc.Name()
	if name == "" {
		name = strings.ToLower(doc.Kind())
	}
	unique := name
	for n := 2; slices.ContainsFunc(taken, func(p v1alpha1.PolicyRef) bool { return p.Name == unique }); n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	return unique
}

// setNumbers takes over the other flags. A zero stands for a default in a file, but
// nobody who writes it as a flag means that.
func (in *input) setNumbers(c *cli.Context) error {
	s := &in.Spec
	var faults []error
	for _, name := range []string{"seeds", "peak-pods", "parallel"} {
		if c.IsSet(name) && c.Int(name) < 1 {
			faults = append(faults, fmt.Errorf("--%s: %d is less than 1; give a number from 1", name, c.Int(name)))
		}
	}
	if c.IsSet("seed") || s.Seed == nil {
		s.Seed = new(c.Uint64("seed"))
	}
	if c.IsSet("seeds") {
		s.Seeds = c.Int("seeds")
	}
	if c.IsSet("equal-sla") {
		s.EqualSLA = new(c.Bool("equal-sla"))
	}
	if c.IsSet("peak-pods") {
		s.App.PeakPods = int32(c.Int("peak-pods"))
	}
	if c.IsSet("candidate") {
		s.Candidate = c.String("candidate")
	}
	if c.IsSet("warmup") {
		s.Warmup = c.String("warmup")
	}
	if c.IsSet("rules") {
		s.Rules = c.StringSlice("rules")
	}
	if c.IsSet("metrics") {
		s.Metrics = c.String("metrics")
	}
	return errors.Join(faults...)
}

// missing says of a file that is not there who names it: the field of the experiment, or a flag. Other
// errors name their own place.
func (in *input) missing(field string, err error) error {
	if !in.fromFile || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return in.blame(fmt.Errorf("%s: %w", field, err))
}

// readManifests reads the files that the policies name.
func (in *input) readManifests(c *cli.Context) error {
	var faults []error
	for i, p := range in.Spec.Policies {
		if p.File == "" {
			continue
		}
		doc, err := readManifest(c, p.File)
		in.manifests[p.File], faults = doc, append(faults, in.missing(fmt.Sprintf("spec.policies[%d].file", i), err))
	}
	return errors.Join(faults...)
}

// readRules reads the rule files.
func (in *input) readRules(c *cli.Context) error {
	var faults []error
	for i, name := range in.Spec.Rules {
		text, err := readFile(name, c.App.Reader)
		if err != nil {
			faults = append(faults, in.missing(fmt.Sprintf("spec.rules[%d]", i), err))
			continue
		}
		file, err := promdb.ParseRules(name, text)
		if err != nil {
			err = fmt.Errorf("%w; `promtool check rules` says more", err)
		}
		in.rules, faults = append(in.rules, file), append(faults, err)
	}
	return errors.Join(faults...)
}

// readManifest reads a file with one valid scaler.
func readManifest(c *cli.Context, name string) (v1alpha1.Document, error) {
	doc, err := readObject(c, name)
	if err != nil {
		return doc, err
	}
	if doc.Experiment != nil {
		return doc, fmt.Errorf("%s:%d: the kind is %s; give the manifest of a scaler", name, doc.Line, doc.Kind())
	}
	doc.Default()
	return doc, doc.Validate()
}

// readObject reads a file that holds one object.
func readObject(c *cli.Context, name string) (v1alpha1.Document, error) {
	data, err := readFile(name, c.App.Reader)
	if err != nil {
		return v1alpha1.Document{}, err
	}
	docs, err := v1alpha1.Decode(data, name)
	if err != nil {
		return v1alpha1.Document{}, err
	}
	if len(docs) != 1 {
		return v1alpha1.Document{}, fmt.Errorf("%s:%d: %d objects in this file; keep one", name, docs[1].Line, len(docs))
	}
	return docs[0], nil
}

// flagsOf lists the flags that set a field of an experiment.
var flagsOf = map[string][]string{
	"spec.datasets.path":     {"data"},
	"spec.datasets.scenario": {"data"},
	"spec.datasets.unit":     {"unit"},
	"spec.policies.name":     {"policies", "scaler"},
	"spec.candidate":         {"candidate"},
	"spec.warmup":            {"warmup"},
	"spec.metrics":           {"metrics"},
	"spec.rules":             {"rules"},
}

var index = regexp.MustCompile(`\[\d+\]`)

// faultsOf gives every fault of an experiment the name of the flag that it was given
// by, or else its place.
func faultsOf(c *cli.Context, place func(path string) string, err error) error {
	if err == nil {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		path, msg, _ := strings.Cut(line, ": ")
		said := place(path) + ": " + line
		for _, flag := range flagsOf[index.ReplaceAllString(path, "")] {
			if c.IsSet(flag) {
				said = "--" + flag + ": " + msg
				break
			}
		}
		if !slices.Contains(lines, said) {
			lines = append(lines, said)
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}
