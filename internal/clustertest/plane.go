package clustertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// StartPlane returns an API server of this test's own on which a control plane acts as
// in a cluster: controllers of workloads, HPAs, jobs and endpoints, garbage collection,
// and the scheduler. kwok plays the nodes: `nodes` of them, with 8 cores and 32 GiB
// each, whose pods become ready without any container, two to twelve seconds after
// they were scheduled, or as their annotations pod-create.stage.kwok.x-k8s.io/delay and
// pod-ready.stage.kwok.x-k8s.io/delay (and .../jitter-delay) say.
func StartPlane(t testing.TB, nodes int, crds ...string) *Cluster {
	t.Helper()
	dir := Assets(t, "kube-controller-manager", "kube-scheduler", "kwok", "kwok-stages.yaml")
	c := New(t, crds...)
	// Tests of several processes must not listen in each other's place.
	network := fmt.Sprintf("127.%d", 1+os.Getpid()%250)
	kubeconfig := c.Kubeconfig(t)
	c.Run(t, filepath.Join(dir, "kube-controller-manager"), "--kubeconfig="+kubeconfig, "--leader-elect=false", "--secure-port=0",
		"--horizontal-pod-autoscaler-downscale-stabilization=30s",
		"--controllers=deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller,job-controller,"+
			"horizontal-pod-autoscaler-controller,endpointslice-controller,disruption-controller,"+
			"serviceaccount-controller,node-lifecycle-controller,garbage-collector-controller,namespace-controller")
	c.Run(t, filepath.Join(dir, "kube-scheduler"), "--kubeconfig="+kubeconfig, "--leader-elect=false", "--secure-port=0")
	c.Run(t, filepath.Join(dir, "kwok"), "--kubeconfig="+kubeconfig, "--manage-all-nodes=true", "--node-lease-duration-seconds=40",
		"--config="+filepath.Join(dir, "kwok-stages.yaml"), "--cidr="+network+".128.0/17")
	for i := range nodes {
		name := fmt.Sprintf("node-%d", i)
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
		}}}
		node.Status.Addresses = []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("%s.0.%d", network, i+1)}, {Type: corev1.NodeHostName, Address: name},
		}
		node.Status.DaemonEndpoints.KubeletEndpoint.Port = 10250
		node.Status.Allocatable = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi"), corev1.ResourcePods: resource.MustParse("110"),
		}
		node.Status.Capacity = node.Status.Allocatable
		if _, err := c.Client(t).CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// Run runs a program beside the cluster until the test ends, and fails the test if the
// program ends first.
func (c *Cluster) Run(t testing.TB, program string, args ...string) {
	t.Helper()
	name := filepath.Base(program)
	wrapped, err := c.janitor.wrap(program)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.CreateTemp(c.janitor.dir, name+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(wrapped, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	stopping := make(chan struct{})
	go func() {
		defer close(ended)
		err := cmd.Wait()
		select {
		case <-stopping:
		default:
			t.Errorf("%s ended: %v\n%s", name, err, tail(log.Name()))
		}
	}()
	t.Cleanup(func() {
		close(stopping)
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s: %s", name, tail(log.Name()))
		}
		_ = log.Close()
	})
}
