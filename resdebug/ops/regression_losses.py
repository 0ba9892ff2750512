"""Losses that measure a distance."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from resdebug.network.signature import Slot
from resdebug.ops.base import Array
from resdebug.ops.losses import PairLoss

_OTHER = "the same with the other sign"


class DistanceLoss(PairLoss, frozen=True):
    """A loss of the difference between two tensors; a subclass gives it and its slope."""

    def cost(self, difference: Array) -> Array:
        """Return the single losses."""
        raise NotImplementedError

    def slope(self, difference: Array) -> Array:
        """Return the derivative of the single losses by the difference."""
        raise NotImplementedError

    def forward(self, x: Array, target: Array) -> Array:
        """Return the loss."""
        return self.reduce(self.cost(x - target))

    def vjp_x(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Return the slope, scaled."""
        return self.spread(ybar, x.size) * self.slope(x - target)

    def vjp_target(self, ybar: Array, y: Array, x: Array, target: Array) -> Array:
        """Return the slope with the other sign, scaled."""
        return self.spread(ybar, x.size) * -self.slope(x - target)


class MseLoss(DistanceLoss, frozen=True, tag="mse_loss"):
    """The squared difference: in regression and in autoencoders."""

    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} · 2({x} − {target})⟦ / {n}⟧", "the derivative of a square is twice its root"),
        Slot("target", "{target̄} += {ȳ} · 2({target} − {x})⟦ / {n}⟧", _OTHER),
    )
    formula: ClassVar[str] = "{y} = ⟦{Σ} ⟧({x} − {target})²⟦, mean over {n}⟧"

    def cost(self, difference: Array) -> Array:
        """Return the squares."""
        return difference * difference

    def slope(self, difference: Array) -> Array:
        """Return twice the difference."""
        return 2 * difference


class L1Loss(DistanceLoss, frozen=True, tag="l1_loss"):
    """The size of the difference: in regression with outliers, and between images."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("x", "{x̄} += {ȳ} · sign({x} − {target})⟦ / {n}⟧", "the slope is 1 on one side and −1 on the other"),
        Slot("target", "{target̄} += {ȳ} · sign({target} − {x})⟦ / {n}⟧", _OTHER),
    )
    formula: ClassVar[str] = "{y} = ⟦{Σ} ⟧|{x} − {target}|⟦, mean over {n}⟧"
    convention: ClassVar[str] = "the slope is 0 where both are equal, and NaN where the difference is (PyTorch: 0)"

    def cost(self, difference: Array) -> Array:
        """Return the sizes."""
        return np.abs(difference)

    def slope(self, difference: Array) -> Array:
        """Return the signs."""
        return np.sign(difference)


class HuberLoss(DistanceLoss, frozen=True, tag="huber_loss"):
    """A square near 0 that goes over into straight lines at ``delta``: in regression, and in reinforcement learning."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ} · clip({x} − {target}, −{delta}, {delta})⟦ / {n}⟧",
            "the slope of the square, which does not grow beyond delta",
        ),
        Slot("target", "{target̄} += {ȳ} · clip({target} − {x}, −{delta}, {delta})⟦ / {n}⟧", _OTHER),
    )
    formula: ClassVar[str] = (
        "{y} = ⟦{Σ} ⟧d²/2 where |d| ≤ {delta}, else {delta} · (|d| − {delta}/2)⟦, mean over {n}⟧,  d = {x} − {target}"
    )
    source: ClassVar[str] = "Huber 1964, Annals of Mathematical Statistics 35"
    delta: Annotated[float, msgspec.Meta(gt=0, description="where the square becomes a line")] = 1.0

    def cost(self, difference: Array) -> Array:
        """Return half the square, or the line."""
        delta = difference.dtype.type(self.delta)
        size = np.abs(difference)
        line: Array = delta * (size - delta / 2)
        return np.where(size <= delta, difference * difference / 2, line)

    def slope(self, difference: Array) -> Array:
        """Return the difference, held between −delta and delta."""
        delta = difference.dtype.type(self.delta)
        return np.minimum(np.maximum(difference, -delta), delta)


class SmoothL1Loss(DistanceLoss, frozen=True, tag="smooth_l1_loss"):
    """The size of the difference, with its kink at 0 rounded off within ``beta``: for boxes in object detection."""

    analytic: ClassVar[bool] = False
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot(
            "x",
            "{x̄} += {ȳ} · clip(({x} − {target}) / {beta}, −1, 1)⟦ / {n}⟧",
            "the slope goes from −1 to 1 within beta",
        ),
        Slot("target", "{target̄} += {ȳ} · clip(({target} − {x}) / {beta}, −1, 1)⟦ / {n}⟧", _OTHER),
    )
    formula: ClassVar[str] = (
        "{y} = ⟦{Σ} ⟧d² / (2 · {beta}) where |d| < {beta}, else |d| − {beta}/2⟦, mean over {n}⟧,  d = {x} − {target}"
    )
    convention: ClassVar[str] = "beta is above 0; l1_loss is what it goes to"
    source: ClassVar[str] = "Girshick 2015, arXiv 1504.08083, eq. 3"
    beta: Annotated[float, msgspec.Meta(gt=0, description="within which it is a square")] = 1.0

    def cost(self, difference: Array) -> Array:
        """Return the square, or the line."""
        beta = difference.dtype.type(self.beta)
        size = np.abs(difference)
        return np.where(size < beta, difference * difference / (2 * beta), size - beta / 2)

    def slope(self, difference: Array) -> Array:
        """Return the difference over beta, held between −1 and 1."""
        scaled = difference / difference.dtype.type(self.beta)
        return np.minimum(np.maximum(scaled, scaled.dtype.type(-1)), scaled.dtype.type(1))
