"""Mistakes in the rules of activations, elementwise arithmetic, softmax and losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from resdebug.analysis.mistakes import Mistake, Sender, Wrong
from resdebug.ops.activations import Relu, Relu6
from resdebug.ops.arithmetic import Binary, Div, Mul
from resdebug.ops.base import Array, unbroadcast
from resdebug.ops.elementwise import Elementwise, Identity, Neg
from resdebug.ops.losses import ClassLoss, CrossEntropy, Loss
from resdebug.ops.regression_losses import MseLoss
from resdebug.ops.softmaxes import LogSoftmax, Softmax, log_softmax

MASKS: Final = (Relu, Relu6)


def _mask_omitted(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, MASKS):
        yield Wrong(lambda ybar: ybar)


def _mask_of_adjoint(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, MASKS):
        yield Wrong(lambda ybar: np.where(ybar > 0, ybar, 0.0))


def _mask_of_both(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, MASKS):
        yield Wrong(lambda ybar: np.where(ybar > 0, sender.right(ybar), 0.0))


def _single(sender: Sender) -> bool:
    """Whether this is a function of one tensor whose derivative is neither 1 nor a mask."""
    operator = sender.operator
    return (
        isinstance(operator, Elementwise)
        and len(operator.slots) == 1
        and not isinstance(operator, (Identity, Neg, *MASKS))
    )


def _derivative_omitted(sender: Sender) -> Iterator[Wrong]:
    if _single(sender):
        yield Wrong(lambda ybar: ybar)


def _at_output(sender: Sender) -> Iterator[Wrong]:
    if _single(sender):
        yield Wrong(lambda ybar: sender.with_inputs(ybar, sender.y, [sender.y]), "the output in place of the input")
        yield Wrong(
            lambda ybar: sender.with_inputs(ybar, sender.first, [sender.first]), "the input in place of the output"
        )
        yield Wrong(
            lambda ybar: sender.with_inputs(ybar, _again(sender), [sender.y]), "the output, activated once more"
        )


def _again(sender: Sender) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(sender.operator.forward(sender.y))


def _own_factor(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, Mul):
        x = sender.x
        yield Wrong(lambda ybar: unbroadcast(ybar * x, x.shape))


def _divisor(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, Div):
        a, b = sender.inputs
        if a is None or b is None:
            return
        if sender.slot == "a":
            yield Wrong(lambda ybar: unbroadcast(ybar * b, a.shape), "multiplied by b in place of divided")
        else:
            yield Wrong(lambda ybar: unbroadcast(-ybar * a / b, b.shape), "b in place of b²")


def _copies_averaged(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, Binary) and sender.source.shape != sender.node.shape and sender.source.type.size:
        count = sender.node.type.size // sender.source.type.size
        if count > 1:
            yield Wrong(lambda ybar: sender.right(ybar) / count, str(count))


def _diagonal(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, Softmax):
        yield Wrong(lambda ybar: ybar * sender.y * (1 - sender.y))
    elif isinstance(sender.operator, LogSoftmax):
        yield Wrong(lambda ybar: ybar * (1 - np.exp(sender.y)))


def _one_hot(sender: Sender) -> Iterator[Wrong]:
    operator = sender.operator
    if (
        not isinstance(operator, CrossEntropy)
        or sender.slot != "x"
        or (len(sender.inputs) > 2 and sender.inputs[2] is not None)
    ):
        return
    x, target = sender.first, sender.inputs[1]
    if target is None or operator.ignore_index is not None:
        return
    axis = operator.axis(x.ndim)

    def send(ybar: Array) -> Array:
        truth: Any = operator.truth(x, target, None)
        each = operator.each(ybar, truth.divisor, axis)
        return np.asarray(np.exp(log_softmax(x, axis)) * each)

    yield Wrong(send)


def _two(sender: Sender) -> Iterator[Wrong]:
    if isinstance(sender.operator, MseLoss):
        yield Wrong(lambda ybar: sender.right(ybar) / 2)


def _loss_factors(sender: Sender) -> Iterator[Wrong]:
    operator, x = sender.operator, sender.first
    if not isinstance(operator, Loss) or operator.reduction != "mean" or not x.ndim:
        return
    batch = x.shape[0]
    losses = x.size
    if isinstance(operator, ClassLoss):
        losses //= max(1, x.shape[operator.axis(x.ndim)])
    factors = {
        float(losses): f"not divided by its {losses} elements",
        losses / batch if batch else 1.0: f"divided by the batch size {batch} in place of its {losses} elements",
        1.0 / batch if batch else 1.0: f"divided by the batch size {batch} once more: the mean is taken twice",
        1.0 / losses if losses else 1.0: f"divided by its {losses} elements once more: the mean is taken twice",
        batch / losses if losses else 1.0: f"divided by {losses // max(batch, 1)} once more",
    }
    for factor, detail in factors.items():
        if factor != 1.0:
            yield Wrong(lambda ybar, factor=factor: sender.right(ybar) * factor, detail)  # type: ignore[misc]


def _loss_sums(sender: Sender) -> Iterator[Wrong]:
    operator, x = sender.operator, sender.first
    if isinstance(operator, Loss) and operator.reduction == "sum" and x.ndim and x.shape[0] > 1:
        count = x.shape[0]
        yield Wrong(lambda ybar: sender.right(ybar) / count, str(count))


FUNCTIONS: Final = (
    Mistake(
        "relu-mask-omitted",
        "{node} passes the adjoint to {source} everywhere: the ReLU mask is omitted",
        "pass it only where the saved input was positive",
        made=_mask_omitted,
    ),
    Mistake(
        "relu-mask-from-adjoint",
        "{node} takes its ReLU mask from the adjoint of its output in what it sends to {source}",
        "the mask is where the saved input was positive, whatever the adjoint's sign",
        made=_mask_of_adjoint,
    ),
    Mistake(
        "relu-mask-from-both",
        "{node} also stops negative adjoints in what it sends to {source} (guided backpropagation)",
        "the mask is where the saved input was positive, and nothing else",
        made=_mask_of_both,
    ),
    Mistake(
        "derivative-omitted",
        "{node} passes the adjoint to {source} unchanged: its derivative is omitted",
        "multiply by the derivative at the saved value",
        made=_derivative_omitted,
    ),
    Mistake(
        "derivative-elsewhere",
        "{node} takes its derivative at the wrong place in what it sends to {source}: {detail}",
        "look at which saved value the formula means",
        made=_at_output,
    ),
    Mistake(
        "own-factor",
        "{node} multiplies the adjoint by {source} itself in place of the other factor",
        "the derivative of a·b by a is b",
        made=_own_factor,
    ),
    Mistake(
        "quotient-rule",
        "{node} has the quotient rule wrong in what it sends to {source}: {detail}",
        "(a/b)' by a is 1/b, by b it is −a/b²",
        made=_divisor,
    ),
    Mistake(
        "copies-averaged",
        "what {node} sends to {source} is averaged over its {detail} copies in place of summed",
        "an input that was broadcast gets the sum over its copies",
        made=_copies_averaged,
    ),
    Mistake(
        "softmax-diagonal",
        "{node} uses the diagonal of the softmax Jacobian only in what it sends to {source}",
        "raising one logit lowers all other probabilities: x̄ = y ⊙ (ȳ − Σ ȳ ⊙ y)",
        made=_diagonal,
    ),
    Mistake(
        "truth-not-subtracted",
        "{node} sends {source} the probabilities without what is true taken off",
        "x̄ = (softmax(x) − onehot(target)) / n",
        made=_one_hot,
    ),
    Mistake(
        "factor-two",
        "the factor 2 of the squared error is missing in what {node} sends to {source}",
        "the derivative of (x − t)² is 2 (x − t), unless the loss has a 1/2",
        made=_two,
    ),
    Mistake(
        "loss-mean",
        "what the loss {node} sends to {source} is {detail}",
        "a mean divides by what it counts, once",
        made=_loss_factors,
    ),
    Mistake(
        "loss-sum-divided",
        "what the loss {node} sends to {source} is divided by the batch size {detail}, though the loss is a sum",
        "leave the division out, or make the loss a mean",
        made=_loss_sums,
    ),
)
