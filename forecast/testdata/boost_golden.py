#!/usr/bin/env python3
"""Writes boost_golden.json: what scikit-learn's HistGradientBoostingRegressor answers.

Made with scikit-learn 1.2.1 and numpy 1.24.2 (Debian 12):

    python3 boost_golden.py > boost_golden.json

"exact" holds tables whose features have few distinct values, so that binning loses
nothing, with squared loss: the trees follow from the definition. scikit-learn keeps
gradients as float32. "quality" holds a table with noise, and the errors that
scikit-learn makes on rows that it did not see.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingRegressor


def boosting(case, **more):
    return HistGradientBoostingRegressor(
        max_iter=case["trees"], max_depth=case["depth"], min_samples_leaf=case["leaf"],
        learning_rate=case["rate"], l2_regularization=case["penalty"], max_leaf_nodes=None,
        max_bins=case.get("bins", 64), early_stopping=False, random_state=1, **more)


def exact(rng, name, rows, values, weighted=False, **settings):
    features = len(values)
    x = np.column_stack([rng.integers(0, v, size=rows) for v in values]).astype(float)
    x[:, 0] = (x[:, 0] / 4) ** 3  # Bins need not be evenly spaced.
    y = 10 * np.sin(x[:, 0]) + 3 * x[:, 1] * (x[:, 2] > 2) - x[:, features - 1] + rng.normal(size=rows)
    x, y = np.round(x, 6), np.round(y, 3)
    w = np.round(rng.uniform(0.2, 3, size=rows), 2) if weighted else np.ones(rows)
    model = boosting(settings).fit(x, y, sample_weight=w if weighted else None)
    probes = np.vstack([x[:15], np.round(rng.uniform(-1, 9, size=(25, features)), 3)])
    loss = [float(np.sum(w * (y - f) ** 2) / np.sum(w)) for f in model.staged_predict(x)]
    return dict(settings, name=name, x=x.tolist(), y=y.tolist(), w=w.tolist(), probes=probes.tolist(),
                want=model.predict(probes).tolist(), loss=loss)


def smooth(rng, rows):
    x = np.round(rng.uniform(size=(rows, 5)), 4)
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return x, np.round(y + rng.standard_t(2, size=rows), 3)


def quality(rng):
    settings = {"trees": 100, "depth": 5, "leaf": 10, "rate": 0.1, "penalty": 5}
    x, y = smooth(rng, 500)
    tx, ty = smooth(rng, 300)
    squared = boosting(settings).fit(x, y).predict(tx)
    absolute = boosting(settings, loss="absolute_error").fit(x, y).predict(tx)
    return dict(settings, x=x.tolist(), y=y.tolist(), testX=tx.tolist(), testY=ty.tolist(),
                mseOfSquared=float(np.mean((ty - squared) ** 2)),
                maeOfSquared=float(np.mean(np.abs(ty - squared))),
                maeOfAbsolute=float(np.mean(np.abs(ty - absolute))))


def main():
    rng = np.random.default_rng(20260301)
    out = {"sklearn": sklearn.__version__, "exact": [
        exact(rng, "stumps", 60, [10, 4, 6], trees=10, depth=1, leaf=1, rate=0.5, penalty=0),
        exact(rng, "deep", 150, [12, 5, 7], trees=20, depth=4, leaf=3, rate=0.1, penalty=0),
        exact(rng, "shrunk leaves", 200, [40, 9, 7, 3], trees=15, depth=5, leaf=8, rate=0.2, penalty=4),
        exact(rng, "weighted", 150, [12, 5, 7], weighted=True, trees=10, depth=3, leaf=1, rate=0.3, penalty=0),
    ], "quality": quality(rng)}
    json.dump(out, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
