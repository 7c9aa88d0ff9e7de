#!/usr/bin/env bash
# shellcheck source=scripts/lib/cluster.sh
set -euo pipefail
USAGE='usage: scripts/start-v3-scaler.sh [options]

Starts V3: installs the definition of PredictiveScaler and the controller (namespace
hindcast-system), then the Tomcat sample with its HPA and its scaler in Shadow mode, which
decides and records and scales nothing. The controller asks
http://prometheus.monitoring.svc:9090; manifests/controller says how to change that.

  --image NAME          image of the controller, as your registry names it; default: what
                        manifests/controller/default names, else the one that is installed,
                        else hindcast-controller:latest where a node has it
  --scaler FILE         your PredictiveScaler instead of the sample; may be repeated
  --no-wait             return before the pods are ready
  --timeout TIME        how long each may take to be ready (5m)
  --dry-run             have the server check everything and change nothing
  --uninstall           remove the scalers, the controller and the sample, and its namespace
                        if this made it and nothing of anybody else is in it; the definition
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
		[[ $image =~ ^[a-zA-Z0-9][a-zA-Z0-9._/:@-]*$ ]] || misuse "$image is no name of an image"
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

# NOBODYS is the image in the manifests, which no registry has.
NOBODYS=hindcast-controller:latest

# controller_objects prints the controller, with the image that was chosen.
controller_objects() {
	kube kustomize "$controller" |
		if [ -n "$image" ]; then sed -E "s|^( *(- )?image: ).*|\\1$image|"; else cat; fi
}

# choose_image sets the image, where nobody gave one.
choose_image() {
	if [ -n "$image" ]; then return; fi
	local named
	named=$(controller_objects | sed -nE 's|^ *(- )?image: ||p')
	if [ "$named" != "$NOBODYS" ]; then return; fi
	image=$(kube --namespace hindcast-system get deployment/hindcast-controller --ignore-not-found --output 'jsonpath={.spec.template.spec.containers[0].image}')
	if [ -n "$image" ] || on_nodes "$NOBODYS"; then return; fi
	local what="no image of the controller: no node has $NOBODYS, and no registry does"
	if $dry_run; then
		say "note: $what; without --dry-run this would be refused, see --image" >&2
		return
	fi
	fail "$what" 'docker build -t REGISTRY/hindcast-controller:v0.1.0 . && docker push REGISTRY/hindcast-controller:v0.1.0
  builds and pushes it; then add --image REGISTRY/hindcast-controller:v0.1.0. With kind instead, and without --image:
  docker build -t hindcast-controller:latest . && kind load docker-image hindcast-controller:latest'
}

# on_nodes IMAGE: whether a node has it, as far as nodes tell.
on_nodes() {
	kube get nodes --output go-template='{{range .items}}{{range .status.images}}{{range .names}}{{println .}}{{end}}{{end}}{{end}}' |
		grep -xE "((docker\.io|localhost)/)?(library/)?${1//./\\.}" >/dev/null
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
	# All but the definition, with which every scaler would go, and the namespace, in which others may keep something.
	if ! $wait; then how+=(--wait=false); fi
	controller_objects | awk 'BEGIN { RS = "---\n"; ORS = RS } !/\nkind: (CustomResourceDefinition|Namespace)\n/' | kube delete "${how[@]}" -f -
	remove_namespace hindcast-system app.kubernetes.io/name=hindcast lease.coordination.k8s.io/hindcast-controller
	exit 0
fi

if ! exists --namespace monitoring service/prometheus; then
	say "note: there is no service prometheus in namespace monitoring, which the controller asks; scripts/install-prometheus.sh installs one" >&2
fi
choose_image
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
if exists namespace hindcast-system; then made=false; else made=true; fi
controller_objects | kube "${APPLY[@]}" -f -
if $made; then kube annotate namespace hindcast-system "$OURS"; fi
kube wait --for=condition=Established "customresourcedefinition/$crd" --timeout "$timeout"
if $sample; then install "$ROOT/manifests/sample/app" default; fi
for file in "${scalers[@]}"; do kube "${APPLY[@]}" -f "$file"; done
rollout hindcast-system deployment/hindcast-controller
if $sample; then rollout default deployment/tomcat-sample-app; fi
say 'See what it would do: kubectl get predictivescalers -A; kubectl describe predictivescaler NAME'
