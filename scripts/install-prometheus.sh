#!/usr/bin/env bash
# shellcheck source=scripts/lib/cluster.sh
set -euo pipefail
USAGE='usage: scripts/install-prometheus.sh [options]

Installs Prometheus, Alertmanager, node-exporter and kube-state-metrics into namespace
monitoring, with the rules of manifests/monitoring/rules. Run it again to update.

  --ephemeral           no volumes: what Prometheus knows is gone with its pod
  --without-exporters   the cluster has node-exporter and kube-state-metrics already
  --no-wait             return before the pods are ready
  --timeout TIME        how long each may take to be ready (5m)
  --dry-run             have the server check everything and change nothing
  --uninstall           remove it; the volumes stay, and a later install finds them
  --delete-data         with --uninstall: the volumes go too
  --context NAME        of the kubeconfig, not the current one'
. "$(dirname "$0")/lib/cluster.sh"

overlay=prometheus
option() {
	case $1 in
	--ephemeral) overlay=prometheus-ephemeral used=1 ;;
	--without-exporters) overlay=prometheus-without-exporters used=1 ;;
	esac
}
parse "$@"
preconditions

if $uninstall; then
	remove "$MONITORING/$overlay"
	if $delete_data; then
		remove_data monitoring persistentvolumeclaim --selector 'app.kubernetes.io/part-of=hindcast-monitoring,app.kubernetes.io/name in (prometheus, alertmanager)'
	fi
	exit 0
fi
ensure_namespace "$ROOT/manifests/monitoring/base/namespace" monitoring node-exporter
install "$MONITORING/$overlay" monitoring
rollout monitoring statefulset/prometheus statefulset/alertmanager
if ! $dry_run; then
	say 'Prometheus: kubectl port-forward -n monitoring svc/prometheus 9090:9090, then http://localhost:9090/targets'
fi
