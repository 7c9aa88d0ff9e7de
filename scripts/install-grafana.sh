#!/usr/bin/env bash
# shellcheck source=scripts/lib/cluster.sh
set -euo pipefail
USAGE='usage: scripts/install-grafana.sh [options]

Installs Grafana with the dashboards of grafana/ into namespace monitoring. The first
time it makes up a password for admin and keeps it in the Secret grafana-admin.

  --ephemeral           no volume: users and settings are gone with the pod
  --no-wait             return before the pod is ready
  --timeout TIME        how long it may take to be ready (5m)
  --dry-run             have the server check everything and change nothing
  --uninstall           remove it; volume and password stay, and a later install finds them
  --delete-data         with --uninstall: volume and password go too
  --context NAME        of the kubeconfig, not the current one'
. "$(dirname "$0")/lib/cluster.sh"

overlay=grafana
option() {
	case $1 in
	--ephemeral) overlay=grafana-ephemeral used=1 ;;
	esac
}
parse "$@"
preconditions

# make_password keeps one that is there: Grafana takes it at its first start only.
make_password() {
	if exists namespace monitoring && exists --namespace monitoring secret/grafana-admin; then
		say 'secret/grafana-admin is there already'
		return
	fi
	local namespace=monitoring how=()
	if $dry_run; then
		how=(--dry-run=server)
		exists namespace monitoring || namespace=default
	fi
	# By a pipe, so that no list of processes shows it.
	head -c 24 /dev/urandom | base64 | tr -d '\n' |
		kube --namespace "$namespace" create secret generic grafana-admin --from-file=admin-password=/dev/stdin "${how[@]}"
}

if $uninstall; then
	remove "$MONITORING/$overlay"
	if $delete_data; then
		remove_data monitoring persistentvolumeclaim --selector app.kubernetes.io/part-of=hindcast-monitoring,app.kubernetes.io/name=grafana
		remove_data monitoring secret/grafana-admin
	fi
	exit 0
fi
ensure_namespace "$ROOT/manifests/monitoring/base/namespace" monitoring
make_password
install "$MONITORING/$overlay" monitoring
rollout monitoring statefulset/grafana
if ! $dry_run; then
	say 'Grafana: kubectl port-forward -n monitoring svc/grafana 3000:3000, then http://localhost:3000 as admin with the password of'
	say "  kubectl get secret -n monitoring grafana-admin -o jsonpath='{.data.admin-password}' | base64 -d"
fi
