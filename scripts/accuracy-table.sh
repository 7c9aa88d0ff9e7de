#!/usr/bin/env bash
# Scores every model on every recorded load with steps of 5 minutes or less and writes
# docs/accuracy.md:
#
#	scripts/accuracy-table.sh [--table-only]
#
# TRACES   folder of the loads, NAME/load.csv each (default ../shared/data/traces)
# CACHE    folder of the scores, a file for each load and model (default accuracy.cache);
#          what is there is not measured again, so that a run that was stopped goes on:
#          remove a file, or all of a model's, after a change
# LIMIT    seconds that one model may take on one load before it is left out, said in the
#          table (default 3600)
# MODELS   only these, separated by spaces
# LOADS    only these, by name, separated by spaces; the table shows all that is in the cache
# RUN      a command to measure under, such as "nice -n 10"
set -euo pipefail
cd "$(dirname "$0")/.."
traces=${TRACES:-../shared/data/traces}
cache=${CACHE:-accuracy.cache}
limit=${LIMIT:-3600}
hindcast=${HINDCAST:-$PWD/bin/hindcast}
export GOMAXPROCS=1

# Cheap ones first: what is stopped early has measured most.
models=${MODELS:-naive seasonal-naive naive2 ses median moving-average holt damped profile ridge auto
	harmonic theta nlinear dlinear trees holt-winters mstl dotm forest prophet ets harmonic-arma arima gru lstm}

loads() { # file unit
	local f
	for f in "$traces"/azure_functions_2019_day/load.csv "$traces"/azure_functions_2019_day/functions/[0-9a-f]*.csv \
		"$traces"/azure_llm_2023_conv/load.csv; do
		echo "$f rps"
	done
	echo "$traces/nab_rds_cpu_e47b3b/load.csv percent"
	echo "$traces/bitbrains_vm871/load.csv cores"
	echo "$traces/bitbrains_vm997/load.csv cores"
	echo "$traces/alibaba2018_cluster_cpu/load.csv percent"
	echo "$traces/nab_twitter_amzn/load.csv count-per-step"
	echo "$traces/nab_asg_cpu/load.csv percent"
	echo "$traces/worldcup98/load.csv rps"
}

name_of() { # file
	local name
	name=$(basename "$1" .csv)
	if [ "$name" = load ]; then name=$(basename "$(dirname "$1")"); fi
	echo "$name"
}

measure() { # model
	local file unit name out code
	while read -r file unit; do
		name=$(name_of "$file")
		if [ -n "${LOADS:-}" ] && [[ " $LOADS " != *" $name "* ]]; then continue; fi
		out=$cache/$name/$1
		if [ -s "$out.json" ] || [ -s "$out.late" ]; then continue; fi
		mkdir -p "$(dirname "$out")"
		code=0
		# shellcheck disable=SC2086 # RUN is a command with its arguments
		${RUN:-} timeout "$limit" "$hindcast" forecast eval --data "$file" --unit "$unit" --models "$1" \
			--horizons 5m,10m,ready --timings --json "$out.json.part" </dev/null >/dev/null 2>"$out.txt" || code=$?
		case $code in
		0) mv "$out.json.part" "$out.json" ;;
		124) echo "$limit" >"$out.late" ;;
		*)
			cat "$out.txt" >&2
			return $code
			;;
		esac
	done < <(loads)
}

table() {
	cat <<-'EOF'
		# Accuracy

		Every model on every recorded load with steps of 5 minutes or less, out of sample, by one command: `make accuracy`. It
		reads the loads from `../shared/data`, which are not part of this repository (see their provenance there), and takes hours;
		what it has measured it keeps in `accuracy.cache`. Nothing is tuned to a load: all models have their defaults, and forecast
		at every step after a warm-up of a quarter of the load from what was observed until then. Models are fitted anew each day,
		earlier where the past has doubled or twice its load has come, to the last 28 days, and are charged for it. Loads of 10 s
		steps are scored by the minute. `ready` is the time that V3 looks ahead for a new replica of the built-in application: 3
		minutes, on loads of 5-minute steps one step.

		WAPE is the sum of absolute errors over the sum of the load; accuracy is 1 - WAPE. The noise floor is what chance alone makes
		of counts at a rate that changes slowly; where the rate jumps, as with bursts, models get below it, and where the load is
		no count there is none. A model that is *too short* needs more past than the warm-up has; one that is *not run* was left out.

	EOF
	"$hindcast" forecast table --markdown "$cache"/*/*.json
	left_out
}

left_out() {
	local file unit model name late unreached out=''
	for model in $models; do
		late='' unreached=''
		while read -r file unit; do
			name=$(name_of "$file")
			if [ -s "$cache/$name/$model.late" ]; then
				late+=", $name ($(cat "$cache/$name/$model.late") s)"
			elif ! [ -s "$cache/$name/$model.json" ]; then
				unreached+=", $name"
			fi
		done < <(loads)
		if [ -n "$late" ]; then out+="- \`$model\`, stopped as too slow: ${late#, }"$'\n'; fi
		if [ -n "$unreached" ]; then out+="- \`$model\`, not reached before the measurement was stopped: ${unreached#, }"$'\n'; fi
	done
	if [ -n "$out" ]; then printf '\n## Left out\n\nMeasured on one core; a model that takes longer than the limit on a load is stopped.\n\n%s' "$out"; fi
}

if [ "${1:-}" != --table-only ]; then
	for model in $models; do measure "$model"; done
fi
table >docs/accuracy.md.part
mv docs/accuracy.md.part docs/accuracy.md
