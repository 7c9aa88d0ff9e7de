"""Prints holtwinters_golden.json: what statsmodels computes on a made-up series.

    python3 holtwinters_golden.py > holtwinters_golden.json

Made with statsmodels 0.13.5, numpy 1.24.2 (Debian 12). The initial states are given
to statsmodels ("known"), by the rule that forecast.HoltWinters documents, so that
the golden numbers pin the recursion, the forecasts and the quality of the fit.
"""

import json

import numpy as np
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

M, N, AHEAD = 12, 120, 24


def noise(seed):
    """A linear congruential generator (Lehmer, 1951): the same on every machine."""
    state = seed
    while True:
        state = state * 48271 % 2147483647
        yield state / 2147483647 - 0.5


def series():
    g = noise(42)
    level, out = 100.0, []
    for t in range(N):
        level += 0.6 + 4 * next(g)
        season = 20 * np.sin(2 * np.pi * t / M) + 8 * np.cos(4 * np.pi * t / M)
        out.append(round(level + season + 6 * next(g), 3))
    return np.array(out)


def start(y, m):
    """Level, trend and season before the first value."""
    span = 3 * m if m > 1 else 10
    trend = np.mean(y[m:span] - y[: span - m]) / m
    detrended = y[:span] - trend * np.arange(span)
    phases = detrended.reshape(-1, m).mean(axis=0)
    return phases.mean() - trend, trend, phases - phases.mean()


def case(name, y, m, damped, fixed):
    level, trend, season = start(y, m)
    model = ETSModel(
        y,
        error="add",
        trend="add",
        damped_trend=damped,
        seasonal="add" if m > 1 else None,
        seasonal_periods=m if m > 1 else None,
        initialization_method="known",
        initial_level=level,
        initial_trend=trend,
        initial_seasonal=season if m > 1 else None,
        bounds={"damping_trend": (0.8, 0.998)} if damped else None,
    )
    names = {
        "smoothing_level": "alpha",
        "smoothing_trend": "beta",
        "smoothing_seasonal": "gamma",
        "damping_trend": "phi",
    }
    params = [fixed[names[n]] for n in model.param_names if n in names]
    # The initial states follow the parameters; the newest season comes first.
    params += [level, trend] + (list(season[::-1]) if m > 1 else [])
    given = model.smooth(np.array(params))
    best = model.fit(disp=False, maxiter=5000)
    return {
        "name": name,
        "season": m,
        "damped": damped,
        "fixed": fixed,
        "forecast": [round(float(v), 9) for v in given.forecast(AHEAD)],
        "sse": round(float(given.sse), 6),
        "bestSSE": round(float(best.sse), 6),
    }


y = series()
fixed = {"alpha": 0.4, "beta": 0.06, "gamma": 0.2, "phi": 0.9}
print(
    json.dumps(
        {
            "values": y.tolist(),
            "cases": [
                case("holt", y, 1, False, fixed),
                case("damped", y, 1, True, fixed),
                case("holt-winters", y, M, False, fixed),
                case("damped-holt-winters", y, M, True, fixed),
            ],
        },
        indent=1,
    )
)
