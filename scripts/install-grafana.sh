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

# make_password keeps one that is there: Grafana takes it at its first start only. A Secret of somebody else, such as one
# that a secret store fills, is used as it is.
make_password() {
	local is namespace=monitoring how=()
	if exists namespace monitoring; then
		is=$(kube --namespace monitoring get secret/grafana-admin --ignore-not-found --output \
			go-template="{{with .data}}{{with index . \"admin-password\"}}password{{end}}{{end}} {{with .metadata.labels}}{{index . \"${PART%%=*}\"}}{{end}}")
		case $is in
		'') ;;
		"password ${PART#*=}")
			say 'secret/grafana-admin is there already'
			return
			;;
		'password '*)
			say 'secret/grafana-admin is there already, and not made by these scripts: it is used, and stays with --uninstall'
			return
			;;
		*) fail 'secret/grafana-admin in namespace monitoring has no admin-password' 'add that key to it, or delete it and run this again, which makes one' ;;
		esac
	fi
	if $dry_run; then
		how=(--dry-run=server)
		exists namespace monitoring || namespace=default
	fi
	# By a pipe, so that no list of processes shows it.
	{
		printf '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "grafana-admin", "labels": {"%s": "%s"}}, "stringData": {"admin-password": "' "${PART%%=*}" "${PART#*=}"
		head -c 24 /dev/urandom | base64 | tr -d '\n'
		printf '"}}'
	} | kube --namespace "$namespace" create "${how[@]}" -f -
}

if $uninstall; then
	remove "$MONITORING/$overlay"
	if $delete_data; then
		remove_data monitoring persistentvolumeclaim --selector app.kubernetes.io/part-of=hindcast-monitoring,app.kubernetes.io/name=grafana
		remove_data monitoring secret --selector "$PART" --field-selector metadata.name=grafana-admin
		if ! $dry_run && exists namespace monitoring && exists --namespace monitoring secret/grafana-admin; then
			say 'secret/grafana-admin stays: these scripts did not make it'
		fi
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
