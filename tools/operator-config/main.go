// Command operator-config reads monitors of the Prometheus Operator (YAML documents on its
// standard input) and prints the configuration that the operator would write for its Prometheus,
// by the operator's own code. Its argument is the role by which that finds the targets of ServiceMonitors:
// Endpoints or EndpointSlice.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus-operator/prometheus-operator/pkg/assets"
	"github.com/prometheus-operator/prometheus-operator/pkg/prometheus"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: operator-config Endpoints|EndpointSlice <monitors.yaml")
	}
	text, err := configuration(os.Stdin, monitoringv1.ServiceDiscoveryRole(os.Args[1]))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stdout.Write(text); err != nil {
		log.Fatal(err)
	}
}

func configuration(in io.Reader, role monitoringv1.ServiceDiscoveryRole) ([]byte, error) {
	services, pods := map[string]*monitoringv1.ServiceMonitor{}, map[string]*monitoringv1.PodMonitor{}
	all, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	for docs := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(all))); ; {
		doc := make([]byte, len(all)+1)
		n, err := docs.Read(doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		doc = doc[:n]
		var kind struct {
			Kind string `json:"kind"`
		}
		if err := strict.Unmarshal(doc, &kind); err != nil {
			return nil, err
		}
		switch kind.Kind {
		case monitoringv1.ServiceMonitorsKind:
			m := &monitoringv1.ServiceMonitor{}
			if err := strict.UnmarshalStrict(doc, m); err != nil {
				return nil, err
			}
			services[m.Namespace+"/"+m.Name] = m
		case monitoringv1.PodMonitorsKind:
			m := &monitoringv1.PodMonitor{}
			if err := strict.UnmarshalStrict(doc, m); err != nil {
				return nil, err
			}
			pods[m.Namespace+"/"+m.Name] = m
		default:
			return nil, fmt.Errorf("%q is no monitor", kind.Kind)
		}
	}
	server := &monitoringv1.Prometheus{}
	server.Namespace, server.Name = "monitoring", "k8s"
	server.Spec.ServiceDiscoveryRole = &role
	generator, err := prometheus.NewConfigGenerator(nil, server, prometheus.WithEndpointSliceSupport())
	if err != nil {
		return nil, err
	}
	return generator.GenerateServerConfiguration(server, services, pods, nil, nil, assets.NewTestStoreBuilder(), nil, nil, nil, nil)
}
