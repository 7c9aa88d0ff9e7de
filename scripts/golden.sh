#!/usr/bin/env bash
# Makes the golden files again that other implementations wrote, by the scripts that
# lie beside them. It needs Go, and a Python with scikit-learn and statsmodels, whose
# versions stand in the scripts (Debian: python3-sklearn, python3-statsmodels):
#
#	PYTHON=/usr/bin/python3 scripts/golden.sh
#
# See what changed with git diff.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
if ! "$python" -c 'import sklearn, statsmodels'; then
	echo "golden: $python lacks scikit-learn or statsmodels; set PYTHON to one that has them" >&2
	exit 1
fi
for script in */testdata/*_golden.py; do
	golden=${script%.py}.json
	echo "== $golden"
	"$python" "$script" >"$golden.new"
	mv "$golden.new" "$golden"
done
for script in */testdata/*_upstream.sh; do
	echo "== $script"
	"$script"
done
