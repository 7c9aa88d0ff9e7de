# Waiting for pods, and telling why they are not ready. Sourced by cluster.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # cluster.sh sets them
# shellcheck disable=SC2016 # dollars in quotes are those of kubectl's templates

# rollout NAMESPACE KIND/NAME... waits until the pods are there, and says why where they are not in time.
rollout() {
	local namespace=$1 workload reasons more
	shift
	if $dry_run || ! $wait; then return; fi
	for workload in "$@"; do
		if kube --namespace "$namespace" rollout status "$workload" --timeout "$timeout"; then continue; fi
		reasons=$(unready "$namespace" "$workload" || true)
		if [ -z "$reasons" ]; then
			fail "$workload is not ready within $timeout" "see: $KUBECTL --namespace $namespace describe $workload; $KUBECTL --namespace $namespace get events; then run this again"
		fi
		more=$(($(wc -l <<<"$reasons") - 1))
		if [ "$more" -eq 0 ]; then more=; else more=" (and $more more)"; fi
		fail "$workload is not ready within $timeout: ${reasons%%$'\n'*}$more" "see: $KUBECTL --namespace $namespace describe ${reasons%%:*}; then run this again: what is there stays"
	done
}

# unready NAMESPACE KIND/NAME prints a line for each pod of a workload that is not ready: "pod/NAME: REASON: MESSAGE".
# Without any it says why there are none, where the workload tells.
unready() {
	local selector container pods
	selector=$(kube --namespace "$1" get "$2" --output go-template='{{range $k, $v := .spec.selector.matchLabels}}{{$k}}={{$v}},{{end}}')
	container='{{$c := .name}}{{with .state.waiting}}pod/{{$pod}}: {{.reason}}{{with .message}}: {{printf "%q" .}}{{end}}{{"\n"}}{{end}}'
	container+='{{if and .state.running (not .ready)}}pod/{{$pod}}: Running: container {{$c}} is not ready{{with .restartCount}} after {{.}} restarts{{end}}{{"\n"}}{{end}}'
	pods='{{range .items}}{{if not .metadata.deletionTimestamp}}{{$pod := .metadata.name}}'
	pods+='{{range .status.conditions}}{{if and (eq .type "PodScheduled") (ne .status "True")}}pod/{{$pod}}: Pending: {{printf "%q" .message}}{{"\n"}}{{end}}{{end}}'
	pods+="{{range .status.initContainerStatuses}}$container{{end}}{{range .status.containerStatuses}}$container{{end}}{{end}}{{end}}"
	pods=$(kube --namespace "$1" get pods --selector "${selector%,}" --output go-template="$pods" | awk -F ': ' '
		{ later = $2 ~ /^(ContainerCreating|PodInitializing)$/ }
		!($1 in why) { order[++n] = $1 }
		!($1 in why) || (weak[$1] && !later) { why[$1] = $0; weak[$1] = later }
		END { for (i = 1; i <= n; i++) print why[order[i]] }')
	if [ -z "$pods" ]; then
		pods=$(kube --namespace "$1" get "$2" --output go-template="{{range .status.conditions}}{{if and (eq .type \"ReplicaFailure\") (eq .status \"True\")}}$2: {{.reason}}: {{printf \"%q\" .message}}{{end}}{{end}}")
	fi
	printf '%s' "$pods" | sed 's/\\"/"/g'
}
