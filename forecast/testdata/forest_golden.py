#!/usr/bin/env python3
"""Writes forest_golden.json: what scikit-learn's RandomForestRegressor answers.

Made with scikit-learn 1.2.1 and numpy 1.24.2 (Debian 12):

    python3 forest_golden.py > forest_golden.json

"exact" holds single trees without bootstrap on tables where all random states agree
at all probes, so that nothing but the definition decides. "samples" holds, for tables
where chance has a say, the answers of many random states at a few probes.
"""

import json
import math
import sys

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestRegressor


def forest(state, trees, bootstrap):
    return RandomForestRegressor(n_estimators=trees, bootstrap=bootstrap, random_state=state)


def exact_line(rng):
    """One feature, a target of its own in every row."""
    x = rng.permutation(400)[:40].reshape(-1, 1) / 8
    y = np.round(np.sin(x[:, 0] / 7) * 10 + rng.normal(size=40), 3)
    return x, y, np.linspace(-1, 51, 53).reshape(-1, 1)


def exact_boxes(rng):
    """Three features, a target of few values that boxes decide."""
    while True:
        x = np.round(rng.uniform(0, 10, size=(48, 3)), 2)
        y = 7.0 * (x[:, 0] > 4) + np.where(x[:, 0] > 4, 3.0 * (x[:, 1] > 6), 2.0 * (x[:, 2] > 5))
        probes = np.round(rng.uniform(0, 10, size=(60, 3)), 2)
        answers = [forest(s, 1, False).fit(x, y).predict(probes) for s in range(40)]
        if all(np.array_equal(a, answers[0]) for a in answers) and len(set(answers[0])) == 4:
            return x, y, probes


def smooth(rng):
    """Noise everywhere: nodes of two rows tie on all features. The targets are whole
    64ths, so that sums are exact and ties are not broken by rounding."""
    x = np.round(rng.uniform(size=(30, 3)), 3)
    y = np.round(64 * (10 * x[:, 0] + 5 * np.sin(6 * x[:, 1]) + rng.normal(size=30))) / 64
    return x, y, np.array([[0.1, 0.5, 0.5], [0.5, 0.2, 0.9], [0.9, 0.9, 0.1], [0.52, 0.48, 0.3]])


def grid(rng):
    """Small whole numbers: repeated values, equal rows, equally good splits."""
    x = rng.integers(0, 4, size=(40, 4)).astype(float)
    y = np.clip(x[:, 0] + x[:, 1] - x[:, 2] + rng.integers(-1, 2, size=40), 0, 6).astype(float)
    return x, y, np.array([[0, 0, 3, 1], [3, 3, 0, 2], [1, 2, 2, 0], [2.5, 1.5, 0.5, 3]])


def scaler(rng):
    """Sixty samples of V2's history with its features and target; the probes are what
    it asks: the newest row with all differences 0."""
    n = 60
    total = np.round(np.clip(600 + 420 * np.sin(np.arange(n) / 9) + 40 * rng.normal(size=n), 3, None))
    y = np.clip(np.ceil(total / 200), 1, 6)
    pods = np.concatenate([[1], y[:-1]])
    base = {"cpu": np.round(total / pods, 3), "mem": np.round(220 + 6 * rng.normal(size=n), 3), "total": total}
    minute = (np.arange(n) // 2) % 60
    cols = [np.full(n, 9), np.full(n, 2), minute]
    cols += [base[k] for k in base]
    cols += [np.concatenate([[0], np.diff(base[k])]) for k in base]
    cols += [np.array([np.mean(base[k][max(0, i - 4):i + 1]) for i in range(n)]) for k in base]
    x = np.round(np.column_stack(cols).astype(float), 3)
    probes = []
    for i in (10, 21, 33, 59):
        row = x[i].copy()
        row[6:9] = 0
        probes.append(row)
    # A total that the table never shows, between two levels, with the rest of row 59.
    row = x[59].copy()
    row[5], row[6:9] = 400.5, 0
    probes.append(row)
    return x, y, np.array(probes)


def main():
    rng = np.random.default_rng(20260101)
    out = {"sklearn": sklearn.__version__, "exact": [], "samples": []}
    for make in (exact_line, exact_boxes):
        x, y, probes = make(rng)
        want = forest(0, 1, False).fit(x, y).predict(probes)
        out["exact"].append({"name": make.__name__, "x": x.tolist(), "y": y.tolist(),
                             "probes": probes.tolist(), "want": want.tolist()})
    for make, trees, bootstrap in ((smooth, 10, True), (smooth, 1, False), (grid, 10, True),
                                   (grid, 3, False), (scaler, 50, True)):
        x, y, probes = make(rng)
        answers = np.array([forest(s, trees, bootstrap).fit(x, y).predict(probes) for s in range(300)])
        out["samples"].append({"name": make.__name__, "trees": trees, "bootstrap": bootstrap,
                               "x": x.tolist(), "y": y.tolist(), "probes": probes.tolist(),
                               "answers": [[float("%.7g" % v) for v in np.sort(a)] for a in answers.T]})
    for group in out["samples"]:
        for a in group["answers"]:
            assert all(math.isfinite(v) for v in a)
    json.dump(out, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
