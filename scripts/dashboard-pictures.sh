#!/usr/bin/env bash
# Draws the pictures of docs/dashboards.md: runs four policies on the first week of the
# scenario shop with every metric, an application that fails now and then and, on the fourth day,
# faults, and draws what the panels of the dashboards ask for.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin/hindcast datasets generate shop -o "$work/shop.csv"
# A header, and a row a minute.
head -n $((1 + 7 * 24 * 60)) "$work/shop.csv" >"$work/week.csv"
cat >"$work/week.yaml" <<'EOF'
apiVersion: autoscaling.hindcast.dev/v1alpha1
kind: Experiment
spec:
  datasets: [{path: week.csv}]
  policies: [{name: v3}, {name: v2}, {name: hpa}, {name: oracle}]
  metrics: all
  equalSLA: false
  app: {errorRate: "0.0002"}
  cluster:
    faults:
    - {kind: node-loss, at: 82h, duration: 30m, share: "0.25"}
    - {kind: pod-restart, at: 85h, share: "0.25"}
    - {kind: rollout, at: 87h}
    - {kind: scrape-outage, at: 89h, duration: 20m, job: app}
    - {kind: scrape-outage, at: 91h, duration: 15m, job: ingress-nginx}
    - {kind: metrics-server-outage, at: 93h, duration: 20m}
EOF
bin/hindcast backtest -f "$work/week.yaml" -o "$work/run"
"${GO:-go}" run ./grafana/pictures "$work/run" docs/dashboards.md docs/img/dashboards
