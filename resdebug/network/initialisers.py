"""Initialisers: numbers made from a rule, and where they are drawn from a seed."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Final

import msgspec
import numpy as np

from resdebug.network import limits

Count = Annotated[int, msgspec.Meta(ge=0)]
Shape = Annotated[list[Count], msgspec.Meta(max_length=limits.DIMENSIONS)]
Seed = Annotated[int, msgspec.Meta(ge=0, description="same seed, same numbers (numpy's PCG64)")]


class Initialiser(msgspec.Struct, frozen=True, tag_field="init", forbid_unknown_fields=True):
    """Numbers made from a rule; ``shape`` is the tensor's."""

    shape: Shape
    random: ClassVar[bool] = False

    def fill(self) -> np.ndarray:
        """Return the numbers in float64, of this shape."""
        raise NotImplementedError


class Zeros(Initialiser, frozen=True, tag="zeros"):
    """All zero."""

    def fill(self) -> np.ndarray:
        """Return zeros."""
        return np.zeros(self.shape)


class Ones(Initialiser, frozen=True, tag="ones"):
    """All one."""

    def fill(self) -> np.ndarray:
        """Return ones."""
        return np.ones(self.shape)


class Full(Initialiser, frozen=True, tag="constant", kw_only=True):
    """All equal to ``value``."""

    value: float

    def fill(self) -> np.ndarray:
        """Return the same number everywhere."""
        return np.full(self.shape, self.value)


class Normal(Initialiser, frozen=True, tag="normal", kw_only=True):
    """Drawn from a normal distribution."""

    seed: Seed
    mean: float = 0.0
    std: Annotated[float, msgspec.Meta(ge=0)] = 1.0

    def fill(self) -> np.ndarray:
        """Return ``mean + std · N(0, 1)``."""
        return _stretched(
            np.random.Generator(np.random.PCG64(self.seed)).standard_normal(self.shape), self.std, self.mean
        )


class Uniform(Initialiser, frozen=True, tag="uniform", kw_only=True):
    """Drawn uniformly from ``low`` to ``high``."""

    seed: Seed
    low: float = 0.0
    high: float = 1.0

    def fill(self) -> np.ndarray:
        """Return ``low + (high − low) · U[0, 1)``."""
        draws = np.random.Generator(np.random.PCG64(self.seed)).random(self.shape)
        return _stretched(draws, self.high - self.low, self.low)


class KaimingNormal(Initialiser, frozen=True, tag="kaiming_normal", kw_only=True):
    """He et al. 2015 (arXiv 1502.01852), eq. 10: normal with variance 2 / fan-in, for layers before a ReLU."""

    seed: Seed

    def fill(self) -> np.ndarray:
        """Return ``√(2 / fan_in) · N(0, 1)``; fan-in is the product of all dimensions but the first."""
        fan_in = math.prod(self.shape[1:]) or 1
        draws = np.random.Generator(np.random.PCG64(self.seed)).standard_normal(self.shape)
        draws *= math.sqrt(2.0 / fan_in)
        return draws


def _stretched(draws: Any, by: float, start: float) -> np.ndarray:
    """Return ``start + by · draws`` in the same memory."""
    draws *= by
    draws += start
    return np.asarray(draws)


INITIALISERS: Final = (Zeros, Ones, Full, Normal, Uniform, KaimingNormal)
AnyInitialiser = Zeros | Ones | Full | Normal | Uniform | KaimingNormal
