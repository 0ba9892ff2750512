"""Do nearby inputs have like gradients? In deep plain networks they come to resemble white noise.

Balduzzi et al. 2017, The Shattered Gradients Problem (arXiv 1702.08591): there the correlation of gradients at nearby
inputs falls as 2^−depth in a plain network, and far more slowly with skips. Here it is the cosine between the adjoints
of one network at pairs of inputs a given distance apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from resdebug.ops.base import Array
from resdebug.passes.live import LivePass, differentiate
from resdebug.passes.protocol import Pass
from resdebug.passes.summary import cosine

DISTANCES: Final = (0.01, 0.03, 0.1, 0.3)
"""Between the inputs of a pair, in terms of the input's root mean square."""

AROUND: Final = 0.1
"""How far from the given input the pairs are drawn, in the same terms."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The mean cosine between the adjoints of one node at pairs of inputs, with its 95 % interval."""

    node: int
    distance: float
    mean: float
    low: float
    high: float
    pairs: int
    """Pairs at which the cosine is defined: neither adjoint is zero."""


def shattering(
    pass_: Pass,
    leaf: str,
    nodes: Sequence[int],
    pairs: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> tuple[Likeness, ...]:
    """Run ``pairs`` × 5 passes at inputs near the given one; noise is normal, drawn from ``seed``.

    Raises BadInput where the network's numbers are not all known, as in some traces.
    """
    rng = np.random.default_rng(seed)
    x = np.asarray(pass_.value(leaf), dtype=np.float64)
    unit = math.sqrt(float((x * x).mean())) or 1.0
    found: dict[tuple[int, float], list[float]] = {(i, d): [] for d in DISTANCES for i in nodes}
    total, done = pairs * (1 + len(DISTANCES)), 0

    def run(at: Array) -> LivePass:
        nonlocal done
        made = differentiate(pass_.network, pass_.target, {leaf: at.astype(pass_.network[leaf].dtype)})
        done += 1
        progress(done, total)
        return made

    for _ in range(pairs):
        start = x + AROUND * unit * rng.standard_normal(x.shape)
        way = rng.standard_normal(x.shape)
        first = run(start)
        for distance in DISTANCES:
            second = run(start + distance * unit * way)
            for i in nodes:
                name = pass_.network.nodes[i].name
                a, b = first.adjoint(name), second.adjoint(name)
                like = None if a is None or b is None else cosine(a, b)
                if like is not None:
                    found[i, distance].append(like)
    return tuple(
        Likeness(i, distance, *interval(cosines), len(cosines))
        for (i, distance), cosines in found.items()
        if len(cosines) > 1
    )


def interval(numbers: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean of cosines and its 95 % confidence interval by Student's t, kept within [−1, 1]."""
    from scipy.stats import t

    count = len(numbers)
    mean = math.fsum(numbers) / count
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in numbers) / (count - 1))
    half = float(t.ppf(0.975, count - 1)) * spread / math.sqrt(count)
    return mean, max(-1.0, mean - half), min(1.0, mean + half)
