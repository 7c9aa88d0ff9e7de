package manifests_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A way is a connection from or to a pod: with whom, a namespace or "" for an address outside all of
// them, and at which port.
type way struct {
	namespace string
	port      int32
	protocol  corev1.Protocol
}

// policiesOf are those of its namespace that select a pod.
func policiesOf(t *testing.T, objects []unstructured.Unstructured, w workload, kind networkingv1.PolicyType) []networkingv1.NetworkPolicy {
	t.Helper()
	var all []networkingv1.NetworkPolicy
	for _, o := range objects {
		if o.GetKind() != "NetworkPolicy" {
			continue
		}
		p := as[networkingv1.NetworkPolicy](t, o)
		if selects(t, &p.Spec.PodSelector, w.pod.Labels) && slices.Contains(p.Spec.PolicyTypes, kind) {
			all = append(all, p)
		}
	}
	return all
}

func selects(t *testing.T, s *metav1.LabelSelector, of map[string]string) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(labels.Set(of))
}

// mayEnter and mayLeave say what the policies let through, by the rules of NetworkPolicies: what any
// rule of any policy allows, and everything where no policy selects the pod.
func mayEnter(t *testing.T, objects []unstructured.Unstructured, w workload, by way) bool {
	t.Helper()
	policies := policiesOf(t, objects, w, networkingv1.PolicyTypeIngress)
	for _, p := range policies {
		for _, r := range p.Spec.Ingress {
			if fromOrTo(t, r.From, by.namespace) && at(r.Ports, w, by) {
				return true
			}
		}
	}
	return len(policies) == 0
}

func mayLeave(t *testing.T, objects []unstructured.Unstructured, w workload, by way) bool {
	t.Helper()
	policies := policiesOf(t, objects, w, networkingv1.PolicyTypeEgress)
	for _, p := range policies {
		for _, r := range p.Spec.Egress {
			if fromOrTo(t, r.To, by.namespace) && at(r.Ports, workload{}, by) {
				return true
			}
		}
	}
	return len(policies) == 0
}

func fromOrTo(t *testing.T, peers []networkingv1.NetworkPolicyPeer, namespace string) bool {
	t.Helper()
	return len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
		return namespace != "" && p.PodSelector == nil && p.IPBlock == nil && p.NamespaceSelector != nil &&
			selects(t, p.NamespaceSelector, map[string]string{"kubernetes.io/metadata.name": namespace})
	})
}

// at compares a port with those of a rule, of which some are named as the container's are.
func at(ports []networkingv1.NetworkPolicyPort, w workload, by way) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		protocol := corev1.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		if protocol != by.protocol || p.Port == nil {
			return false
		}
		if p.Port.Type == intstr.Int {
			return p.Port.IntVal == by.port
		}
		return portOf(w, p.Port.StrVal) == by.port
	})
}

// portOf is the number of a named port, 0 where there is none.
func portOf(w workload, name string) int32 {
	for _, c := range containers(w) {
		for _, p := range c.Ports {
			if p.Name == name {
				return p.ContainerPort
			}
		}
	}
	return 0
}

// TestControllerIsReachedAndReaches: in every overlay the policies let the controller have names, the API
// server, which may be at any address, and the Prometheus of its arguments; those who ask it in; and nobody
// else.
func TestControllerIsReachedAndReaches(t *testing.T) {
	everyController(t, func(t *testing.T, objects []unstructured.Unstructured, w workload) {
		c := w.pod.Spec.Containers[0]
		prometheus := &url.URL{}
		for _, arg := range c.Args {
			if address, ok := strings.CutPrefix(arg, "--prometheus="); ok {
				var err error
				if prometheus, err = url.Parse(address); err != nil {
					t.Fatal(err)
				}
			}
		}
		service, namespace, ok := strings.Cut(strings.TrimSuffix(prometheus.Hostname(), ".svc"), ".")
		if !ok || prometheus.Port() != "9090" {
			t.Fatalf("Prometheus is service %q at %q", service, prometheus.Host)
		}
		const tcp, udp = corev1.ProtocolTCP, corev1.ProtocolUDP
		for _, tc := range []struct {
			to   way
			want bool
		}{
			{way{"kube-system", 53, udp}, true}, {way{"kube-system", 53, tcp}, true},
			{way{"", 443, tcp}, true}, {way{"", 6443, tcp}, true},
			{way{namespace, 9090, tcp}, true},
			{way{"default", 9090, tcp}, false}, {way{"", 9090, tcp}, false}, {way{"", 80, tcp}, false}, {way{namespace, 8080, tcp}, false},
		} {
			if got := mayLeave(t, objects, w, tc.to); got != tc.want {
				t.Errorf("to %+v: %v, want %v", tc.to, got, tc.want)
			}
		}
		// Who asks at which port; "" is the API server. Probes come from the node, which no policy keeps out.
		for port, asks := range map[string]string{"metrics": "monitoring", "external": "", "keda": "keda"} {
			number := portOf(w, port)
			if number == 0 {
				continue
			}
			if !mayEnter(t, objects, w, way{asks, number, tcp}) {
				t.Errorf("%q does not get at port %s", asks, port)
			}
			if asks != "" && (mayEnter(t, objects, w, way{"default", number, tcp}) || mayEnter(t, objects, w, way{"", number, tcp})) {
				t.Errorf("anybody gets at port %s", port)
			}
		}
		if portOf(w, "metrics") == 0 || mayEnter(t, objects, w, way{"monitoring", portOf(w, "probes"), tcp}) {
			t.Error("no port for metrics, or the one for probes is open")
		}
		budgets := 0
		for _, o := range objects {
			if o.GetKind() != "PodDisruptionBudget" {
				continue
			}
			b := as[policyv1.PodDisruptionBudget](t, o)
			if b.Spec.Selector != nil && selects(t, b.Spec.Selector, w.pod.Labels) && b.Spec.MaxUnavailable != nil && b.Spec.MaxUnavailable.IntVal == 1 {
				budgets++
			}
		}
		if budgets != 1 {
			t.Errorf("%d budgets of one pod at a time are about it, want 1", budgets)
		}
	})
}
