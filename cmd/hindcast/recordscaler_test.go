package main

import (
	"slices"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// The sizes of each kind have the names of kube-state-metrics (docs/metrics/workload of its v2.19), which are
// not alike.
func TestSizesOfWorkloads(t *testing.T) {
	for kind, want := range map[string][]string{
		"Deployment":  {"kube_deployment_spec_replicas", "kube_deployment_status_replicas", "kube_deployment_status_replicas_ready"},
		"StatefulSet": {"kube_statefulset_replicas", "kube_statefulset_status_replicas", "kube_statefulset_status_replicas_ready"},
		"ReplicaSet":  {"kube_replicaset_spec_replicas", "kube_replicaset_status_ready_replicas", "kube_replicaset_status_replicas"},
		"Rollout":     nil,
	} {
		var got []string
		for _, s := range workloadSeries("shop", autoscalingv2.CrossVersionObjectReference{Kind: kind, Name: "web"}) {
			if name, labels, _ := strings.Cut(s, "{"); labels == `namespace="shop",`+strings.ToLower(kind)+`="web"}` {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}
