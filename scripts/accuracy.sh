#!/usr/bin/env bash
# Holds the forecasts and the scaler of this tree against the baselines in
# testdata/baselines, on the built-in scenarios:
#
#	scripts/accuracy.sh [--update]	# write the baselines anew instead
#
# It fails for a regression or what cannot be compared. Inconclusive is said, not failed.
set -euo pipefail
cd "$(dirname "$0")/.."
update=${1:-}
hindcast=$PWD/bin/hindcast
baselines=testdata/baselines
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
failed=0

check() { # check RUN NAME
	local file=$baselines/$2.json code=0
	if [ "$update" = --update ]; then
		# What was guarded before does not matter: the default model may be another.
		rm -f "$file"
		"$hindcast" check "$1" --baseline "$file" --update-baseline
		return
	fi
	"$hindcast" check "$1" --baseline "$file" || code=$?
	echo
	case $code in
	0 | 3) ;;
	*) failed=1 ;;
	esac
}

for scenario in batch-nightly diurnal-weekly regime-change; do
	"$hindcast" forecast eval --data "scenario:$scenario" --json "$work/$scenario.json" >/dev/null
	check "$work/$scenario.json" "$scenario"
done
"$hindcast" backtest --data scenario:shop --policies v3 --equal-sla=false -o "$work/shop" >/dev/null
check "$work/shop" shop

if [ "$failed" -ne 0 ]; then
	echo 'accuracy: something got worse; if this is meant, run "make baseline" and commit what it writes' >&2
	exit 1
fi
