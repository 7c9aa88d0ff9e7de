#!/usr/bin/env bash
# Writes the definitions of ServiceMonitor, PodMonitor and PrometheusRule, as test fixtures,
# from the types of the Prometheus Operator's Go module (tools/operator-crds/go.mod pins it).
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/manifests/testdata/crds
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd tools/operator-crds
# allowDangerousTypes: the operator's own build allows them too, for floats in its types.
${GO:-go} tool controller-gen crd:crdVersions=v1,allowDangerousTypes=true,maxDescLen=0 \
	paths=github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1 output:crd:dir="$tmp"
mkdir -p "$out"
for kind in podmonitors prometheusrules servicemonitors; do
	mv "$tmp/monitoring.coreos.com_$kind.yaml" "$out/"
done
