#!/bin/sh
# Writes hpa_upstream.golden: what the controller of Kubernetes decides in the scenarios of
# ../hpa_scenario_test.go. It needs Go and a module proxy, and about two CPU-minutes.
set -eu
version=1.37.2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >go.mod <<EOF
module golden
go 1.26.0
EOF
kubernetes=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
{
	echo "require k8s.io/kubernetes v$version"
	sed -nE "s#^[[:space:]]+(k8s.io/[a-z-]+) => ./staging.*#replace \1 => \1 v0.${version#1.}#p" "$kubernetes/go.mod"
} >>go.mod
cp "$kubernetes/go.sum" go.sum
mkdir hpa
cp "$kubernetes"/pkg/controller/podautoscaler/*.go hpa/
chmod u+w go.sum hpa/*
rm hpa/*_test.go
sed 's/^package .*/package podautoscaler/' "$here/../hpa_scenario_test.go" >hpa/scenario_test.go
cp "$here/hpa_upstream.go.txt" hpa/golden_test.go
go mod tidy
GOLDEN="$here/hpa_upstream.golden" go test -count=1 ./hpa
