#!/usr/bin/env bash
# shellcheck source=scripts/lib/cluster.sh
set -euo pipefail
USAGE='usage: scripts/setup-monitoring.sh [options]

Sets up all of the monitoring: install-prometheus.sh and install-grafana.sh, or, where
the Prometheus Operator runs, its monitors and rules with the dashboards.

  --operator            ServiceMonitors, PodMonitors and PrometheusRules for the Prometheus
                        that is there already, and the dashboards for its Grafana
  --with-sample         the Tomcat sample application and its HPA too, in namespace default
  --ephemeral           no volumes
  --no-wait             return before the pods are ready
  --timeout TIME        how long each may take to be ready (5m)
  --dry-run             have the server check everything and change nothing
  --uninstall           remove it; volumes, password and namespace stay
  --delete-data         with --uninstall: those go too, the namespace if these scripts made
                        it and nothing of anybody else is in it
  --context NAME        of the kubeconfig, not the current one'
. "$(dirname "$0")/lib/cluster.sh"

operator=false sample=false ephemeral=false
option() {
	case $1 in
	--operator) operator=true used=1 ;;
	--with-sample) sample=true used=1 ;;
	--ephemeral) ephemeral=true used=1 ;;
	esac
}
parse "$@"
preconditions
if $operator && $ephemeral; then misuse '--operator installs nothing that has a volume'; fi
if $operator && ! has_resource prometheusrules.monitoring.coreos.com v1; then
	fail 'the Prometheus Operator is not in this cluster' 'leave out --operator to install a Prometheus of your own'
fi

# The options that the two scripts know as well.
export HINDCAST_CHECKED=true
passed=("${context[@]}" --timeout "$timeout")
if $dry_run; then passed+=(--dry-run); fi
if ! $wait; then passed+=(--no-wait); fi
if $ephemeral; then passed+=(--ephemeral); fi
if $uninstall; then passed+=(--uninstall); fi
if $delete_data; then passed+=(--delete-data); fi

if $uninstall; then
	if $sample; then remove "$ROOT/manifests/sample/app"; fi
	if $operator; then
		remove "$MONITORING/operator"
	else
		"$ROOT/scripts/install-grafana.sh" "${passed[@]}"
		"$ROOT/scripts/install-prometheus.sh" "${passed[@]}"
	fi
	if $delete_data; then remove_namespace monitoring "$PART"; fi
	exit 0
fi
if $operator; then
	ensure_namespace "$ROOT/manifests/monitoring/base/namespace" monitoring
	install "$MONITORING/operator" monitoring
else
	"$ROOT/scripts/install-prometheus.sh" "${passed[@]}"
	"$ROOT/scripts/install-grafana.sh" "${passed[@]}"
fi
if $sample; then
	install "$ROOT/manifests/sample/app" default
	rollout default deployment/tomcat-sample-app
fi
