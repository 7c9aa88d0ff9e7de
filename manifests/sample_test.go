package manifests_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/metricnames"
)

// TestSampleIsV2s holds the sample against what V2 was run with (docs/v2.md): requests and
// limits of the application, and the HPA that stood beside it.
func TestSampleIsV2s(t *testing.T) {
	objects := build(t, "sample/app")
	for _, w := range workloads(t, objects) {
		want := corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("512Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1000m"), corev1.ResourceMemory: resource.MustParse("1Gi")},
		}
		if d := cmp.Diff(want, w.pod.Spec.Containers[0].Resources); d != "" {
			t.Errorf("%s (-want +got)\n%s", w.name, d)
		}
	}
	hpa := as[autoscalingv2.HorizontalPodAutoscaler](t, find(t, objects, "HorizontalPodAutoscaler", "tomcat-sample-app")).Spec
	up, down := autoscalingv2.MaxChangePolicySelect, int32(60)
	want := autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "tomcat-sample-app"},
		MinReplicas:    new(int32(1)),
		MaxReplicas:    5,
		Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(70))},
		}}},
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleUp: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0)), SelectPolicy: &up, Policies: []autoscalingv2.HPAScalingPolicy{
				{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 30}, {Type: autoscalingv2.PodsScalingPolicy, Value: 2, PeriodSeconds: 30},
			}},
			ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &down, Policies: []autoscalingv2.HPAScalingPolicy{
				{Type: autoscalingv2.PercentScalingPolicy, Value: 50, PeriodSeconds: 60},
			}},
		},
	}
	if d := cmp.Diff(want, hpa); d != "" {
		t.Errorf("HPA (-want +got)\n%s", d)
	}
}

// TestSampleScalerFitsTheSample reads the scaler as backtest does and wants it to be about
// the objects beside it, and about series that the application or the stack exposes.
func TestSampleScalerFitsTheSample(t *testing.T) {
	file := filepath.Join("sample", "predictivescaler.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	documents, err := v1alpha1.Decode(text, file)
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) != 1 || documents[0].PredictiveScaler == nil {
		t.Fatalf("%s is not one PredictiveScaler", file)
	}
	scaler := documents[0].PredictiveScaler
	app := build(t, "sample/app")
	deployment := find(t, app, "Deployment", scaler.Spec.ScaleTargetRef.Name)
	hpa := as[autoscalingv2.HorizontalPodAutoscaler](t, find(t, app, "HorizontalPodAutoscaler", scaler.Spec.Actuation.HPARef.Name))
	if scaler.Namespace != deployment.GetNamespace() || hpa.Spec.ScaleTargetRef.Name != deployment.GetName() || scaler.Spec.MaxReplicas != hpa.Spec.MaxReplicas {
		t.Errorf("the scaler does not fit %s in %s", deployment.GetName(), deployment.GetNamespace())
	}
	if scaler.Spec.Mode != v1alpha1.ModeShadow {
		t.Errorf("the sample starts in mode %s", scaler.Spec.Mode)
	}
	for _, m := range scaler.Spec.Metrics {
		name := regexp.MustCompile(`rate\((\w+)\{`).FindStringSubmatch(m.Query)
		if name == nil || !slices.ContainsFunc(metricnames.All(), func(known metricnames.Metric) bool { return known.Name == name[1] }) {
			t.Errorf("%s: a metric that the house does not know: %s", m.Name, m.Query)
		}
		if !strings.Contains(m.Query, `namespace="`+scaler.Namespace+`"`) || !strings.Contains(m.Query, `pod=~"`+deployment.GetName()+`-.*"`) {
			t.Errorf("%s asks about other pods: %s", m.Name, m.Query)
		}
	}
}

// TestTomcatHasItsNames gives the exporter's rules the attributes that Tomcat has: each is
// exposed under the right name, by the first rule that fits.
func TestTomcatHasItsNames(t *testing.T) {
	var config struct {
		Rules []struct{ Pattern, Name, Type string }
	}
	if err := yaml.Unmarshal([]byte(configFile(t, build(t, "sample/app"), "tomcat-sample-config", "jmx.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for attribute, want := range map[string]string{
		`Catalina<type=GlobalRequestProcessor, name="http-nio-8080"><>requestCount: 41`:  "tomcat_requests_total COUNTER",
		`Catalina<type=GlobalRequestProcessor, name="http-nio-8080"><>errorCount: 1`:     "tomcat_errors_total COUNTER",
		`Catalina<type=GlobalRequestProcessor, name="http-nio-8080"><>processingTime: 9`: "tomcat_request_seconds_total COUNTER",
		`Catalina<type=GlobalRequestProcessor, name="http-nio-8080"><>bytesSent: 9`:      "tomcat_bytes_sent_total COUNTER",
		`Catalina<type=GlobalRequestProcessor, name="http-nio-8080"><>bytesReceived: 9`:  "tomcat_bytes_received_total COUNTER",
		`Catalina<type=GlobalRequestProcessor, name="http-nio-8080"><>maxTime: 9`:        "",
		`Catalina<type=GlobalRequestProcessor, name="http-nio-9404"><>requestCount: 41`:  "",
	} {
		got := ""
		for _, r := range config.Rules {
			re := regexp.MustCompile(r.Pattern)
			if m := re.FindStringSubmatchIndex(attribute); m != nil {
				// The exporter is told to write names in lower case.
				got = strings.ToLower(string(re.ExpandString(nil, regexp.MustCompile(`\$(\d)`).ReplaceAllString(r.Name, "$${$1}"), attribute, m))) + " " + r.Type
				used[r.Pattern] = true
				break
			}
		}
		if got != want {
			t.Errorf("%s: %q, not %q", attribute, got, want)
		}
	}
	if len(used) != len(config.Rules) {
		t.Errorf("%d of %d rules fit something", len(used), len(config.Rules))
	}
}
