package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/policy"
)

func TestHPAQueries(t *testing.T) {
	type selector = metav1.LabelSelector
	requirement := func(key string, op metav1.LabelSelectorOperator, values ...string) metav1.LabelSelectorRequirement {
		return metav1.LabelSelectorRequirement{Key: key, Operator: op, Values: values}
	}
	tests := []struct {
		name     string
		metric   string
		selector *selector
		want     string
	}{
		{"no selector", "queue_depth", nil, `queue_depth`},
		{"empty selector", "queue_depth", &selector{}, `queue_depth`},
		{"recording rule", "job:depth:sum", nil, `job:depth:sum`},
		{"labels in order", "queue_depth", &selector{MatchLabels: map[string]string{"b": "2", "a": "1"}}, `queue_depth{a="1",b="2"}`},
		{"in", "queue_depth", &selector{MatchExpressions: []metav1.LabelSelectorRequirement{
			requirement("q", metav1.LabelSelectorOpIn, "b.1", "a")}}, `queue_depth{q=~"a|b\\.1"}`},
		{"in one", "queue_depth", &selector{MatchExpressions: []metav1.LabelSelectorRequirement{
			requirement("q", metav1.LabelSelectorOpIn, "b.1")}}, `queue_depth{q="b.1"}`},
		{"not in", "queue_depth", &selector{MatchExpressions: []metav1.LabelSelectorRequirement{
			requirement("q", metav1.LabelSelectorOpNotIn, "a", "b")}}, `queue_depth{q!~"a|b"}`},
		{"not in one", "queue_depth", &selector{MatchExpressions: []metav1.LabelSelectorRequirement{
			requirement("q", metav1.LabelSelectorOpNotIn, "a")}}, `queue_depth{q!="a"}`},
		{"exists and does not", "queue_depth", &selector{MatchExpressions: []metav1.LabelSelectorRequirement{
			requirement("q", metav1.LabelSelectorOpExists), requirement("r", metav1.LabelSelectorOpDoesNotExist)}},
			`queue_depth{q!="",r=""}`},
		{"names that are no identifiers", "s0-rabbitmq", &selector{MatchLabels: map[string]string{"app.kubernetes.io/name": "mail"}},
			`{__name__="s0-rabbitmq","app.kubernetes.io/name"="mail"}`},
		{"a number to PromQL", "Inf", nil, `{__name__="Inf"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := external("1", true)
			m.External.Metric = autoscalingv2.MetricIdentifier{Name: tt.metric, Selector: tt.selector}
			h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 1, Metrics: []autoscalingv2.MetricSpec{m}})
			want := []policy.Query{{Name: "external metric " + tt.metric, Expr: tt.want}}
			if diff := cmp.Diff(want, h.Needs().Queries); diff != "" {
				t.Errorf("queries (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHPANeeds has one metric of each kind: the queries come in their order.
func TestHPANeeds(t *testing.T) {
	object := autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
		DescribedObject: autoscalingv2.CrossVersionObjectReference{Kind: "Ingress", Name: "shop"},
		Metric:          autoscalingv2.MetricIdentifier{Name: "hits"}, Target: averageValue("10"),
	}}
	h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{
		MaxReplicas: 5, Metrics: []autoscalingv2.MetricSpec{object, cpuUtilization(50), podsMetric("1"), external("1", true)},
	})
	want := policy.Needs{Interval: 15e9, Pods: true, Queries: []policy.Query{
		{Name: "Ingress metric hits", Expr: "hits"},
		{Name: "pods metric in_flight (sum)", Expr: "sum(in_flight)"},
		{Name: "pods metric in_flight (pods)", Expr: "count(count by (pod) (in_flight))"},
		{Name: "external metric queue_depth", Expr: "queue_depth"},
	}}
	if diff := cmp.Diff(want, h.Needs()); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
	if mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{
		MaxReplicas: 5, Metrics: []autoscalingv2.MetricSpec{external("1", true)},
	}).Needs().Pods {
		t.Error("an External AverageValue needs no pods")
	}
}

// FuzzHPAQuery has PromQL's own parser read every expression back.
func FuzzHPAQuery(f *testing.F) {
	f.Add("queue_depth", "queue", "mail", "post")
	f.Add("nan", "on", "a.b", "")
	f.Add("s0-rabbit|{}\"\\", "app.kubernetes.io/name", "x", "x")
	f.Add("sum", "by", "sum", "0x1f")
	f.Fuzz(func(t *testing.T, name, key, value, other string) {
		m := external("1", true)
		m.External.Metric = autoscalingv2.MetricIdentifier{Name: name, Selector: &metav1.LabelSelector{
			MatchLabels: map[string]string{key: value},
			MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: []string{value, other}},
			},
		}}
		h, err := policy.NewHPA(autoscalingv2.HorizontalPodAutoscalerSpec{
			MaxReplicas: 1, Metrics: []autoscalingv2.MetricSpec{m},
		}, policy.HPAConfig{})
		if err != nil {
			if !strings.Contains(err.Error(), "metric.") {
				t.Fatalf("refused for something else: %v", err)
			}
			return
		}
		expr := h.Needs().Queries[0].Expr
		promql := parser.NewParser(parser.Options{})
		if _, err := promql.ParseExpr("sum(" + expr + ")"); err != nil {
			t.Fatalf("sum(%s): %v", expr, err)
		}
		parsed, err := promql.ParseExpr(expr)
		if _, ok := parsed.(*parser.VectorSelector); !ok || err != nil {
			t.Fatalf("%s is a %T: %v", expr, parsed, err)
		}
		matchers, err := promql.ParseMetricSelector(expr)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		for _, m := range matchers {
			switch {
			case m.Name == "__name__" && key != "__name__":
				if !m.Matches(name) {
					t.Errorf("%s: name is not %q", expr, name)
				}
			case m.Name != key:
				t.Errorf("%s: matches label %q", expr, m.Name)
			}
		}
		if len(matchers) != 3 {
			t.Errorf("%s: %d matchers, want 3", expr, len(matchers))
		}
	})
}

// TestHPAQueryKeywords names metrics after every word of PromQL.
func TestHPAQueryKeywords(t *testing.T) {
	words := []string{"sum", "by", "without", "on", "ignoring", "offset", "smoothed", "anchored", "bool", "start", "end", "group_right", "On",
		"step", "range", "and", "or", "unless", "atan2", "group_left", "count_values", "inf", "NaN", "limitk", "fill"}
	for _, word := range words {
		m := external("1", true)
		m.External.Metric.Name = word
		h := mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 1, Metrics: []autoscalingv2.MetricSpec{m}})
		expr := h.Needs().Queries[0].Expr
		parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
		if v, ok := parsed.(*parser.VectorSelector); !ok || err != nil || !v.LabelMatchers[0].Matches(word) {
			t.Errorf("%s is a %T: %v", expr, parsed, err)
		}
	}
}
