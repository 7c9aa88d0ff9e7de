package live_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/peertest"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/live"
)

// A kedaPlane is a control plane with KEDA: its operator, and its server of external
// metrics behind the API server.
type kedaPlane struct {
	*publisher
	metrics string // where the operator serves metrics about itself
}

func startKEDA(t *testing.T) *kedaPlane {
	t.Helper()
	programs := peertest.Folder(t)
	c := clustertest.StartPlane(t, 2, crds, filepath.Join(programs, "keda-crds"))
	k, err := client.New(c.Config, client.Options{Scheme: live.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	p := &kedaPlane{publish(&fixture{t: t, cluster: c, client: k, ns: c.Namespace(t)}), promtest.FreeAddress(t)}
	p.ours.Mount(t, p.certs, "hindcast", "localhost")
	// KEDA serves the external metrics of the cluster: nothing of ours may.
	p.also = func(mgr ctrl.Manager, cfg live.Config) error {
		p.kedas = append(p.kedas, promtest.FreeAddress(t))
		refused := live.Serve(t.Context(), mgr, cfg, live.ExternalOptions{
			Address: promtest.FreeAddress(t), CertDir: p.certs, Service: client.ObjectKey{Namespace: p.ns, Name: "hindcast"},
		}, live.KEDAOptions{})
		if refused == nil || !strings.Contains(refused.Error(), "keda-adapter") {
			t.Errorf("external metrics beside KEDA's: %v", refused)
		}
		return live.Serve(t.Context(), mgr, cfg, live.ExternalOptions{},
			live.KEDAOptions{Address: p.kedas[0], CertDir: p.certs, ClientCA: filepath.Join(p.certs, "ca.crt")})
	}
	// The two halves of KEDA know each other by certificates of their own.
	own, certs := clustertest.NewAuthority(t, "keda"), t.TempDir()
	own.Mount(t, certs, "keda", "localhost", "keda-adapter."+p.ns+".svc")
	if err := os.WriteFile(filepath.Join(certs, "ca.crt"), own.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	kubeconfig, service, adapter := c.Kubeconfig(t), promtest.FreeAddress(t), promtest.FreeAddress(t)
	_, servicePort, _ := net.SplitHostPort(service)
	_, adapterPort, _ := net.SplitHostPort(adapter)
	_, otherPort, _ := net.SplitHostPort(promtest.FreeAddress(t))
	env := []string{"WATCH_NAMESPACE=" + p.ns, "POD_NAMESPACE=" + p.ns, "KEDA_CLUSTER_OBJECT_NAMESPACE=" + p.ns}
	c.Run(t, "/usr/bin/env", append(env, filepath.Join(programs, "keda-operator"), "--kubeconfig="+kubeconfig,
		"--metrics-bind-address="+p.metrics, "--health-probe-bind-address="+promtest.FreeAddress(t),
		"--metrics-service-bind-address="+service, "--cert-dir="+certs)...)
	c.Run(t, "/usr/bin/env", append(env, filepath.Join(programs, "keda-adapter"), "--kubeconfig="+kubeconfig, "--lister-kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		"--bind-address=127.0.0.1", "--secure-port="+adapterPort, "--port="+otherPort, "--cert-dir="+certs,
		"--tls-cert-file="+filepath.Join(certs, "tls.crt"), "--tls-private-key-file="+filepath.Join(certs, "tls.key"),
		"--metrics-service-address=localhost:"+servicePort)...)
	port, err := strconv.ParseInt(adapterPort, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	c.Register(t, v1beta1.SchemeGroupVersion, p.ns, "keda-adapter", port, own)
	return p
}

// authenticate lets triggers that name it show a certificate of an authority.
func (p *kedaPlane) authenticate(name string, by *clustertest.Authority) {
	p.t.Helper()
	cert, key := by.Issue(p.t, "keda-operator")
	p.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.ns, Name: name},
		Data:       map[string][]byte{"ca.crt": p.ours.PEM, "tls.crt": cert, "tls.key": key},
	})
	from := func(parameter, key string) any {
		return map[string]any{"parameter": parameter, "name": name, "key": key}
	}
	p.create(p.keda("TriggerAuthentication", name, map[string]any{"secretTargetRef": []any{
		from("caCert", "ca.crt"), from("tlsClientCert", "tls.crt"), from("tlsClientKey", "tls.key"),
	}}))
}

// scaledObject has KEDA scale a Deployment of its name by what the scaler shop decides.
func (p *kedaPlane) scaledObject(name, kind, authentication string) {
	p.t.Helper()
	_, port, err := net.SplitHostPort(p.kedas[0])
	if err != nil {
		p.t.Fatal(err)
	}
	p.create(p.keda("ScaledObject", name, map[string]any{
		"scaleTargetRef": map[string]any{"name": name}, "minReplicaCount": int64(2), "maxReplicaCount": int64(50), "pollingInterval": int64(2),
		"triggers": []any{map[string]any{
			"type": kind, "metadata": map[string]any{"scalerAddress": "localhost:" + port, "scaler": "shop"},
			"authenticationRef": map[string]any{"name": authentication},
		}},
	}))
}

func (p *kedaPlane) keda(kind, name string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": kind, "metadata": map[string]any{"namespace": p.ns, "name": name}, "spec": spec,
	}}
}

// says waits until a condition of a ScaledObject has a status.
func (p *kedaPlane) says(name, condition, status string) {
	p.t.Helper()
	p.eventually(fmt.Sprintf("ScaledObject %s says %s of %s", name, status, condition), func() error {
		o := p.keda("ScaledObject", name, nil)
		p.get(name, o)
		list, _, err := unstructured.NestedSlice(o.Object, "status", "conditions")
		if err != nil {
			return err
		}
		for _, c := range list {
			if c, ok := c.(map[string]any); ok && c["type"] == condition && c["status"] == status {
				return nil
			}
		}
		return fmt.Errorf("it says %v", list)
	})
}

// value returns a sample of KEDA's own metrics about a ScaledObject.
func (p *kedaPlane) value(metric, name string) (float64, error) {
	p.t.Helper()
	resp, err := http.Get("http://" + p.metrics + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`(?m)^` + metric + `\{.*scaledObject="` + name + `".*\} (\S+)$`).FindSubmatch(body)
	if m == nil {
		return 0, errors.New("no " + metric + " of " + name)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// TestKEDA has a real KEDA, operator and server of external metrics, scale by our external
// scaler through the HPA that it makes, by polling and by pushes, over mutual TLS: to what
// was decided, up and down. When the controller is gone nothing moves; a KEDA that shows
// somebody else's certificate is told nothing.
func TestKEDA(t *testing.T) {
	peertest.Folder(t)
	t.Parallel()
	p := startKEDA(t)
	load := level(95)
	p.run(p.cluster.Config, load, nil)
	p.authenticate("hindcast", p.theirs)
	p.authenticate("stranger", clustertest.NewAuthority(t, "somebody else"))
	for _, name := range []string{"shop", "pushed", "refused"} {
		p.planeDeployment(name)
	}
	s := p.published()
	s.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0))}}
	p.create(s)
	p.scaledObject("shop", "external", "hindcast")
	p.scaledObject("pushed", "external-push", "hindcast")
	p.scaledObject("refused", "external", "stranger")
	for _, name := range []string{"shop", "pushed"} {
		p.want("replicas of "+name+" by KEDA's HPA", 10, func() int32 { return p.replicas(name) })
		p.says(name, "Ready", "True")
		p.says(name, "Active", "True")
		h := &autoscalingv2.HorizontalPodAutoscaler{}
		p.get("keda-hpa-"+name, h)
		if m := h.Spec.Metrics; len(m) != 1 || m[0].External == nil || !strings.HasSuffix(m[0].External.Metric.Name, "hindcast_desired_replicas") ||
			m[0].External.Target.AverageValue == nil || m[0].External.Target.AverageValue.Value() != 1 {
			t.Errorf("the HPA of %s asks for %+v", name, m)
		}
	}
	// The scaler stays at work: a ScaledObject that asks us is no conflict.
	p.condition("shop", v1alpha1.ConditionActive, "True", "Running")
	p.eventually("KEDA's own metric is what was decided", func() error {
		v, err := p.value("keda_scaler_metrics_value", "shop")
		if err == nil && v != 10 {
			err = fmt.Errorf("it is %v", v)
		}
		return err
	})
	load.set(nil, func(time.Time) float64 { return 155 })
	p.eventually("KEDA follows", func() error {
		if a, b := p.replicas("shop"), p.replicas("pushed"); a < 16 || b < 16 {
			return fmt.Errorf("%d and %d replicas, want 16 or more", a, b)
		}
		return nil
	})
	p.says("refused", "Ready", "False")
	if n := p.replicas("refused"); n != 2 {
		t.Errorf("%d replicas where KEDA is not answered", n)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p.says("shop", "Ready", "False")
	before := p.replicas("shop")
	time.Sleep(45 * time.Second) // three turns of the HPA controller
	for _, name := range []string{"shop", "pushed"} {
		d := &appsv1.Deployment{}
		p.get(name, d)
		if *d.Spec.Replicas != before {
			t.Errorf("%s: %d replicas without a decision, want the %d that there were", name, *d.Spec.Replicas, before)
		}
	}
}
