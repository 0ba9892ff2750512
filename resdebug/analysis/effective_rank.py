"""How many directions an adjoint really has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from resdebug.ops.base import Array

MOST: Final = 256
"""Rows and columns that are looked at; of more, evenly spread ones."""


@dataclass(frozen=True, slots=True)
class Rank:
    """The effective rank of a matrix, and how much it could be."""

    effective: float
    possible: int
    sampled: bool
    """Whether rows or columns were left out."""


def effective_rank(matrix: Array) -> float:
    """Return ``exp(−Σ pᵢ log pᵢ)`` with ``pᵢ = σᵢ / Σσ``; 0 of a matrix of zeros, NaN where it is not finite.

    Roy and Vetterli 2007, The effective rank: A measure of effective dimensionality.
    """
    if not np.isfinite(matrix).all():
        return float("nan")
    largest = float(np.abs(matrix).max(initial=0.0))
    if largest == 0:
        return 0.0
    singular = np.linalg.svd(np.asarray(matrix, dtype=np.float64) / largest, compute_uv=False)
    p = singular[singular > 0] / singular.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def rank_of(tensor: Array) -> Rank | None:
    """Return the effective rank of a tensor as a matrix of observations by units; None where it has but one of either.

    Units lie along the second axis of tensors of four axes and more, else along the last; observations are all places
    of all examples.
    """
    if tensor.ndim < 2:
        return None
    moved = np.moveaxis(tensor, 1, -1) if tensor.ndim > 3 else tensor
    rows = moved.reshape(-1, moved.shape[-1])
    if min(rows.shape) < 2:
        return None
    chosen = rows[_spread(rows.shape[0])][:, _spread(rows.shape[1])]
    return Rank(effective_rank(chosen), min(chosen.shape), chosen.shape != rows.shape)


def _spread(size: int) -> np.ndarray:
    return np.unique(np.linspace(0, size - 1, min(size, MOST)).round().astype(np.intp))
