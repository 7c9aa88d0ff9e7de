# What the scripts that install into a cluster have in common. Sourced, not run:
#
#	USAGE=...            the help, whose first line is "usage: ..."
#	. lib/cluster.sh
#	parse "$@"           reads the options that all have; a function `option` takes others
#	preconditions
# shellcheck shell=bash
KUBECTL=${KUBECTL:-kubectl}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # the scripts use it
MONITORING=$ROOT/manifests/monitoring/overlays
SCRIPT=$(basename "$0")
# One manager of fields for every script, so that each may change what another applied.
APPLY=(apply --server-side --field-manager=hindcast-scripts --force-conflicts)
dry_run=false uninstall=false delete_data=false wait=true timeout=${HINDCAST_TIMEOUT:-5m} context=()

say() { printf '%s\n' "$*"; }
# fail LINE [REMEDY]: 1 as the cluster said no.
fail() {
	printf '%s: %s\n' "$SCRIPT" "$1" >&2
	[ $# -lt 2 ] || printf '  %s\n' "$2" >&2
	exit 1
}
# misuse LINE: 2 as the command was wrong.
misuse() {
	printf '%s: %s; see --help\n' "$SCRIPT" "$1" >&2
	exit 2
}
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || fail "this is bash $BASH_VERSION" 'install bash 4.4 or later and have it first on the PATH'
kube() { "$KUBECTL" "${context[@]}" "$@"; }
exists() { [ -n "$(kube get "$@" --ignore-not-found --output name)" ]; }

# value NAME ARGS...: an option's value, where there is one.
value() {
	if [ $# -lt 2 ] || [ -z "$2" ]; then misuse "$1 needs a value"; fi
	printf '%s' "$2"
}

# parse reads the common options. One that it does not know goes to the function `option`
# of the script, which sets `used` to the number of arguments that it took, or 0.
parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help)
			say "$USAGE"
			exit 0
			;;
		--dry-run) dry_run=true ;;
		--uninstall) uninstall=true ;;
		--delete-data) delete_data=true ;;
		--no-wait) wait=false ;;
		--timeout)
			timeout=$(value "$@")
			shift
			;;
		--context)
			context=(--context "$(value "$@")")
			shift
			;;
		*)
			used=0
			if declare -F option >/dev/null; then option "$@"; fi
			[ "$used" -gt 0 ] || misuse "unknown option $1"
			shift $((used - 1))
			;;
		esac
		shift
	done
	if $delete_data && ! $uninstall; then misuse "--delete-data goes with --uninstall"; fi
	[[ $timeout =~ ^([0-9]+(ms|s|m|h))+$ ]] || misuse "$timeout is no time such as 90s or 5m"
}

# preconditions: kubectl is there, and so is a cluster that lets us in. What calls another
# script sets HINDCAST_CHECKED for it, which need not ask again.
preconditions() {
	command -v "$KUBECTL" >/dev/null || fail "$KUBECTL is not on the PATH" "install kubectl, 1.31 or later, or name it in KUBECTL"
	if [ -n "${HINDCAST_CHECKED:-}" ]; then return; fi
	may create '' namespaces "make namespaces"
	may create rbac.authorization.k8s.io clusterroles "make cluster roles"
}

# may VERB GROUP RESOURCE WHAT: fails where we may not, or where nobody answers. As it is
# sent by hand, kubectl need not learn before what the cluster has.
may() {
	local review answer
	review="{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SelfSubjectAccessReview\",\"spec\":{\"resourceAttributes\":{\"verb\":\"$1\",\"group\":\"$2\",\"resource\":\"$3\"}}}"
	answer=$(kube create --raw /apis/authorization.k8s.io/v1/selfsubjectaccessreviews -f - <<<"$review" 2>&1) ||
		fail "no answer from the cluster: ${answer%%$'\n'*}" "check KUBECONFIG and: $KUBECTL cluster-info"
	[[ ${answer//[[:space:]]/} == *'"allowed":true'* ]] ||
		fail "you may not $4 in this cluster" "ask an administrator, or use --context"
}

# has_resource NAME.GROUP VERSION: whether the API server serves it.
has_resource() { kube get --raw "/apis/${1#*.}/$2" 2>/dev/null | grep "\"name\":\"${1%%.*}\"" >/dev/null; }

# OURS is on a namespace that these scripts made, PART on every object in it that they or the manifests make.
OURS=hindcast.dev/created-by=scripts
# shellcheck disable=SC2034 # the scripts use it
PART=app.kubernetes.io/part-of=hindcast-monitoring

# ensure_namespace DIR NAME [PODS] applies the folder of a namespace where there is none. One that
# is there belongs to somebody: its labels stay as they are. PODS is what needs the level privileged.
ensure_namespace() {
	local level
	if ! exists namespace "$2"; then
		if $dry_run; then
			kube "${APPLY[@]}" --dry-run=server -k "$1"
		else
			kube "${APPLY[@]}" -k "$1"
			kube annotate namespace "$2" "$OURS"
		fi
		return
	fi
	level=$(kube get namespace "$2" --output 'jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}')
	if [ $# -gt 2 ] && [ -n "$level" ] && [ "$level" != privileged ]; then
		say "note: namespace $2 admits only pods of the level $level, and $3 needs privileged" >&2
	fi
}

# remove_namespace NAME LABEL [OBJECT] deletes a namespace that these scripts made and that holds nothing of anybody
# else, of whatever kind: what has the label, and the object, are ours. Whoever deletes it deletes all that is in it.
remove_namespace() {
	local how=(--ignore-not-found) others
	if ! exists namespace "$1"; then return; fi
	if [ "$(kube get namespace "$1" --output 'jsonpath={.metadata.annotations.hindcast\.dev/created-by}')" != "${OURS#*=}" ]; then
		say "namespace $1 stays: these scripts did not make it"
		return
	fi
	if ! others=$(others_in "$@"); then
		say "namespace $1 stays: not everything in it can be listed (see above), and some of it may be of others"
		return
	fi
	if [ -n "$others" ]; then
		say "namespace $1 stays: others use it, such as ${others%%$'\n'*}"
		return
	fi
	if $dry_run; then how+=(--dry-run=server); fi
	if ! $wait; then how+=(--wait=false); fi
	kube delete "${how[@]}" namespace "$1"
}

# others_in NAMESPACE LABEL [OBJECT] prints what is there and is neither ours nor the cluster's own: every cluster puts
# kube-root-ca.crt and an account default into a namespace, controllers write events, and the addresses behind a
# service come and go with it. What cannot be deleted, such as figures of metrics-server, is no object.
others_in() {
	local kinds found
	kinds=$(kube api-resources --namespaced --verbs=list,delete --output name) || return
	kinds=$(grep -vE '^(events|events\.events\.k8s\.io|endpoints|endpointslices\.discovery\.k8s\.io)$' <<<"$kinds" | paste -sd, -)
	found=$(kube get "$kinds" --namespace "$1" --selector "${2%%=*}!=${2#*=}" --ignore-not-found --output name) || return
	grep -vxF -e configmap/kube-root-ca.crt -e serviceaccount/default -e '' -e "${3:-}" <<<"$found" || true
}

# install DIR NAMESPACE applies an overlay. A dry run asks the server to check every object;
# in a namespace that does not exist it can check none, so that it checks them in
# namespace default then.
install() {
	if ! $dry_run; then
		kube "${APPLY[@]}" -k "$1"
	elif exists namespace "$2"; then
		kube "${APPLY[@]}" --dry-run=server -k "$1"
	else
		say "namespace $2 does not exist yet: checking what goes there as if it were default"
		kube kustomize "$1" | sed "s/^  namespace: $2\$/  namespace: default/" |
			kube "${APPLY[@]}" --dry-run=server -f -
	fi
}

# remove DIR deletes what an overlay applied; what is gone already is no error.
remove() {
	local how=(--ignore-not-found)
	if $dry_run; then how+=(--dry-run=server); fi
	if ! $wait; then how+=(--wait=false); fi
	kube delete "${how[@]}" -k "$1"
}

# remove_data NAMESPACE ARGS... deletes what --uninstall keeps.
remove_data() {
	local namespace=$1 how=(--ignore-not-found)
	shift
	if $dry_run; then how+=(--dry-run=server); fi
	if ! $wait; then how+=(--wait=false); fi
	kube --namespace "$namespace" delete "${how[@]}" "$@"
}

# shellcheck source=scripts/lib/rollout.sh
. "$ROOT/scripts/lib/rollout.sh"
