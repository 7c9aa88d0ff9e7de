#!/usr/bin/env python3
"""Writes randomforest_golden.json: forecasts by scikit-learn's RandomForestRegressor.

Made with scikit-learn 1.2.1 and numpy 1.24.2 (Debian 12):

    python3 randomforest_golden.py > randomforest_golden.json

The features are V2's, of one series: hour, day of week, minute, value, difference, mean
of the last 5. A missing value is no sample. The answers are those of many random states.
"""

import datetime
import json
import math
import sys

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestRegressor

STATES = 120
LEVELS = (0.1, 0.5, 0.9)


def table(start, step, values):
    """Features of every observed value, and where it is."""
    rows, places, seen = [], [], []
    for i, v in enumerate(values):
        if v is None:
            continue
        t = start + i * step
        seen.append(v)
        difference = seen[-1] - seen[-2] if len(seen) > 1 else 0
        rows.append([t.hour, t.weekday(), t.minute, v, difference, np.mean(seen[-5:])])
        places.append(i)
    return np.array(rows), places


def case(rng, name, start, step, n, make, horizons=(1, 5, 10, 12)):
    values = [round(float(make(rng, i)), 3) for i in range(n)]
    for i in rng.integers(0, n - 10, size=n // 25):
        values[i] = None
    x, places = table(start, step, values)
    answers = []
    for h in horizons:
        pairs = [(k, values[i + h]) for k, i in enumerate(places) if i + h < n and values[i + h] is not None]
        rows, targets = x[[k for k, _ in pairs]], np.array([v for _, v in pairs])
        at_horizon = []
        for state in range(STATES):
            forest = RandomForestRegressor(n_estimators=50, random_state=state).fit(rows, targets)
            trees = [tree.predict(x[-1:])[0] for tree in forest.estimators_]
            at_horizon.append([forest.predict(x[-1:])[0], *np.quantile(trees, LEVELS)])
        answers.append({"horizon": h, "mean": np.mean(at_horizon, axis=0).tolist(),
                        "deviation": np.std(at_horizon, axis=0, ddof=1).tolist()})
    return {"name": name, "start": start.isoformat() + "Z", "stepSeconds": step.total_seconds(), "values": values,
            "answers": answers}


def main():
    rng = np.random.default_rng(20260401)
    quarter = datetime.timedelta(minutes=15)
    out = {"sklearn": sklearn.__version__, "states": STATES, "levels": LEVELS, "cases": [
        case(rng, "days", datetime.datetime(2026, 3, 5, 7, 30), quarter, 500,
             lambda r, i: 100 + 40 * math.sin(2 * math.pi * i / 96) + 6 * r.normal()),
        case(rng, "steps", datetime.datetime(2026, 12, 30, 23, 50), datetime.timedelta(minutes=7), 300,
             lambda r, i: 20 + 30 * (i % 41 > 25) + r.exponential(4)),
    ]}
    json.dump(out, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
