#!/usr/bin/env bash
# Makes the golden files again that other implementations wrote, by the scripts that
# lie beside them. It needs Go, a Python with scikit-learn, statsmodels and torch, and an R
# with forecast, jsonlite, prophet and sandwich, whose versions stand in the scripts (Debian:
# python3-sklearn, python3-statsmodels, python3-torch, r-cran-forecast, r-cran-jsonlite,
# r-cran-prophet, r-cran-sandwich):
#
#	PYTHON=/usr/bin/python3 scripts/golden.sh
#
# See what changed with git diff.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
if ! "$python" -c 'import sklearn, statsmodels, torch'; then
	echo "golden: $python lacks scikit-learn, statsmodels or torch; set PYTHON to one that has them" >&2
	exit 1
fi
if ! Rscript -e 'library(forecast); library(jsonlite); library(prophet); library(sandwich)' >/dev/null 2>&1; then
	echo "golden: there is no Rscript with forecast, jsonlite, prophet and sandwich" >&2
	exit 1
fi
export OMP_NUM_THREADS=1
for script in */testdata/*_golden.{py,R}; do
	golden=${script%.*}.json
	echo "== $golden"
	case $script in
	*.py) "$python" "$script" >"$golden.new" ;;
	*.R) Rscript "$script" >"$golden.new" ;;
	esac
	mv "$golden.new" "$golden"
done
for script in */testdata/*_upstream.sh; do
	echo "== $script"
	"$script"
done
