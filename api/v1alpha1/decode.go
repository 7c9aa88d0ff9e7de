package v1alpha1

import (
	"errors"
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/internal/strict"
	"hindcast.dev/internal/suggest"
)

// APIVersion is the apiVersion of the objects of this package.
const APIVersion = Group + "/v1alpha1"

// The kinds that Decode reads.
const (
	KindPredictiveScaler        = "PredictiveScaler"
	KindExperiment              = "Experiment"
	KindHorizontalPodAutoscaler = "HorizontalPodAutoscaler"
)

const hpaVersion = "autoscaling/v2"

// A Document is one object of a file: exactly one of its pointers is set.
type Document struct {
	File string // as given to Decode
	Line int    // on which the object begins
	node strict.Node

	PredictiveScaler        *PredictiveScaler
	Experiment              *Experiment
	HorizontalPodAutoscaler *autoscalingv2.HorizontalPodAutoscaler
}

// Kind returns the kind of the object.
func (d Document) Kind() string {
	switch {
	case d.PredictiveScaler != nil:
		return KindPredictiveScaler
	case d.Experiment != nil:
		return KindExperiment
	case d.HorizontalPodAutoscaler != nil:
		return KindHorizontalPodAutoscaler
	}
	return ""
}

// Name returns metadata.name of the object.
func (d Document) Name() string {
	switch {
	case d.PredictiveScaler != nil:
		return d.PredictiveScaler.Name
	case d.Experiment != nil:
		return d.Experiment.Name
	case d.HorizontalPodAutoscaler != nil:
		return d.HorizontalPodAutoscaler.Name
	}
	return ""
}

// Default fills in the defaults of the object. Those of an HPA are left to the
// policy that carries it out.
func (d Document) Default() {
	if d.PredictiveScaler != nil {
		d.PredictiveScaler.Default()
	}
	if d.Experiment != nil {
		d.Experiment.Default()
	}
}

// LineOf returns the line of a field, such as spec.minReplicas, or of what it belongs into where
// it is not in the file.
func (d Document) LineOf(path string) int { return max(1, d.Line, d.node.LineOf(path)) }

// Validate returns all faults of the object's values, one a line, each with the
// file and the line of the field. Defaults must be filled in.
func (d Document) Validate() error {
	var err error
	switch {
	case d.PredictiveScaler != nil:
		err = d.PredictiveScaler.Validate()
	case d.Experiment != nil:
		err = d.Experiment.Validate()
	case d.HorizontalPodAutoscaler != nil:
		err = ValidateHPA(d.HorizontalPodAutoscaler)
	}
	if err == nil {
		return nil
	}
	var all []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		path, _, _ := strings.Cut(line, ": ")
		all = append(all, &strict.Fault{File: d.File, Line: d.LineOf(path), Msg: line})
	}
	return errors.Join(all...)
}

// Decode reads all objects of a YAML or JSON file: PredictiveScaler, Experiment and
// HorizontalPodAutoscaler (autoscaling/v2), single, in several documents, or in a
// List as kubectl prints it. The file name is for messages only.
//
// Decoding is strict. The error joins everything that is wrong with the form of the
// file (unknown and repeated fields, wrong types, unknown kinds), each with file,
// line, path and remedy. Defaults are not filled in and values are not judged: see
// Document.Default and Document.Validate. A file without objects is an error.
func Decode(data []byte, file string) ([]Document, error) {
	nodes, err := strict.Parse(data, file)
	if err != nil {
		return nil, err
	}
	var docs []Document
	var errs []error
	for _, n := range nodes {
		items := []strict.Node{n}
		if n.Text("kind") == "List" && n.Text("apiVersion") == "v1" {
			items = n.Items("items")
		}
		for _, item := range items {
			d, err := DecodeNode(item)
			d.File = file
			docs, errs = append(docs, d), append(errs, err)
		}
	}
	if len(docs) == 0 {
		errs = append(errs, &strict.Fault{File: file, Line: 1, Msg: "no object in this file; " + readable})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return docs, nil
}

const readable = "kinds read: " + KindPredictiveScaler + " and " + KindExperiment + " (" + APIVersion + "), " +
	KindHorizontalPodAutoscaler + " (" + hpaVersion + ")"

// DecodeNode reads one object, such as one that stands inside another file, as
// strictly as Decode does. Document.File stays empty.
func DecodeNode(n strict.Node) (Document, error) {
	d := Document{Line: n.Line(), node: n}
	kind, version := n.Text("kind"), n.Text("apiVersion")
	var target any
	want := APIVersion
	switch kind {
	case KindPredictiveScaler:
		d.PredictiveScaler = new(PredictiveScaler)
		target = d.PredictiveScaler
	case KindExperiment:
		d.Experiment = new(Experiment)
		target = d.Experiment
	case KindHorizontalPodAutoscaler:
		d.HorizontalPodAutoscaler = new(autoscalingv2.HorizontalPodAutoscaler)
		target, want = d.HorizontalPodAutoscaler, hpaVersion
	case "":
		return d, n.Fault("kind is missing; %s", readable)
	default:
		return d, n.Fault("unknown kind %q%s; %s", kind, didYouMean(kind), readable)
	}
	switch {
	case version == want:
		return d, n.Decode(target)
	case version == "":
		return d, n.Fault("apiVersion is missing; write apiVersion: %s", want)
	case want == hpaVersion && strings.HasPrefix(version, "autoscaling/"):
		return d, n.Fault("apiVersion %q is not read; write the manifest as %s, which "+
			"\"kubectl get hpa.v2.autoscaling NAME -o yaml\" does for an object in a cluster", version, want)
	}
	return d, n.Fault("apiVersion %q of kind %s is not read; write apiVersion: %s", version, kind, want)
}

func didYouMean(kind string) string {
	near := suggest.Nearest(kind, []string{KindPredictiveScaler, KindExperiment, KindHorizontalPodAutoscaler})
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}
