#!/usr/bin/env bash
# Draws the pictures of docs/dashboards.md: runs four policies on the first week of the
# scenario shop with every metric, and draws what the panels of the dashboards ask for.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin/hindcast datasets generate shop -o "$work/shop.csv"
# A header, and a row a minute.
head -n $((1 + 7 * 24 * 60)) "$work/shop.csv" >"$work/week.csv"
bin/hindcast backtest --data "$work/week.csv" --policies v3,v2,hpa,oracle --metrics all --equal-sla=false -o "$work/run"
"${GO:-go}" run ./grafana/pictures "$work/run" docs/dashboards.md docs/img/dashboards
