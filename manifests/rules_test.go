package manifests_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write what is generated: the PrometheusRule of the overlay operator")

const generatedRules = "monitoring/overlays/operator/prometheusrules.yaml"

// listed returns the files of the only ConfigMap that a kustomization makes.
func listed(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var k types.Kustomization
	if err := yaml.UnmarshalStrict(text, &k); err != nil {
		t.Fatal(err)
	}
	if len(k.ConfigMapGenerator) != 1 {
		t.Fatalf("%s makes %d ConfigMaps", dir, len(k.ConfigMapGenerator))
	}
	files := slices.Clone(k.ConfigMapGenerator[0].FileSources)
	slices.Sort(files)
	return files
}

// present returns the files in a folder with an extension, but for the kustomization.
func present(t *testing.T, dir, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		if name := filepath.Base(path); name != "kustomization.yaml" && !strings.HasSuffix(name, "_test.yaml") {
			names = append(names, name)
		}
	}
	return names
}

func TestRuleFilesAreListed(t *testing.T) {
	if got, want := listed(t, "monitoring/rules"), present(t, "monitoring/rules", "*.yaml"); !slices.Equal(got, want) {
		t.Errorf("kustomization.yaml of the rules lists %v; there are %v", got, want)
	}
}

// ruleGroups returns the groups of all rule files, in the order of the files.
func ruleGroups(t *testing.T) []any {
	t.Helper()
	groups := []any{}
	for _, name := range present(t, "monitoring/rules", "*.yaml") {
		text, err := os.ReadFile(filepath.Join("monitoring/rules", name))
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []any `json:"groups"`
		}
		if err := yaml.UnmarshalStrict(text, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		groups = append(groups, file.Groups...)
	}
	return groups
}

// TestOperatorHasTheSameRules wants the PrometheusRule to hold what the rule files do.
func TestOperatorHasTheSameRules(t *testing.T) {
	groups := ruleGroups(t)
	if *update {
		text, err := yaml.Marshal(map[string]any{
			"apiVersion": "monitoring.coreos.com/v1",
			"kind":       "PrometheusRule",
			"metadata":   map[string]any{"name": "hindcast"},
			"spec":       map[string]any{"groups": groups},
		})
		if err != nil {
			t.Fatal(err)
		}
		text = append([]byte("# Made from manifests/monitoring/rules by: go test ./manifests -run SameRules -update\n"), text...)
		if err := os.WriteFile(generatedRules, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(generatedRules)
	if err != nil {
		t.Fatal(err)
	}
	var rule struct {
		Spec struct {
			Groups []any `json:"groups"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &rule); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(rule.Spec.Groups, groups) {
		t.Errorf("%s differs from the rule files; run: go test ./manifests -run SameRules -update", generatedRules)
	}
	if rendered := build(t, "monitoring/rules"); len(ruleGroups(t)) > 0 && len(rendered) != 1 {
		t.Errorf("the rules make %d objects", len(rendered))
	}
}

// TestRuleFilesArrive wants Prometheus to find in its ConfigMap the files as they are.
func TestRuleFilesArrive(t *testing.T) {
	objects := build(t, "monitoring/overlays/prometheus")
	for _, name := range present(t, "monitoring/rules", "*.yaml") {
		text, err := os.ReadFile(filepath.Join("monitoring/rules", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := configFile(t, objects, "prometheus-rules", name); !bytes.Equal([]byte(got), text) {
			t.Errorf("%s is not the same in the ConfigMap", name)
		}
	}
}
