#!/usr/bin/env bash
# Goes the whole way from a Prometheus server to a backtest, and loses its recorder on it:
# records a query; records it again, killed half-way; lets the same command go on; wants the
# same file, byte for byte; and replays it.
#
#	scripts/record-backtest.sh URL QUERY SINCE UNTIL STEP DIR
#
# such as
#
#	scripts/record-backtest.sh http://localhost:9090 'sum(rate(http_requests_total[2m]))' 7d 2026-03-08T00:00:00Z 30s out
#
# The files are left in DIR, which must not exist. HINDCAST names the program, which is built
# otherwise. Exit code 1: the files differ, or something failed on the way; 2: wrong usage.
set -euo pipefail
if [ $# -ne 6 ]; then
	sed -n '2,/^set /{/^#/s/^#[[:space:]]\{0,1\}//p;}' "$0" >&2
	exit 2
fi
url=$1 query=$2 since=$3 until=$4 step=$5 dir=$6
mkdir "$dir"
if [ -z "${HINDCAST:-}" ]; then
	HINDCAST=$(cd "$dir" && pwd)/hindcast
	(cd "$(dirname "$0")/.." && go build -o "$HINDCAST" ./cmd/hindcast)
fi

record=("$HINDCAST" record --prometheus "$url" --query "$query" --since "$since" --until "$until" --step "$step" -o)
# parts FILE: how many of it were fetched
parts() { find "$dir/.$1.partial" -name 'part-*' ! -name '*.tmp' 2>/dev/null | wc -l; }

echo '== recorded at one go'
"${record[@]}" "$dir/whole.csv"
echo '== recorded until it was killed'
killed=false
for attempt in 1 2 3 4 5; do
	file=killed-$attempt.csv
	"${record[@]}" "$dir/$file" &
	recorder=$!
	while kill -0 "$recorder" 2>/dev/null && [ "$(parts "$file")" -eq 0 ]; do sleep 0.01; done
	kill -KILL "$recorder" 2>/dev/null || true
	wait "$recorder" 2>/dev/null || true
	if [ ! -e "$dir/$file" ] && [ "$(parts "$file")" -gt 0 ]; then
		killed=true
		break
	fi
done
if ! $killed; then
	echo 'record-backtest.sh: it was always done before it was killed; give a longer time or a shorter step' >&2
	exit 1
fi
printf '%d parts are there\n' "$(parts "$file")"
echo '== the same command again'
"${record[@]}" "$dir/$file" 2>&1 | tee "$dir/going-on.txt"
grep -q '^going on: ' "$dir/going-on.txt" || {
	echo 'record-backtest.sh: it began anew' >&2
	exit 1
}
cmp "$dir/whole.csv" "$dir/$file"
echo '== the same, byte for byte; a backtest on it'
"$HINDCAST" backtest --data "$dir/$file" --policies static,hpa --equal-sla=false -o "$dir/run"
