package live_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	appsv1 "k8s.io/api/apps/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/clustertest"
	"hindcast.dev/live"
)

// A replica of the plane's workloads carries 10 requests/s, at half a core.
const (
	planeCarries  = 10.0
	planeMilliCPU = 500.0
	planePeriod   = 24 * time.Minute
)

// planeLoad is between 20 and 150 requests/s and rises through its mean at start. V3 lets
// replicas go when the load stays low for the ten minutes to come, so the period is longer.
func planeLoad(start time.Time) func(time.Time) float64 {
	return func(at time.Time) float64 {
		return 85 + 65*math.Sin(2*math.Pi*at.Sub(start).Seconds()/planePeriod.Seconds())
	}
}

// TestWholePlane runs both ways to scale on a whole control plane, for as long as
// HINDCAST_PLANE says: one Deployment by its scale subresource, one by the floor of an
// HPA that the HPA controller obeys. Pods are scheduled and become ready. With
// HINDCAST_PLANE_LOG it writes a table of what was seen every five seconds.
func TestWholePlane(t *testing.T) {
	length := planeLength(t)
	c := clustertest.StartPlane(t, 4, crds)
	k, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, cluster: c, client: k, ns: c.Namespace(t)}
	for _, name := range []string{"scaled", "floored"} {
		f.planeDeployment(name)
	}
	load := planeLoad(time.Now().Add(30 * time.Second))
	c.ServePodMetrics(t, func(p *corev1.Pod) corev1.ResourceList {
		d := &appsv1.Deployment{}
		if err := k.Get(t.Context(), client.ObjectKey{Namespace: p.Namespace, Name: p.Labels["app"]}, d); err != nil {
			return nil
		}
		used := load(time.Now()) / planeCarries * planeMilliCPU / float64(max(1, d.Status.ReadyReplicas))
		return corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(int64(used), resource.DecimalSI)}
	})
	f.cpuHPA("floored", "500m")
	f.run(c.Config, &prom{load: load}, nil)
	for _, s := range []*v1alpha1.PredictiveScaler{f.scaler("scaled", "scaled", v1alpha1.ModeActive), floored(f.scaler("floored", "floored", v1alpha1.ModeActive), "floored")} {
		s.Spec.Forecast = v1alpha1.ForecastSpec{} // auto finds the period
		// By default what was asked for in the last five minutes is kept.
		s.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(30))}}
		f.create(s)
	}
	rows := f.watchPlane(length, load)
	f.judgePlane(rows)
	f.deleteScaler("floored")
	if n := f.floor("floored"); n != 2 {
		t.Errorf("minReplicas is %d after the scaler went, want the HPA's own 2", n)
	}
}

// planeLength is how long to look, as HINDCAST_PLANE says; without it the test is skipped.
func planeLength(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("HINDCAST_PLANE")
	if text == "" {
		t.Skip("HINDCAST_PLANE is not set; make test-all sets it to 15m")
	}
	length, err := time.ParseDuration(text)
	if err != nil || length <= 0 {
		t.Fatalf("HINDCAST_PLANE is %q, which is no duration", text)
	}
	return length
}

func (f *fixture) planeDeployment(name string) {
	f.deployment(name, 2)
	d := &appsv1.Deployment{}
	f.eventually("the pods ask for CPU", func() error {
		f.get(name, d)
		d.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}
		return f.client.Update(f.t.Context(), d)
	})
}

// cpuHPA makes an HPA of a Deployment of its name that wants so much CPU of each pod.
func (f *fixture) cpuHPA(name, each string) {
	f.t.Helper()
	f.hpa(name, name, 2, 40)
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get(name, h)
	h.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse(each))},
	}}}
	if err := f.client.Update(f.t.Context(), h); err != nil {
		f.t.Fatal(err)
	}
}

// A planeRow is what was seen at one time.
type planeRow struct {
	at    time.Duration
	load  float64
	floor int32
	spec  map[string]int32
	ready map[string]int32
}

func (f *fixture) watchPlane(length time.Duration, load func(time.Time) float64) []planeRow {
	f.t.Helper()
	var rows []planeRow
	out := csv.NewWriter(testWriter{f.t})
	if path := os.Getenv("HINDCAST_PLANE_LOG"); path != "" {
		file, err := os.Create(path)
		if err != nil {
			f.t.Fatal(err)
		}
		defer file.Close()
		out = csv.NewWriter(file)
	}
	write := func(fields ...string) {
		if err := out.Write(fields); err != nil {
			f.t.Fatal(err)
		}
		out.Flush()
	}
	write("seconds", "load", "scaled_spec", "scaled_ready", "floored_floor", "floored_spec", "floored_ready")
	for began := time.Now(); time.Since(began) < length; time.Sleep(5 * time.Second) {
		r := planeRow{at: time.Since(began), load: load(time.Now()), floor: f.floor("floored"), spec: map[string]int32{}, ready: map[string]int32{}}
		for _, name := range []string{"scaled", "floored"} {
			d := &appsv1.Deployment{}
			f.get(name, d)
			r.spec[name], r.ready[name] = *d.Spec.Replicas, d.Status.ReadyReplicas
		}
		rows = append(rows, r)
		n := func(v int32) string { return strconv.Itoa(int(v)) }
		write(fmt.Sprintf("%.0f", r.at.Seconds()), fmt.Sprintf("%.1f", r.load), n(r.spec["scaled"]), n(r.ready["scaled"]),
			n(r.floor), n(r.spec["floored"]), n(r.ready["floored"]))
	}
	return rows
}

// judgePlane wants pods to be there before the load is, from the second minute on, in
// nine of ten looks; and the HPA never under its floor for long.
func (f *fixture) judgePlane(rows []planeRow) {
	f.t.Helper()
	raised := false
	for _, name := range []string{"scaled", "floored"} {
		enough, looks, most, least := 0, 0, int32(0), int32(math.MaxInt32)
		for _, r := range rows {
			if r.at < 2*time.Minute {
				continue
			}
			looks++
			if float64(r.ready[name])*planeCarries >= r.load {
				enough++
			}
			most, least = max(most, r.ready[name]), min(least, r.ready[name])
			raised = raised || r.floor > 2
		}
		f.t.Logf("%s: enough pods ready in %d of %d looks, from %d to %d of them", name, enough, looks, least, most)
		if looks == 0 || float64(enough) < 0.9*float64(looks) {
			f.t.Errorf("%s: enough pods ready in only %d of %d looks", name, enough, looks)
		}
		if most < 15 || least < 1 || least > 12 {
			f.t.Errorf("%s: from %d to %d pods ready, and the load asks for 2 to 15", name, least, most)
		}
	}
	if !raised {
		f.t.Error("the floor was never raised")
	}
	pods, err := f.cluster.Client(f.t).CoreV1().Pods(f.ns).List(f.t.Context(), metav1.ListOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, p := range pods.Items {
		if p.Spec.NodeName == "" {
			f.t.Errorf("pod %s is on no node", p.Name)
		}
	}
}
