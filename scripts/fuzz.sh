#!/usr/bin/env bash
# Runs every fuzz target of the repository, one after the other:
#
#	scripts/fuzz.sh [DURATION]	# of each target; default 10s
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:-10s}
count=0
while IFS=: read -r file target; do
	package=./$(dirname "$file")
	printf '== %s %s for %s\n' "$package" "$target" "$duration"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" "$package"
	count=$((count + 1))
done < <(git ls-files --cached --others --exclude-standard '*_test.go' | sort |
	xargs sed -nE '/^func Fuzz/{F;s/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p}' | paste -d: - -)
if [ "$count" -eq 0 ]; then
	echo 'fuzz: found no target' >&2
	exit 1
fi
printf '== %d fuzz targets ran for %s each\n' "$count" "$duration"
