"""Prints recurrent_golden.json: what PyTorch computes for a small LSTM and a small GRU.

    OMP_NUM_THREADS=1 python3 recurrent_golden.py > recurrent_golden.json

Made with torch 1.13.0 (Debian 12), in float64. Each case is nn.LSTM or nn.GRU, a linear
map of its last state to quantiles of two targets, and the mean pinball loss: weights,
inputs, outputs, loss, and the gradient of the loss by every weight. Weights and inputs
are made up here, so that they do not depend on PyTorch's generator.
"""

import json

import torch

BATCH, STEPS, INPUTS, HIDDEN, TARGETS = 3, 5, 3, 4, 2
LEVELS = [0.1, 0.5, 0.9]
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def noise(seed):
    """A linear congruential generator (Lehmer, 1951): the same on every machine."""
    state = seed
    while True:
        state = state * 48271 % 2147483647
        yield state / 2147483647 - 0.5


def tensor(g, scale, *shape):
    n = 1
    for s in shape:
        n *= s
    return torch.tensor([round(scale * next(g), 3) for _ in range(n)]).reshape(shape)


def numbers(values):
    """Rows of numbers, short enough for a small file."""
    return [float(f"{v:.12g}") for v in values.detach().reshape(-1).tolist()]


def case(kind, seed):
    g = noise(seed)
    net = getattr(torch.nn, kind)(INPUTS, HIDDEN, batch_first=True)
    head = torch.nn.Linear(HIDDEN, TARGETS * len(LEVELS))
    parameters = dict(net.named_parameters())
    parameters.update({"head_" + n: p for n, p in head.named_parameters()})
    with torch.no_grad():
        for p in parameters.values():
            p.copy_(tensor(g, 2, *p.shape))
    x = tensor(g, 3, BATCH, STEPS, INPUTS)
    y = tensor(g, 2, BATCH, TARGETS)
    states, _ = net(x)
    out = head(states[:, -1])
    error = y.unsqueeze(-1) - out.view(BATCH, TARGETS, len(LEVELS))
    q = torch.tensor(LEVELS)
    loss = torch.maximum(q * error, (q - 1) * error).mean()
    loss.backward()
    return {
        "cell": kind.lower(),
        "x": numbers(x),
        "y": numbers(y),
        "states": numbers(states),
        "out": numbers(out),
        "loss": loss.item(),
        "weights": {n: numbers(p) for n, p in parameters.items()},
        "gradients": {n: numbers(p.grad) for n, p in parameters.items()},
    }


def steps_of_adam():
    """Three steps of torch.optim.Adam on made-up gradients."""
    g = noise(5)
    p = torch.nn.Parameter(tensor(g, 2, 4))
    start = numbers(p)
    optimiser = torch.optim.Adam([p], lr=0.1)
    gradients, values = [], []
    for _ in range(3):
        p.grad = tensor(g, 4, 4)
        optimiser.step()
        gradients.append(numbers(p.grad))
        values.append(numbers(p))
    return {"rate": 0.1, "start": start, "gradients": gradients, "values": values}


print(
    json.dumps(
        {
            "batch": BATCH,
            "steps": STEPS,
            "inputs": INPUTS,
            "hidden": HIDDEN,
            "levels": LEVELS,
            "cases": [case("LSTM", 11), case("GRU", 12)],
            "adam": steps_of_adam(),
        },
        indent=1,
    )
)
