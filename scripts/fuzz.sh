#!/usr/bin/env bash
# Runs the fuzz targets of the repository, one after the other, and says at the end which
# failed:
#
#	scripts/fuzz.sh [DURATION [TARGET]]	# of each target; default 10s. TARGET is a regular expression
#
# An input that fails is kept by go test in testdata/fuzz beside the test, as a seed: commit it
# with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:-10s} wanted=${2:-.}
count=0 failed=() log=$(mktemp)
trap 'rm -f "$log"' EXIT
while IFS=: read -r file target; do
	[[ $target =~ $wanted ]] || continue
	package=./$(dirname "$file")
	printf '== %s %s for %s\n' "$package" "$target" "$duration"
	count=$((count + 1))
	if "${GO:-go}" test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" "$package" </dev/null 2>&1 | tee "$log"; then continue; fi
	# Where the time is up in the middle of an input, go test may call that a failure
	# (golang/go#75804, until Go 1.27): it has found nothing then.
	if grep -q '^ *context deadline exceeded$' "$log" && ! grep -q 'Failing input' "$log"; then
		printf '== %s: the time was up, nothing was found\n' "$target"
		continue
	fi
	failed+=("$package $target")
done < <(git ls-files --cached --others --exclude-standard '*_test.go' | sort |
	xargs sed -nE '/^func Fuzz/{F;s/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p}' | paste -d: - -)
if [ "$count" -eq 0 ]; then
	echo 'fuzz: found no target' >&2
	exit 1
fi
printf '== %d fuzz targets ran for %s each\n' "$count" "$duration"
if [ ${#failed[@]} -gt 0 ]; then
	printf 'fuzz: failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
