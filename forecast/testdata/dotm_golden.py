"""Prints dotm_golden.json: the dynamic optimised Theta model, transcribed from the paper
(Fiorucci et al., International Journal of Forecasting 32, 2016, equations 10 to 13, and
the estimation of their program), with the series of theta_golden.json and of statsmodels.

    python3 dotm_golden.py > dotm_golden.json

Made with scipy 1.10.1, statsmodels 0.13.5, numpy 1.24.2 (Debian 12).
"""

import json
import pathlib

import numpy as np
import statsmodels.api as sm
from scipy.optimize import minimize

AHEAD = 18
FIXED = (40.0, 0.3, 3.0)  # l0, alpha, theta


def run(y, l0, alpha, theta, ahead):
    """One-step forecasts of y and of the steps after it, by the equations as they stand."""
    n = len(y)
    mu = np.empty(n + ahead)
    for t in range(1, n + ahead + 1):
        if t == 1:
            mu[0] = l0  # A and B are 0 yet.
            value = y[0]
            level, mean, a, b = alpha * value + (1 - alpha) * l0, value, value, 0.0
            continue
        mu[t - 1] = level + (1 - 1 / theta) * (
            (1 - alpha) ** (t - 1) * a + (1 - (1 - alpha) ** t) / alpha * b
        )
        value = y[t - 1] if t <= n else mu[t - 1]
        level = alpha * value + (1 - alpha) * level
        b = ((t - 2) * b + 6 / t * (value - mean)) / (t + 1)
        mean = ((t - 1) * mean + value) / t
        a = mean - (t + 1) / 2 * b
    return mu


def squares(y, parameters):
    l0, alpha, theta = parameters
    if not (0.1 <= alpha <= 0.99 and theta >= 1):
        return np.inf
    mu = run(y, l0, alpha, theta, 0)
    return float(np.sum((y - mu)[3:] ** 2))


def fit(y):
    """The simplex method from several starts, again from where it ends."""
    best = None
    for alpha in (0.12, 0.8):
        for theta in (1.05, 3):
            x = np.array([y[0] / 2, alpha, theta])
            for _ in range(2):
                result = minimize(
                    lambda x: squares(y, x), x, method="Nelder-Mead",
                    options={"maxiter": 1000, "xatol": 1e-8, "fatol": 1e-8},
                )
                x = result.x
            if best is None or result.fun < best.fun:
                best = result
    return best


def adjust(y, m):
    """The factors of the classical multiplicative decomposition where r(m) is significant."""
    n = len(y)
    centred = y - y.mean()
    r = [np.sum(centred[k:] * centred[: n - k]) / np.sum(centred**2) for k in range(m + 1)]
    if m < 2 or abs(r[m]) <= 1.645 * np.sqrt((1 + 2 * np.sum(np.square(r[1:m]))) / n):
        return np.ones(1)
    kernel = np.ones(m + 1) / m
    kernel[[0, -1]] /= 2
    half = m // 2
    trend = np.convolve(y, kernel, mode="valid")
    ratio = y[half : n - half] / trend
    factors = np.array([np.mean(ratio[[i for i in range(len(ratio)) if (i + half) % m == p]]) for p in range(m)])
    return factors / factors.mean()


def case(name, y, m):
    y = np.asarray(y, float)
    factors = adjust(y, m)
    index = lambda start, n: factors[(start + np.arange(n)) % len(factors)]
    rest = y / index(0, len(y))
    best = fit(rest)
    return {
        "name": name,
        "season": m,
        "values": y.tolist(),
        "l0": best.x[0],
        "alpha": best.x[1],
        "theta": best.x[2],
        "squares": best.fun,
        "forecast": (run(rest, *best.x, AHEAD)[-AHEAD:] * index(len(y), AHEAD)).tolist(),
        "fixed": run(y, *FIXED, AHEAD).tolist(),
    }


def main():
    theta = json.loads((pathlib.Path(__file__).parent / "theta_golden.json").read_text())
    cases = [case(c["name"], c["values"], c["season"]) for c in theta]
    cases.append(case("nile", sm.datasets.nile.load_pandas().data["volume"], 1))
    cases.append(case("realgdp", sm.datasets.macrodata.load_pandas().data["realgdp"], 4))
    print(json.dumps({"l0": FIXED[0], "alpha": FIXED[1], "theta": FIXED[2], "cases": cases}))


main()
