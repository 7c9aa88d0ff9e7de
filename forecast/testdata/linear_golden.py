#!/usr/bin/env python3
"""Writes linear_golden.json: NLinear and DLinear by scikit-learn's Ridge.

Made with scikit-learn 1.2.1, numpy 1.24.2 and statsmodels 0.13.5 (Debian 12):

    python3 linear_golden.py > linear_golden.json

The features are made here as the papers and the comments of nlinear.go and dlinear.go
say. DLinear has a column for every value of the moving average and one for every value of
the rest, and an ordinary ridge on all of them; ours has a column for every value of the
window and another penalty, which must come to the same.
"""

import json
import sys

import numpy as np
import sklearn
import statsmodels.api as sm
from sklearn.linear_model import Ridge

PENALTIES = [1e-4, 1e-3, 1e-2, 0.1, 1, 10]


def moving_average(x, kernel):
    half = (kernel - 1) // 2
    padded = np.concatenate([np.repeat(x[:1], half), x, np.repeat(x[-1:], half)])
    return np.convolve(padded, np.ones(kernel) / kernel, mode="valid")


def describe(window, kernel):
    """Features of a window, and its unit."""
    unit = np.mean(np.abs(window))
    centre = np.mean(window) if kernel else window[-1]
    x = np.clip((window - centre) / unit, -5, 5)
    if kernel:
        trend = moving_average(x, kernel)
        x = np.concatenate([trend, x - trend])
    return np.concatenate([[1.0], x]), unit


def base(past, window, horizons, kernel, season):
    if kernel:
        return np.full(horizons, np.mean(past[-window:]))
    return np.array([past[len(past) - season + j % season] for j in range(horizons)])


def ridge(x, y, penalty, weight=None):
    root = np.ones(len(x)) if weight is None else np.sqrt(weight)
    xw = x * root[:, None]
    alpha = penalty * np.sum(xw[:, 1:] ** 2) / (x.shape[1] - 1) + 1e-9
    model = Ridge(alpha=alpha, fit_intercept=False, solver="svd")
    return model.fit(xw, y * root[:, None])


def train(values, window, horizons, kernel, season):
    """Loss on the newest fifth, the penalty with the least, and the model."""
    skip = max(0, (0 if kernel else season) - window)
    xs, ys = [], []
    for end in range(skip + window, len(values) - horizons + 1):
        x, unit = describe(values[end - window:end], kernel)
        xs.append(x)
        change = values[end:end + horizons] - base(values[:end], window, horizons, kernel, season)
        ys.append(np.clip(change / unit, -5, 5))
    x, y = np.array(xs), np.array(ys)
    n = len(x) - (len(values) - window - horizons + 1 - skip) // 5
    losses = [np.mean(np.abs(ridge(x[:n], y[:n], p).predict(x[n:]) - y[n:])) for p in PENALTIES]
    penalty = PENALTIES[int(np.argmin(losses))]
    error = np.sum(np.abs(ridge(x, y, penalty).predict(x) - y), axis=1)
    middle = np.sort(error)[len(error) // 2]
    weight = np.where(error > middle, middle / np.maximum(error, 1e-300), 1)
    return min(losses), penalty, ridge(x, y, penalty, weight)


def case(name, values, window, horizons, kernel=0, seasons=()):
    values = np.asarray(values, dtype=float)
    fits = [(train(values, window, horizons, kernel, s), s) for s in ([1] if kernel else [1, *seasons])]
    (loss, penalty, model), season = min(fits, key=lambda f: f[0][0])
    x, unit = describe(values[-window:], kernel)
    forecast = base(values, window, horizons, kernel, season) + unit * model.predict(x[None])[0]
    if values.min() >= 0:
        forecast = np.maximum(forecast, 0)
    return {"name": name, "values": values.tolist(), "window": window, "horizons": horizons, "kernel": kernel,
            "seasons": list(seasons), "forecast": forecast.tolist(),
            "chosen": {"penalty": penalty, "season": season, "loss": loss}}


def main():
    co2 = sm.datasets.co2.load_pandas().data["co2"].resample("MS").mean().interpolate().round(4)
    sunspots = sm.datasets.sunspots.load_pandas().data["SUNACTIVITY"]
    elnino = sm.datasets.elnino.load_pandas().data.drop(columns="YEAR").to_numpy().ravel()
    nile = sm.datasets.nile.load_pandas().data["volume"]
    out = {"sklearn": sklearn.__version__, "cases": []}
    for name, values, window, horizons, seasons in (
            ("co2", co2, 36, 12, [12]), ("sunspots", sunspots, 24, 10, []),
            ("elnino", elnino, 30, 6, [12]), ("nile", nile, 24, 5, [])):
        out["cases"].append(case(name, values, window, horizons, seasons=seasons))
        out["cases"].append(case(name, values, window, horizons, kernel=25))
    out["cases"].append(case("sunspots", sunspots, 40, 3, kernel=7))
    out["cases"].append(case("elnino", elnino, 4, 6, seasons=[12]))
    json.dump(out, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
