#!/usr/bin/env bash
# Puts parts of a Kubernetes control plane into a folder, for tests:
#
#	scripts/k8s-assets.sh DIR api	# etcd, kube-apiserver and kubectl
#	scripts/k8s-assets.sh DIR plane	# kube-controller-manager, kube-scheduler and kwok
#	scripts/k8s-assets.sh DIR exporters	# kube-state-metrics, node_exporter and the metrics of a kubelet
#
# The first three are downloaded by setup-envtest where that takes less than
# HINDCAST_DOWNLOAD seconds (default 60; 0 builds them). All others are built, from the
# versions that the go.mod files in tools/ pin.
set -euo pipefail
dir=$1 part=$2
here=$(cd "$(dirname "$0")/.." && pwd)
go=${GO:-go}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
cd "$here/tools/envtest"
version=$("$go" list -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"

# build NAME PACKAGE [LDFLAGS...] writes the file only when it is whole.
build() {
	local name=$1 package=$2
	shift 2
	echo "building $name" >&2
	"$go" build -trimpath -ldflags "-s -w $*" -o "$dir/.$name.part" "$package"
	mv "$dir/.$name.part" "$dir/$name"
}
# kubernetes NAME... builds commands that say which version they are; without it an API
# server calls itself v0.0.0.
kubernetes() {
	local flags=() package name
	for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
		flags+=("-X $package.gitVersion=$version" "-X $package.gitTreeState=clean"
			"-X $package.gitMajor=$major" "-X $package.gitMinor=$minor")
	done
	for name in "$@"; do
		build "$name" "k8s.io/kubernetes/cmd/$name" "${flags[@]}"
	done
}
download() {
	local seconds=${HINDCAST_DOWNLOAD:-60} from name
	[ "$seconds" -gt 0 ] && command -v timeout >/dev/null || return 1
	from=$(cd ../setup-envtest && "$go" build -o "$dir/.setup-envtest" sigs.k8s.io/controller-runtime/tools/setup-envtest &&
		timeout "$seconds" "$dir/.setup-envtest" use "${version#v}" --bin-dir "$dir/.download" -p path) || return 1
	for name in etcd kubectl kube-apiserver; do
		install -m 755 "$from/$name" "$dir/$name" || return 1
	done
}

case $part in
api)
	if download; then
		echo "downloaded Kubernetes $version" >&2
	else
		echo "no download of Kubernetes $version: building it, some ten minutes of CPU unless cached" >&2
		build etcd go.etcd.io/etcd/server/v3
		kubernetes kubectl kube-apiserver
	fi
	rm -rf "$dir/.setup-envtest" "$dir/.download"
	;;
plane)
	kubernetes kube-controller-manager kube-scheduler
	cd ../kwok
	build kwok sigs.k8s.io/kwok/cmd/kwok
	# The build has fetched the module, so it has a folder by now. What kwok does to nodes
	# and pods comes with it: pods start, become ready and end as slowly as their
	# annotations say.
	stages=$("$go" list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
	for file in "$stages"/node/fast/node-*.yaml "$stages"/node/heartbeat-with-lease/node-*.yaml "$stages"/pod/general/pod-*.yaml; do
		cat "$file"
		echo ---
	done >"$dir/kwok-stages.yaml"
	;;
exporters)
	build kubelet ./kubelet
	cd ../kube-state-metrics
	build kube-state-metrics k8s.io/kube-state-metrics/v2
	cd ../node-exporter
	build node_exporter github.com/prometheus/node_exporter
	;;
*)
	echo "k8s-assets: $part is none of api, plane and exporters" >&2
	exit 2
	;;
esac
