"""Backward passes as people write them by hand, in plain numpy, each mistake behind a word; no resdebug in them.

``dense`` is a residual layer: linear, batch norm, relu, linear, plus the skip, then a linear classifier under cross
entropy. ``smooth`` is tanh and softmax under a squared error. ``image`` is two convolutions, a skip and a max pooling.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tests.support import Builder

Array: TypeAlias = NDArray[np.float64]
Gradients: TypeAlias = dict[str, Array]

N = D = 4
EPS = 1e-5


def dense_network() -> tuple[Builder, Gradients]:
    rng = np.random.default_rng(3)
    p: Gradients = {
        "x": rng.normal(size=(N, D)), "W1": rng.normal(size=(D, D)), "b1": rng.normal(size=D),
        "gamma": rng.uniform(0.5, 1.5, D), "beta": rng.normal(size=D), "W2": rng.normal(size=(D, D)),
        "b2": rng.normal(size=D), "W3": rng.normal(size=(3, D)), "b3": rng.normal(size=3),
    }  # fmt: skip
    b = Builder("loss", "dense")
    for name, value in p.items():
        b.leaf(name, value, "input" if name == "x" else "parameter")
    b.leaf("t", [0, 2, 1, 2], "constant", dtype="int64")
    b.add("z1", "linear", {"x": "x", "weight": "W1", "bias": "b1"})
    b.add("n", "batch_norm", {"x": "z1", "weight": "gamma", "bias": "beta"}, training=True, eps=EPS)
    b.add("h", "relu", {"x": "n"})
    b.add("z2", "linear", {"x": "h", "weight": "W2", "bias": "b2"})
    b.add("s", "add", {"a": "z2", "b": "x"})
    b.add("z3", "linear", {"x": "s", "weight": "W3", "bias": "b3"})
    b.add("loss", "cross_entropy", {"x": "z3", "target": "t"})
    return b, p


def dense(p: Gradients, mistake: str = "") -> Gradients:
    """Return the gradients of the dense network."""
    x = p["x"]
    z1 = x @ p["W1"].T + p["b1"]
    mean, inverse = z1.mean(0), 1 / np.sqrt(z1.var(0) + EPS)
    normal = (z1 - mean) * inverse
    n = normal * p["gamma"] + p["beta"]
    h = np.maximum(n, 0)
    s = h @ p["W2"].T + p["b2"] + x
    z3 = s @ p["W3"].T + p["b3"]
    e = np.exp(z3 - z3.max(1, keepdims=True))
    probabilities = e / e.sum(1, keepdims=True)
    truth = np.zeros((N, 3))
    truth[np.arange(N), [0, 2, 1, 2]] = 1
    g: Gradients = {"loss": np.array(1.0)}
    g["z3"] = (probabilities - (0 if mistake == "no truth" else truth)) / (1 if mistake == "no mean" else N)
    g["W3"], g["b3"] = g["z3"].T @ s, g["z3"].sum(0)
    g["s"] = g["z3"] @ p["W3"]
    g["z2"] = g["s"]
    g["W2"] = h.T @ g["z2"] if mistake == "weight transposed" else g["z2"].T @ h
    g["b2"] = {"bias axis": g["z2"].sum(1), "last example": g["z2"][-1]}.get(mistake, g["z2"].sum(0))
    g["h"] = g["z2"] @ (p["W2"].T if mistake == "no transpose" else p["W2"])
    mask = {"no mask": np.ones((N, D)), "mask of adjoint": g["h"] > 0, "guided": (g["h"] > 0) & (n > 0)}
    g["n"] = g["h"] * mask.get(mistake, n > 0)
    g["gamma"], g["beta"] = (g["n"] * (z1 if mistake == "not normalised" else normal)).sum(0), g["n"].sum(0)
    scaled = g["n"] * (1.0 if mistake == "no gamma" else p["gamma"])
    of_mean = 0 if mistake in {"no statistics", "no mean term"} else scaled.mean(0)
    of_variance = 0 if mistake in {"no statistics", "no variance term"} else normal * (scaled * normal).mean(0)
    g["z1"] = (scaled - of_mean - of_variance) * inverse
    g["W1"], g["b1"] = g["z1"].T @ x, g["z1"].sum(0)
    branch, skip = g["z1"] @ p["W1"], g["s"]
    together = {
        "no skip": branch, "no branch": skip, "average": (branch + skip) / 2, "skip twice": branch + 2 * skip,
        "wrong sign": branch - skip,
    }  # fmt: skip
    g["x"] = together.get(mistake, branch + skip)
    if mistake == "mean twice":
        for name in ("W1", "b1", "W2", "b2", "W3", "b3", "gamma", "beta"):
            g[name] = g[name] / N
    return g


DENSE: list[tuple[str, str, str]] = [
    ("no truth", "truth-not-subtracted", "loss"), ("no mean", "loss-mean", "loss"),
    ("weight transposed", "transpose-missing", "z2"), ("bias axis", "bias-axis", "z2"),
    ("last example", "batch-not-summed", "z2"), ("no transpose", "transpose-missing", "z2"),
    ("no mask", "relu-mask-omitted", "h"), ("mask of adjoint", "relu-mask-from-adjoint", "h"),
    ("guided", "relu-mask-from-both", "h"), ("not normalised", "not-normalised", "n"),
    ("no gamma", "scale-forgotten", "n"), ("no statistics", "statistics-forgotten", "n"),
    ("no mean term", "statistics-forgotten", "n"), ("no variance term", "statistics-forgotten", "n"),
    ("no skip", "skip-forgotten", "x"), ("no branch", "branch-forgotten", "x"), ("average", "averaged", "x"),
    ("skip twice", "counted-twice", "s"), ("wrong sign", "sign", "s"), ("mean twice", "mean-twice", "z3"),
]  # fmt: skip
"""A mistake, what the diagnosis calls it, and the node where it is."""


def smooth_network() -> tuple[Builder, Gradients]:
    rng = np.random.default_rng(4)
    p: Gradients = {"x": rng.normal(size=(3, D)), "W": rng.normal(size=(D, D)), "t": rng.uniform(size=(3, D))}
    b = Builder("loss", "smooth")
    b.leaf("x", p["x"])
    b.leaf("W", p["W"], "parameter")
    b.leaf("t", p["t"], "constant")
    b.add("z", "matmul", {"a": "x", "b": "W"})
    b.add("h", "tanh", {"x": "z"})
    b.add("q", "softmax", {"x": "h"})
    b.add("loss", "mse_loss", {"x": "q", "target": "t"})
    return b, p


def smooth(p: Gradients, mistake: str = "") -> Gradients:
    """Return the gradients of the smooth network."""
    z = p["x"] @ p["W"]
    h = np.tanh(z)
    q = np.exp(h) / np.exp(h).sum(1, keepdims=True)
    g: Gradients = {"q": (1 if mistake == "no two" else 2) * (q - p["t"]) / q.size}
    full = q * (g["q"] - (g["q"] * q).sum(1, keepdims=True))
    g["h"] = g["q"] * q * (1 - q) if mistake == "diagonal" else full
    slope = {"no derivative": np.ones_like(z), "at the input": 1 - z * z, "once more": 1 - np.tanh(h) ** 2}
    g["z"] = g["h"] * slope.get(mistake, 1 - h * h)
    g["x"] = g["z"] @ (p["W"] if mistake == "no transpose" else p["W"].T)
    g["W"] = p["x"].T @ g["z"]
    if mistake == "transposed":
        g["W"] = g["W"].T
    return g


SMOOTH: list[tuple[str, str, str]] = [
    ("no two", "factor-two", "loss"), ("diagonal", "softmax-diagonal", "q"),
    ("no derivative", "derivative-omitted", "h"), ("at the input", "derivative-elsewhere", "h"),
    ("once more", "derivative-elsewhere", "h"), ("no transpose", "transpose-missing", "z"),
    ("transposed", "transpose-missing", "z"),
]  # fmt: skip


def image_network() -> tuple[Builder, Gradients]:
    rng = np.random.default_rng(6)
    p: Gradients = {
        "x": rng.normal(size=(2, 2, 4, 4)), "K1": rng.normal(size=(2, 2, 3, 3)), "c1": rng.normal(size=2),
        "K2": rng.normal(size=(2, 2, 3, 3)), "t": rng.normal(size=(2, 2, 2, 2)),
    }  # fmt: skip
    b = Builder("loss", "image")
    for name, value in p.items():
        b.leaf(name, value, {"x": "input", "t": "constant"}.get(name, "parameter"))
    b.add("y1", "conv2d", {"x": "x", "weight": "K1", "bias": "c1"}, padding=1)
    b.add("h", "relu", {"x": "y1"})
    b.add("y2", "conv2d", {"x": "h", "weight": "K2"}, padding=1)
    b.add("s", "add", {"a": "y2", "b": "x"})
    b.add("m", "max_pool2d", {"x": "s"}, kernel_size=2)
    b.add("loss", "mse_loss", {"x": "m", "target": "t"})
    return b, p


def _places() -> Any:
    return [(n, o, c, i, j, u, v) for n, o, c, i, j, u, v in np.ndindex(2, 2, 2, 4, 4, 3, 3)
            if 0 <= i + u - 1 < 4 and 0 <= j + v - 1 < 4]  # fmt: skip


def convolved(x: Array, kernel: Array) -> Array:
    y = np.zeros((2, 2, 4, 4))
    for n, o, c, i, j, u, v in _places():
        y[n, o, i, j] += kernel[o, c, u, v] * x[n, c, i + u - 1, j + v - 1]
    return y


def to_image(ybar: Array, kernel: Array, mistake: str) -> Array:
    if mistake == "no flip":
        kernel = kernel[:, :, ::-1, ::-1]
    if mistake == "channels":
        kernel = kernel.transpose(1, 0, 2, 3)
    xbar = np.zeros((2, 2, 4, 4))
    for n, o, c, i, j, u, v in _places():
        xbar[n, c, i + u - 1, j + v - 1] += kernel[o, c, u, v] * ybar[n, o, i, j]
    return xbar


def to_kernel(ybar: Array, x: Array) -> Array:
    kbar = np.zeros((2, 2, 3, 3))
    for n, o, c, i, j, u, v in _places():
        kbar[o, c, u, v] += x[n, c, i + u - 1, j + v - 1] * ybar[n, o, i, j]
    return kbar


def image(p: Gradients, mistake: str = "") -> Gradients:
    """Return the gradients of the image network."""
    y1 = convolved(p["x"], p["K1"]) + p["c1"].reshape(1, 2, 1, 1)
    h = np.maximum(y1, 0)
    s = convolved(h, p["K2"]) + p["x"]
    windows = s.reshape(2, 2, 2, 2, 2, 2).swapaxes(3, 4)
    m = windows.max((4, 5))
    g: Gradients = {"m": 2 * (m - p["t"]) / m.size}
    share = windows == m[..., None, None]
    if mistake == "spread":
        share = np.full(windows.shape, 0.25)
    g["s"] = (share * g["m"][..., None, None]).swapaxes(3, 4).reshape(2, 2, 4, 4)
    g["K2"] = to_kernel(g["s"], h)
    g["h"] = to_image(g["s"], p["K2"], mistake)
    g["y1"] = g["h"] * (y1 > 0)
    g["K1"] = to_kernel(g["y1"], p["x"])
    if mistake == "kernel mirrored":
        g["K1"] = g["K1"][:, :, ::-1, ::-1]
    g["c1"] = g["y1"].sum((0, 2, 3)) / (16 if mistake == "mean of places" else 1)
    both = mistake if mistake in {"no flip", "channels"} else ""
    g["x"] = to_image(g["y1"], p["K1"], both) + g["s"]
    return g


IMAGE: list[tuple[str, str, str]] = [
    ("no flip", "kernel-not-flipped", "y2"), ("channels", "channels-not-swapped", "y2"),
    ("kernel mirrored", "kernel-not-flipped", "y1"), ("spread", "pool-spread", "m"),
    ("mean of places", "places-averaged", "y1"),
]  # fmt: skip
"""The first two are made in both convolutions: somebody's own function is wrong wherever it is called."""
