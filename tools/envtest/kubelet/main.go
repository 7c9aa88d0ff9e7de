// Command kubelet serves /metrics and /metrics/cadvisor of a node as a kubelet does, for
// tests on nodes without one: by the kubelet's own HTTP server and cAdvisor's own
// exporter, so that names, labels and cgroups of the series are theirs. What the
// containers use is not measured, as there are none: it is read, at each scrape, as JSON
// from the address in -usage.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
	"time"

	cadvisor "github.com/google/cadvisor/lib/model"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubelet/pkg/types"
	"k8s.io/kubernetes/pkg/kubelet/server"
	"k8s.io/kubernetes/pkg/kubelet/server/stats"
)

// A container is what one container of the node has used so far.
type container struct {
	Namespace, Pod, UID, Container, Image string
	Started                               time.Time
	CPUSeconds                            float64
	MemoryBytes                           uint64
	// Of the pod's network; with several containers the first one's counts.
	ReceivedBytes, SentBytes, ReceivedPackets, SentPackets uint64
	ReadBytes, WrittenBytes, Reads, Writes                 uint64
}

// A host answers what the endpoints of metrics ask of a kubelet. Everything else would
// need containers, is not asked in tests, and panics.
type host struct {
	server.HostInterface
	usage string // the address, with the node's name
}

func (h host) containers(ctx context.Context) ([]container, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.usage, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", h.usage, answer.Status)
	}
	var all []container
	return all, json.NewDecoder(answer.Body).Decode(&all)
}

// GetRequestedContainersInfo returns the cgroups that containerd and systemd make on a
// node: its root, one for each pod, one for its sandbox, which has the network, and one
// for each container.
func (h host) GetRequestedContainersInfo(string, cadvisor.RequestOptions) (map[string]*cadvisor.ContainerInfo, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all, err := h.containers(ctx)
	if err != nil {
		return nil, err
	}
	infos := map[string]*cadvisor.ContainerInfo{"/": group("/", time.Time{})}
	for _, c := range all {
		pod := cgroup(c.UID)
		if infos[pod] == nil {
			infos[pod] = group(pod, c.Started)
			sandbox := group(pod+"/cri-containerd-"+c.UID+".scope", c.Started)
			sandbox.Aliases, sandbox.Spec.Image = []string{c.UID}, "registry.k8s.io/pause:3.10"
			sandbox.Spec.Labels = podLabels(c, "")
			sandbox.Spec.HasNetwork = true
			sandbox.Stats[0].Network = &cadvisor.NetworkStats{Interfaces: []cadvisor.InterfaceStats{{
				Name: "eth0", RxBytes: c.ReceivedBytes, TxBytes: c.SentBytes, RxPackets: c.ReceivedPackets, TxPackets: c.SentPackets,
			}}}
			infos[sandbox.Name] = sandbox
		}
		id := c.Container + "-" + c.UID
		info := group(pod+"/cri-containerd-"+id+".scope", c.Started)
		info.Aliases, info.Spec.Image, info.Spec.Labels = []string{id}, c.Image, podLabels(c, c.Container)
		infos[info.Name] = info
		for _, name := range []string{"/", pod, info.Name} {
			add(infos[name].Stats[0], c)
		}
	}
	return infos, nil
}

func podLabels(c container, name string) map[string]string {
	return map[string]string{
		types.KubernetesPodNameLabel: c.Pod, types.KubernetesPodNamespaceLabel: c.Namespace, types.KubernetesContainerNameLabel: name,
	}
}

const slice = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"

func cgroup(uid string) string { return slice + strings.ReplaceAll(uid, "-", "_") + ".slice" }

func group(name string, started time.Time) *cadvisor.ContainerInfo {
	return &cadvisor.ContainerInfo{
		ContainerReference: cadvisor.ContainerReference{Name: name},
		Spec:               cadvisor.ContainerSpec{CreationTime: started, HasCpu: true, HasMemory: true, HasDiskIo: true},
		Stats: []*cadvisor.ContainerStats{{
			Timestamp: time.Now(), Cpu: &cadvisor.CpuStats{}, Memory: &cadvisor.MemoryStats{}, DiskIo: &cadvisor.DiskIoStats{},
		}},
	}
}

func add(s *cadvisor.ContainerStats, c container) {
	s.Cpu.Usage.Total += uint64(c.CPUSeconds * float64(time.Second))
	s.Cpu.Usage.User = s.Cpu.Usage.Total
	s.Memory.Usage += c.MemoryBytes
	s.Memory.WorkingSet += c.MemoryBytes
	const device = "/dev/sda"
	count := func(of *[]cadvisor.PerDiskStats, reads, writes uint64) {
		if len(*of) == 0 {
			*of = []cadvisor.PerDiskStats{{Device: device, Major: 8, Stats: map[string]uint64{}}}
		}
		(*of)[0].Stats["Read"] += reads
		(*of)[0].Stats["Write"] += writes
	}
	count(&s.DiskIo.IoServiceBytes, c.ReadBytes, c.WrittenBytes)
	count(&s.DiskIo.IoServiced, c.Reads, c.Writes)
}

func (host) GetVersionInfo() (*cadvisor.VersionInfo, error) { return &cadvisor.VersionInfo{}, nil }

func (host) GetCachedMachineInfo() (*cadvisor.MachineInfo, error) {
	return &cadvisor.MachineInfo{NumCores: 8, MemoryCapacity: 32 << 30}, nil
}

// GetPodByCgroupfs finds the pod of a pod's own cgroup, which no label names.
func (h host) GetPodByCgroupfs(name string) (*v1.Pod, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all, err := h.containers(ctx)
	if err != nil {
		return nil, false
	}
	for _, c := range all {
		if cgroup(c.UID) == name {
			return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: c.Pod}}, true
		}
	}
	return nil, false
}

// noStats are the statistics of /metrics/resource, which nobody scrapes here.
type noStats struct{ stats.ResourceAnalyzer }

func main() {
	address := flag.String("address", "127.0.0.1:10250", "HOST:PORT to serve at by TLS")
	cert := flag.String("tls-cert-file", "", "its certificate")
	key := flag.String("tls-private-key-file", "", "and the key of that")
	usage := flag.String("usage", "", "URL that answers what the containers of the node have used, as a JSON list")
	flag.Parse()
	if _, err := url.ParseRequestURI(*usage); err != nil {
		log.Fatalf("-usage: %v", err)
	}
	kubelet := server.NewServer(context.Background(), host{usage: *usage}, noStats{}, nil, nil, nil, nil)
	s := &http.Server{Addr: *address, Handler: &kubelet, ReadHeaderTimeout: 10 * time.Second}
	if err := s.ListenAndServeTLS(*cert, *key); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
