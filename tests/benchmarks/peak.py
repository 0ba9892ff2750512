"""This machine's fastest arithmetic: numpy's product of large square matrices. ``python -m ... [--quick]``."""

from __future__ import annotations

import json
import sys
from functools import partial

import numpy as np

from tests.benchmarks.serving import timed


def peak(dtype: str, runs: dict[int, int]) -> float:
    """Return the best GFLOP/s of so many runs by size."""
    rng = np.random.default_rng(0)
    best = 0.0
    for n, count in runs.items():
        a, b = (rng.random((n, n)).astype(dtype) for _ in "ab")
        out = np.empty_like(a)
        fastest = min(timed(partial(np.matmul, a, b, out)) for _ in range(count))
        best = max(best, 2e-9 * n**3 / fastest)
    return best


def main() -> None:
    """Print the peaks by element type."""
    runs = {1024: 3} if "--quick" in sys.argv else {1024: 9, 1536: 3, 2048: 2}
    print(json.dumps({dtype: peak(dtype, runs) for dtype in ("float32", "float64")}))


if __name__ == "__main__":
    main()
