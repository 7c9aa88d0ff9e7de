package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/policy"
	"hindcast.dev/promdb"
	"hindcast.dev/record"
)

// planQueries plans the values of queries, or the samples that they read.
func planQueries(plan *record.Plan, exprs, names []string) error {
	if len(names) > len(exprs) {
		return flagError("name", fmt.Errorf("%d names are given for %d queries", len(names), len(exprs)))
	}
	named := map[string]bool{}
	for i, expr := range exprs {
		q := record.Query{Name: "load", Expr: expr}
		switch {
		case i < len(names):
			q.Name = names[i]
		case i > 0:
			q.Name = fmt.Sprintf("load_%d", i+1)
		}
		if q.Name == "" || strings.ContainsAny(q.Name, `/\`) {
			return flagError("name", fmt.Errorf("%q is no name of a series and a file", q.Name))
		}
		if named[q.Name] {
			return flagError("name", fmt.Errorf("%q is given twice; each query needs its own", q.Name))
		}
		named[q.Name] = true
		if err := promdb.Validate(expr); err != nil {
			return flagError("query", err)
		}
		if !plan.Raw {
			plan.Queries = append(plan.Queries, q)
			continue
		}
		plan.Load = append(plan.Load, q)
		if err := addSelectors(plan, q); err != nil {
			return err
		}
	}
	return nil
}

// addSelectors plans the raw samples of the series that a query reads.
func addSelectors(plan *record.Plan, q record.Query) error {
	selectors, err := promdb.Selectors(q.Expr)
	if err != nil {
		return err
	}
	for _, s := range selectors {
		known := false
		for i := range plan.Queries {
			if plan.Queries[i].Expr == s.Expr {
				plan.Queries[i].Lead, known = max(plan.Queries[i].Lead, s.Reach), true
			}
		}
		if !known {
			plan.Queries = append(plan.Queries, record.Query{Name: q.Name, Expr: s.Expr, Lead: s.Reach})
		}
	}
	return nil
}

// planScaler plans what the policies and models of a manifest read. As CSV that is the
// value of each metric; otherwise the samples themselves, those of the pods and their
// size included, from which resource metrics are computed.
func planScaler(c *cli.Context, plan *record.Plan, file string) error {
	doc, err := readManifest(c, file)
	if err != nil {
		return err
	}
	var queries []record.Query
	var target autoscalingv2.CrossVersionObjectReference
	namespace := ""
	switch {
	case doc.PredictiveScaler != nil:
		s := doc.PredictiveScaler
		namespace, target = s.Namespace, s.Spec.ScaleTargetRef
		for _, m := range s.Spec.Metrics {
			if m.Query != "" {
				queries = append(queries, record.Query{Name: m.Name, Expr: m.Query})
			}
		}
	case doc.HorizontalPodAutoscaler != nil:
		h := doc.HorizontalPodAutoscaler
		namespace, target = h.Namespace, h.Spec.ScaleTargetRef
		// All containers of the pods are recorded, whichever of them a metric is of.
		const container = "all"
		for i := range h.Spec.Metrics {
			if r := h.Spec.Metrics[i].ContainerResource; r != nil {
				r.Container = container
			}
		}
		p, err := policy.NewHPA(h.Spec, policy.HPAConfig{Container: container})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for i, q := range p.Needs().Queries {
			queries = append(queries, record.Query{Name: fmt.Sprintf("metric-%d", i+1), Expr: q.Expr})
		}
	default:
		return fmt.Errorf("%s:%d: nothing is known of what a %s reads; give a PredictiveScaler or a HorizontalPodAutoscaler", file, doc.Line, doc.Kind())
	}
	if plan.Format == record.CSV {
		plan.Raw, plan.Queries = false, queries
		if len(queries) == 0 {
			return fmt.Errorf("%s: no metric of it has a query, and series of pods do not fit into CSV; name a folder after -o", file)
		}
		return nil
	}
	plan.Raw, plan.Load = true, queries
	for _, expr := range workloadSeries(namespace, target) {
		queries = append(queries, record.Query{Name: "workload", Expr: expr})
	}
	for _, q := range queries {
		if err := addSelectors(plan, q); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// workloadSeries are the selectors of what cAdvisor and kube-state-metrics say of a
// workload and its pods: what resource metrics, start-up times and sizes come from.
func workloadSeries(namespace string, target autoscalingv2.CrossVersionObjectReference) []string {
	if namespace == "" {
		namespace = "default"
	}
	pods := fmt.Sprintf("{namespace=%q,pod=~%q}", namespace, regexp.QuoteMeta(target.Name)+"-.+")
	var out []string
	for _, name := range []string{
		metricnames.ContainerCPU, metricnames.ContainerMemory, metricnames.PodRequests, metricnames.PodLimits,
		metricnames.PodPhase, metricnames.PodReady, metricnames.PodCreated, metricnames.PodStartTime, metricnames.PodReadyTime, metricnames.PodRestarts,
	} {
		out = append(out, name+pods)
	}
	kind := strings.ToLower(target.Kind)
	of := fmt.Sprintf("{namespace=%q,%s=%q}", namespace, kind, target.Name)
	switch kind {
	case "deployment":
		out = append(out, metricnames.DeploymentSpec+of, metricnames.DeploymentStatus+of, metricnames.DeploymentReady+of)
	case "statefulset":
		out = append(out, "kube_statefulset_replicas"+of, "kube_statefulset_status_replicas"+of, "kube_statefulset_status_replicas_ready"+of)
	case "replicaset":
		out = append(out, "kube_replicaset_spec_replicas"+of, "kube_replicaset_status_replicas"+of, "kube_replicaset_status_ready_replicas"+of)
	}
	return out
}
