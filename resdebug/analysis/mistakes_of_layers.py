"""Mistakes in the rules of layers: products, convolutions, normalisations, poolings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np

from resdebug.analysis.mistakes import Mistake, Sender, Wrong
from resdebug.ops.base import Array, unbroadcast
from resdebug.ops.batch_normalisation import BatchNorm
from resdebug.ops.convolution import Conv
from resdebug.ops.global_pooling import GlobalAvgPool
from resdebug.ops.group_normalisation import GroupNorm, InstanceNorm
from resdebug.ops.linear_algebra import Linear, Matmul
from resdebug.ops.normalisation import LayerNorm, mean_over, per_channel, standardised
from resdebug.ops.pooling import AvgPool, AvgPool1d, AvgPool2d, AvgPool3d, MaxPool
from resdebug.ops.reductions import Mean

NORMS: Final = (BatchNorm, InstanceNorm, GroupNorm, LayerNorm)
SUMMED: Final = ("weight", "bias")


def _transpose(sender: Sender) -> Iterator[Wrong]:
    operator = sender.operator
    if isinstance(operator, Linear):
        weight = sender.inputs[1]
        if weight is not None and weight.shape[0] == weight.shape[1] > 1:
            if sender.slot == "x":
                yield Wrong(lambda ybar: np.matmul(ybar, weight.T), "x̄ = ȳ · Wᵀ in place of ȳ · W")
            elif sender.slot == "weight":
                yield Wrong(lambda ybar: sender.right(ybar).T, "xᵀ · ȳ in place of ȳᵀ · x")
    elif isinstance(operator, Matmul):
        yield from _of_product(sender)


def _of_product(sender: Sender) -> Iterator[Wrong]:
    a, b = sender.inputs
    if a is None or b is None or min(a.ndim, b.ndim) < 2:
        return
    shape = sender.x.shape
    if shape[-1] == shape[-2] > 1:
        yield Wrong(lambda ybar: np.swapaxes(sender.right(ybar), -1, -2), "the result is transposed")
    other, left = (b, False) if sender.slot == "a" else (a, True)
    if other.shape[-1] == other.shape[-2] > 1:

        def plain(ybar: Array) -> Array:
            return unbroadcast(np.matmul(other, ybar) if left else np.matmul(ybar, other), shape)

        yield Wrong(plain, "aᵀ is not transposed" if left else "bᵀ is not transposed")


def _flip(sender: Sender) -> Iterator[Wrong]:
    if not isinstance(sender.operator, Conv) or sender.slot not in {"x", "weight"}:
        return
    weight = sender.inputs[1]
    if weight is None or math.prod(weight.shape[2:]) < 2:
        return
    axes = tuple(range(2, weight.ndim))
    if sender.slot == "weight":
        yield Wrong(lambda ybar: np.flip(sender.right(ybar), axes), "the kernel's gradient is mirrored")
    else:
        mirrored = [sender.inputs[0], np.flip(weight, axes), *sender.inputs[2:]]
        yield Wrong(lambda ybar: sender.with_inputs(ybar, sender.y, mirrored), "the kernel is not mirrored")


def _channels(sender: Sender) -> Iterator[Wrong]:
    if not isinstance(sender.operator, Conv) or sender.operator.groups != 1 or sender.slot not in {"x", "weight"}:
        return
    weight = sender.inputs[1]
    if weight is None or weight.shape[0] != weight.shape[1] or weight.shape[0] < 2:
        return
    if sender.slot == "weight":
        yield Wrong(lambda ybar: np.swapaxes(sender.right(ybar), 0, 1))
    else:
        swapped = [sender.inputs[0], np.swapaxes(weight, 0, 1), *sender.inputs[2:]]
        yield Wrong(lambda ybar: sender.with_inputs(ybar, sender.y, swapped))


def _batch(sender: Sender) -> int:
    """Return how many examples a parameter's contribution is summed over; 0 where there is no such sum."""
    if sender.slot not in SUMMED or sender.edge.position == 0 or not sender.first.ndim:
        return 0
    count = sender.first.shape[0]
    return count if count > 1 and sender.node.shape[:1] == (count,) else 0


def _one_example(sender: Sender) -> Iterator[Wrong]:
    count = _batch(sender)
    if not count:
        return

    def only(k: int) -> Wrong:
        def send(ybar: Array) -> Array:
            masked = np.zeros(ybar.shape, ybar.dtype)
            masked[k] = ybar[k]
            return sender.right(masked)

        return Wrong(send, "the last" if k else "the first")

    yield only(count - 1)
    yield only(0)


def _batch_mean(sender: Sender) -> Iterator[Wrong]:
    count = _batch(sender)
    if count:
        yield Wrong(lambda ybar: sender.right(ybar) / count, str(count))


def _batch_total(sender: Sender) -> Iterator[Wrong]:
    count = _batch(sender)
    if count:
        yield Wrong(lambda ybar: sender.right(ybar) * count, str(count))


def _places_mean(sender: Sender) -> Iterator[Wrong]:
    places = math.prod(sender.first.shape[2:]) if sender.slot in SUMMED and sender.first.ndim > 2 else 1
    if places > 1 and sender.edge.position:
        yield Wrong(lambda ybar: sender.right(ybar) / places, str(places))


def _wrong_axis(sender: Sender) -> Iterator[Wrong]:
    if sender.slot != "bias" or len(sender.source.shape) != 1:
        return
    size, shape = sender.source.shape[0], sender.node.shape
    channel = len(shape) - 1 if isinstance(sender.operator, Linear | LayerNorm) else 1
    for axis in range(len(shape)):
        if axis != channel and shape[axis] == size > 1:
            others = tuple(k for k in range(len(shape)) if k != axis)
            named = ", ".join(map(str, others))
            right = ", ".join(str(k) for k in range(len(shape)) if k != channel)
            yield Wrong(lambda ybar, others=others: np.sum(ybar, axis=others), f"{named} in place of {right}")  # type: ignore[misc]


def _axes(sender: Sender) -> tuple[int, ...] | None:
    """Return the axes of the input's own statistics, as the operator groups it; None where it has none."""
    operator = sender.operator
    if isinstance(operator, BatchNorm | InstanceNorm):
        return operator.over(sender.first.ndim)
    if isinstance(operator, GroupNorm):
        return (2,)
    return operator.axes if isinstance(operator, LayerNorm) else None


def _scaled(sender: Sender, ybar: Array) -> Array:
    """Return the adjoint of x̂, grouped as the operator does."""
    weight = sender.inputs[1]
    if weight is not None:
        ybar = ybar * (weight if isinstance(sender.operator, LayerNorm) else per_channel(weight, sender.first))
    return sender.operator.grouped(ybar) if isinstance(sender.operator, GroupNorm) else ybar


def _statistics(sender: Sender) -> Iterator[Wrong]:
    operator, axes = sender.operator, _axes(sender)
    if not isinstance(operator, BatchNorm | InstanceNorm | GroupNorm | LayerNorm) or sender.slot != "x" or axes is None:
        return

    def send(ybar: Array, *, mean: bool, variance: bool) -> Array:
        x = sender.first
        grouped = operator.grouped(x) if isinstance(operator, GroupNorm) else x
        normal, inverse = standardised(grouped, axes, operator.eps)
        scaled = _scaled(sender, ybar)
        sent = scaled
        if mean:
            sent = sent - mean_over(scaled, axes)
        if variance:
            sent = sent - normal * mean_over(scaled * normal, axes)
        return (sent * inverse).reshape(x.shape)

    yield Wrong(lambda ybar: send(ybar, mean=False, variance=False), "those of mean and variance")
    yield Wrong(lambda ybar: send(ybar, mean=True, variance=False), "that of the variance")
    yield Wrong(lambda ybar: send(ybar, mean=False, variance=True), "that of the mean")


def _unscaled(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, NORMS) and sender.slot == "x" and sender.inputs[1] is not None:
        without = [sender.inputs[0], None, *sender.inputs[2:]]
        yield Wrong(lambda ybar: sender.with_inputs(ybar, sender.y, without))


def _unnormalised(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, NORMS) and sender.slot == "weight":
        over = (0, *range(2, sender.first.ndim))
        if isinstance(sender.operator, LayerNorm):
            over = tuple(range(sender.first.ndim - len(sender.operator.tail)))
        yield Wrong(lambda ybar: np.sum(ybar * sender.first, axis=over))


def _spread(sender: Sender) -> Iterator[Wrong]:
    operator = sender.operator
    if not isinstance(operator, MaxPool) or operator.window.dilation != (1,) * operator.axes:
        return
    kind = {1: AvgPool1d, 2: AvgPool2d, 3: AvgPool3d}[operator.axes]
    means = kind(
        kernel_size=operator.kernel_size, stride=operator.stride, padding=operator.padding, ceil_mode=operator.ceil_mode
    )
    yield Wrong(lambda ybar: means.vjp_x(ybar, sender.y, sender.first))


def _undivided(sender: Sender) -> Iterator[Wrong]:
    operator, x = sender.operator, sender.first
    count = 1
    if isinstance(operator, Mean):
        count = operator.count(x.shape)
    elif isinstance(operator, GlobalAvgPool):
        count = math.prod(x.shape[2:])
    elif isinstance(operator, AvgPool):
        count = math.prod(operator.kernel)
    if count > 1:
        yield Wrong(lambda ybar: sender.right(ybar) * count, str(count))


def _other_piece(sender: Sender) -> Iterator[Wrong]:
    if sender.node.op not in {"concat", "stack"}:
        return
    for edge in sender.node.inputs:
        if edge is not None and edge.position != sender.edge.position:
            other = Sender(sender.pass_, edge)
            if other.source.shape == sender.source.shape:
                yield Wrong(other.right, f"that of slot {other.slot}")


def wrong_sums(ybar: Array, shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Yield every sum of ``ȳ`` over some axes that has ``shape``, with the axes."""
    for count in range(ybar.ndim + 1):
        for axes in combinations(range(ybar.ndim), count):
            if tuple(n for k, n in enumerate(ybar.shape) if k not in axes) == shape:
                yield axes, np.sum(ybar, axis=axes)


LAYERS: Final = (
    Mistake(
        "transpose-missing",
        "a transpose is missing in what {node} sends through {slot} to {source} ({detail})",
        "the adjoint of a matrix product takes the other factor transposed",
        made=_transpose,
    ),
    Mistake(
        "kernel-not-flipped",
        "{node} does not flip its kernel in what it sends through {slot} to {source} ({detail})",
        "the adjoint of a convolution slides the kernel mirrored in all axes of places",
        made=_flip,
    ),
    Mistake(
        "channels-not-swapped",
        "{node} has input and output channels the wrong way round in what it sends through {slot} to {source}",
        "on the way back the kernel's first two axes change places",
        made=_channels,
    ),
    Mistake(
        "batch-not-summed",
        "{node} sends {source} the contribution of one example only, {detail}: the sum over the batch is missing",
        "add up over all examples; in a loop over the batch use +=",
        made=_one_example,
    ),
    Mistake(
        "mean-twice",
        "what {node} sends to {source} is divided by the batch size {detail} once more: the mean is taken twice",
        "the loss has divided already; sum over the batch",
        made=_batch_mean,
    ),
    Mistake(
        "batch-multiplied",
        "what {node} sends to {source} is {detail} times too large: the batch size is missing as a divisor",
        "a loss that is a mean divides its own adjoint; everything after it only sums",
        made=_batch_total,
    ),
    Mistake(
        "places-averaged",
        "what {node} sends through {slot} to {source} is averaged over the {detail} places in place of summed",
        "a parameter used at every place gets the sum over all of them",
        made=_places_mean,
    ),
    Mistake(
        "bias-axis",
        "{node} sums the bias gradient of {source} over the wrong axes: {detail}",
        "sum over all axes but that of the features or channels",
        made=_wrong_axis,
    ),
    Mistake(
        "statistics-forgotten",
        "{node} treats its statistics as constants in what it sends to {source}: terms are missing, {detail}",
        "mean and variance depend on x too: x̄ = (g − mean(g) − x̂ ⊙ mean(g ⊙ x̂)) / σ",
        made=_statistics,
    ),
    Mistake(
        "scale-forgotten",
        "{node} forgets its weight (γ) in what it sends through {slot} to {source}",
        "multiply the adjoint by γ before it goes through the normalisation",
        made=_unscaled,
    ),
    Mistake(
        "not-normalised",
        "{node} takes x in place of x̂ for the gradient of {source}",
        "γ̄ = Σ ȳ ⊙ x̂ with the normalised values",
        made=_unnormalised,
    ),
    Mistake(
        "pool-spread",
        "{node} spreads the adjoint over the whole window in what it sends to {source}, as an average would",
        "only the largest element of a window had any influence: it takes all",
        made=_spread,
    ),
    Mistake(
        "mean-not-divided",
        "{node} does not divide by the {detail} elements of its mean in what it sends to {source}",
        "every element of a mean had the share 1/n",
        made=_undivided,
    ),
    Mistake(
        "wrong-piece",
        "{node} sends {source} the wrong piece of its adjoint, {detail}",
        "cut the adjoint where the inputs were joined, in the same order",
        made=_other_piece,
    ),
)
