#!/usr/bin/env bash
# Prints how much processor time our models and those of R's forecast package take for the
# same series, fit and forecasts, on one thread: the least of several runs of each. AICc is ours less
# that of R's model, below 0 where ours is more likely; apart is the mean difference of
# the forecasts of 24 steps. It needs Go and an R with forecast and jsonlite (Debian:
# r-cran-forecast, r-cran-jsonlite):
#
#	scripts/speed.sh
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 GOMAXPROCS=1
theirs=$(Rscript scripts/speed.R)
ours=$(go test -run '^$' -bench '^BenchmarkAgainstR$' -benchtime 5x -count 3 ./forecast)
awk '
NR == FNR { theirs[$1] = $2; next }
sub(/^BenchmarkAgainstR\//, "", $1) {
	sub(/-[0-9]+$/, "", $1)
	if (!($1 in least)) names[++n] = $1
	for (i = 4; i <= NF; i += 2) {
		value = $(i - 1)
		if ($i == "cpu-ms" && (!($1 in least) || value < least[$1])) least[$1] = value
		if ($i == "AICc-R'"'"'s") aicc[$1] = sprintf("%+.2f", value)
		if ($i == "%apart") apart[$1] = sprintf("%.3f%%", value)
	}
}
END {
	format = "%-6s %-14s %10s %10s %7s %9s %8s\n"
	printf format, "model", "series", "R, ms", "ours, ms", "ratio", "AICc", "apart"
	for (i = 1; i <= n; i++) {
		split(names[i], part, "/")
		r = theirs[names[i]]
		printf format, part[1], part[2], sprintf("%.1f", r), sprintf("%.2f", least[names[i]]), sprintf("%.0f", r / least[names[i]]), aicc[names[i]], apart[names[i]]
	}
}' <(printf '%s\n' "$theirs") <(printf '%s\n' "$ours")
