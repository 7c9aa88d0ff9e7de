#!/usr/bin/env bash
# shellcheck source=scripts/lib/cluster.sh
set -euo pipefail
USAGE='usage: scripts/start-v3-scaler.sh [options]

Starts V3: installs the definition of PredictiveScaler and the controller (namespace
hindcast-system), then the Tomcat sample with its HPA and its scaler in Shadow mode, which
decides and records and scales nothing. The controller asks
http://prometheus.monitoring.svc:9090; manifests/controller says how to change that.

  --image NAME          image of the controller, as your registry names it; default: the one
                        that is installed, else hindcast-controller:latest on the nodes
  --scaler FILE         your PredictiveScaler instead of the sample; may be repeated
  --no-wait             return before the pods are ready
  --timeout TIME        how long each may take to be ready (5m)
  --dry-run             have the server check everything and change nothing
  --uninstall           remove the scalers, the controller and the sample; the definition
                        of PredictiveScaler stays, and with it scalers of others
  --delete-data         with --uninstall: the definition goes too, and every scaler with it
  --context NAME        of the kubeconfig, not the current one'
. "$(dirname "$0")/lib/cluster.sh"

scalers=() image=
option() {
	case $1 in
	--scaler)
		scalers+=("$(value "$@")")
		used=2
		;;
	--image)
		image=$(value "$@")
		used=2
		;;
	esac
}
parse "$@"
controller=$ROOT/manifests/controller/default
crd=predictivescalers.autoscaling.hindcast.dev
for file in "${scalers[@]}"; do
	grep -q '^kind: PredictiveScaler$' "$file" 2>/dev/null || misuse "$file is not a PredictiveScaler"
done
preconditions
if [ ${#scalers[@]} -eq 0 ]; then
	scalers=("$ROOT/manifests/sample/predictivescaler.yaml") sample=true
else
	sample=false
fi

# controller_objects prints the controller, with the image that was asked for.
controller_objects() {
	kube kustomize "$controller" |
		if [ -n "$image" ]; then sed -E "s|^( *(- )?image: )hindcast-controller:.*|\\1$image|"; else cat; fi
}

if $uninstall; then
	how=(--ignore-not-found)
	if $dry_run; then how+=(--dry-run=server); fi
	if has_resource "$crd" v1alpha1; then
		# The controller must still be there: it gives HPAs their own floors back.
		for file in "${scalers[@]}"; do kube delete "${how[@]}" --timeout "$timeout" -f "$file"; done
		others=$(kube get "$crd" --all-namespaces --no-headers --output custom-columns=N:.metadata.namespace,N:.metadata.name | wc -l)
		if [ "$others" -gt 0 ] && ! $dry_run && ! $delete_data; then
			fail "$others other scalers are left, and the controller with them" "delete them first (kubectl get predictivescalers -A), or add --delete-data"
		fi
		if $delete_data; then
			if ! $dry_run; then kube delete "$crd" --all --all-namespaces --timeout "$timeout"; fi
			remove "$ROOT/manifests/crd"
		fi
	fi
	if $sample; then remove "$ROOT/manifests/sample/app"; fi
	# All but the definition: with it every scaler would go.
	if ! $wait; then how+=(--wait=false); fi
	controller_objects | awk 'BEGIN { RS = "---\n"; ORS = RS } !/\nkind: CustomResourceDefinition\n/' | kube delete "${how[@]}" -f -
	exit 0
fi

if ! exists --namespace monitoring service/prometheus; then
	say "note: there is no service prometheus in namespace monitoring, which the controller asks; scripts/install-prometheus.sh installs one" >&2
fi
if $dry_run; then
	if exists namespace hindcast-system; then
		controller_objects | kube "${APPLY[@]}" --dry-run=server -f -
	else
		say 'namespace hindcast-system does not exist yet: checking what goes there as if it were default'
		controller_objects | sed 's/^  namespace: hindcast-system$/  namespace: default/' | kube "${APPLY[@]}" --dry-run=server -f -
	fi
	if $sample; then install "$ROOT/manifests/sample/app" default; fi
	if has_resource "$crd" v1alpha1; then
		for file in "${scalers[@]}"; do kube "${APPLY[@]}" --dry-run=server -f "$file"; done
	else
		say "$crd is not defined yet: not checked: ${scalers[*]}"
	fi
	exit 0
fi
if [ -z "$image" ]; then
	image=$(kube --namespace hindcast-system get deployment/hindcast-controller --ignore-not-found --output 'jsonpath={.spec.template.spec.containers[0].image}')
fi
if [ -z "$image" ]; then
	say 'note: no registry has hindcast-controller:latest: build it (docker build -t hindcast-controller .) and load it into the nodes (kind load docker-image hindcast-controller), or push it and give --image' >&2
fi
controller_objects | kube "${APPLY[@]}" -f -
kube wait --for=condition=Established "customresourcedefinition/$crd" --timeout "$timeout"
if $sample; then install "$ROOT/manifests/sample/app" default; fi
for file in "${scalers[@]}"; do kube "${APPLY[@]}" -f "$file"; done
rollout hindcast-system deployment/hindcast-controller
if $sample; then rollout default deployment/tomcat-sample-app; fi
say 'See what it would do: kubectl get predictivescalers -A; kubectl describe predictivescaler NAME'
