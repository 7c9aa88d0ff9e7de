package v1alpha1_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/yaml"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
)

// TestFiles runs the scripts of testdata/scripts: "decode" prints what a file holds or what
// is wrong with its form, "validate" what is wrong with its values.
func TestFiles(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			docs, err := v1alpha1.Decode([]byte(d.Input), "f.yaml")
			if err != nil {
				return err.Error() + "\n"
			}
			var out strings.Builder
			for _, doc := range docs {
				switch d.Cmd {
				case "decode":
					fmt.Fprintf(&out, "line %d: %s %s\n", doc.Line, doc.Kind(), doc.Name())
				case "validate":
					doc.Default()
					if err := doc.Validate(); err != nil {
						fmt.Fprintln(&out, err)
					} else {
						fmt.Fprintln(&out, "ok")
					}
				default:
					d.Fatalf(t, "unknown command %s", d.Cmd)
				}
			}
			return out.String()
		})
	})
}

// TestHPAManifestsReadAsKubernetesReadsThem compares with the decoder of kubectl.
func TestHPAManifestsReadAsKubernetesReadsThem(t *testing.T) {
	data, err := os.ReadFile("../../examples/hpa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := v1alpha1.Decode(data, "hpa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) != 1 || docs[0].HorizontalPodAutoscaler == nil {
		t.Fatalf("read %v, want one HPA", docs)
	}
	var want autoscalingv2.HorizontalPodAutoscaler
	if err := yaml.UnmarshalStrict(data, &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, docs[0].HorizontalPodAutoscaler); d != "" {
		t.Errorf("-kubectl +hindcast:\n%s", d)
	}
}

// FuzzDecode holds that every message is one line with a place, that nothing
// panics, and that what is valid reads the same once it is written and read again.
func FuzzDecode(f *testing.F) {
	for _, file := range []string{"hpa.yaml", "predictivescaler.yaml", "experiment.yaml", "faults.yaml", "slow-cluster.yaml"} {
		data, err := os.ReadFile("../../examples/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("kind: List\napiVersion: v1\nitems: [1, {kind: Experiment}]"))
	f.Add([]byte(`{"kind":"Experiment","apiVersion":"autoscaling.hindcast.dev/v1alpha1","spec":{"warmup":"1e400%"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := v1alpha1.Decode(data, "f")
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "f:") {
					t.Errorf("message without its place: %q", line)
				}
			}
			return
		}
		for _, doc := range docs {
			doc.Default()
			if err := doc.Validate(); err != nil {
				for line := range strings.SplitSeq(err.Error(), "\n") {
					if !strings.HasPrefix(line, "f:") {
						t.Errorf("message without its place: %q", line)
					}
				}
				continue
			}
			roundTrip(t, doc)
		}
	})
}

// roundTrip writes the object of a document as YAML and reads it again.
func roundTrip(t *testing.T, doc v1alpha1.Document) {
	t.Helper()
	var object any
	switch doc.Kind() {
	case v1alpha1.KindPredictiveScaler:
		object = doc.PredictiveScaler
	case v1alpha1.KindExperiment:
		object = doc.Experiment
	case v1alpha1.KindHorizontalPodAutoscaler:
		object = doc.HorizontalPodAutoscaler
	}
	out, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	again, err := v1alpha1.Decode(out, doc.File)
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, out)
	}
	again[0].Line = doc.Line
	if d := cmp.Diff([]v1alpha1.Document{doc}, again, cmpopts.IgnoreUnexported(v1alpha1.Document{})); d != "" {
		t.Errorf("-before +after writing:\n%s", d)
	}
}

func ExampleDecode() {
	_, err := v1alpha1.Decode([]byte(`
apiVersion: autoscaling.hindcast.dev/v1alpha1
kind: PredictiveScaler
metadata: {name: shop}
spec:
  metricz: []
`), "shop.yaml")
	fmt.Println(err)
	// Output: shop.yaml:6: spec.metricz: unknown field; did you mean "metrics"?
}

func ExampleDocument_Validate() {
	docs, err := v1alpha1.Decode([]byte(`
apiVersion: autoscaling.hindcast.dev/v1alpha1
kind: Experiment
metadata: {name: demo}
spec:
  datasets: [{scenario: shop}]
  policies: [{name: v33}, {name: hpa}]
`), "demo.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	docs[0].Default()
	fmt.Println(docs[0].Validate())
	// Output: demo.yaml:7: spec.policies[0].name: unknown policy "v33"; did you mean "v3"?; a policy of your own needs a file
}
