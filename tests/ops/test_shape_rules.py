"""Shape rules refuse what forward could not do, say why with the shapes, and name the slot or attribute at fault."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from resdebug.network.signature import RuleBroken
from resdebug.network.types import TensorType
from resdebug.ops import CATALOGUE
from resdebug.ops.activations import Relu
from resdebug.ops.arithmetic import Add, Div, Mul, Sub
from resdebug.ops.base import Operator
from resdebug.ops.convolution import Conv2d
from resdebug.ops.linear_algebra import Linear, Matmul
from resdebug.ops.losses import CrossEntropy, MseLoss
from resdebug.ops.normalisation import BatchNorm, LayerNorm
from resdebug.ops.pooling import AvgPool2d, GlobalAvgPool, MaxPool2d
from resdebug.ops.reductions import Mean, Sum
from resdebug.ops.shaping import Concat, Flatten, Reshape, Transpose
from resdebug.ops.softmaxes import LogSoftmax, Softmax

Shape = tuple[int, ...] | None

# Each row: the operator, one shape per slot, the key that is blamed, and what the message and the hint must hold.
REFUSED: list[tuple[Operator, list[Shape], str, list[str], str]] = [
    (Add(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Sub(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Mul(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Div(), [(2, 3), (2, 4)], "b", ["(2,3)", "(2,4)"], "equal"),
    (Add(), [(3, 1, 2), (2, 2, 2)], "b", ["(3,1,2)", "(2,2,2)"], "one of them 1"),
    (Matmul(), [(2, 3), (4, 2)], "b", ["(2,3)", "(4,2)", "3 and 4"], "(…, n, k) · (…, k, m)"),
    (Matmul(), [(3,), (4,)], "b", ["(3)", "(4)"], "gives"),
    (Matmul(), [(2, 3), (2,)], "b", ["(2,3)", "(2)"], "gives"),
    (Matmul(), [(), (3,)], "a", ["()", "(3)"], "mul"),
    (Matmul(), [(3,), ()], "b", ["()", "(3)"], "mul"),
    (Matmul(), [(2, 3, 4), (3, 4, 5)], "b", ["(2,3,4)", "(3,4,5)", "leading"], ""),
    (Linear(), [(2, 3), (5, 4), None], "weight", ["(2,3)", "(5,4)"], "must be 4"),
    (Linear(), [(2, 3), (3,), None], "weight", ["(3)"], "(out features, in features)"),
    (Linear(), [(), (5, 4), None], "weight", ["()", "(5,4)"], "(out, in)"),
    (Linear(), [(2, 3), (5, 3), (3,)], "bias", ["(3)", "(5,3)"], "bias is (5)"),
    (Linear(), [(2, 3), (5, 3), (1,)], "bias", ["(1)", "(5,3)"], "bias is (5)"),
    (Conv2d(), [(3, 4, 4), (2, 3, 3, 3), None], "x", ["(3,4,4)"], "(N, C, H, W)"),
    (Conv2d(), [(1, 3, 4, 4), (2, 3, 3), None], "weight", ["(2,3,3)"], "(out, in / groups, kh, kw)"),
    (Conv2d(), [(1, 3, 4, 4), (2, 3, 0, 3), None], "weight", ["(2,3,0,3)"], "(out, in / groups, kh, kw)"),
    (Conv2d(), [(1, 3, 4, 4), (2, 4, 3, 3), None], "weight", ["(1,3,4,4)", "(2,4,3,3)", "takes 4"], "in / groups"),
    (Conv2d(groups=2), [(1, 4, 4, 4), (2, 4, 3, 3), None], "weight", ["(1,4,4,4)", "(2,4,3,3)", "takes 8"], "groups"),
    (Conv2d(groups=2), [(1, 3, 4, 4), (2, 1, 3, 3), None], "groups", ["(1,3,4,4)", "(2,1,3,3)", "2", "3"], "groups"),
    (Conv2d(groups=2), [(1, 4, 4, 4), (3, 2, 3, 3), None], "groups", ["(1,4,4,4)", "(3,2,3,3)"], "groups"),
    (Conv2d(), [(1, 1, 4, 4), (2, 1, 3, 3), (1,)], "bias", ["(1)", "(2,1,3,3)"], "bias is (2)"),
    (Conv2d(), [(1, 1, 2, 4), (2, 1, 3, 3), None], "weight", ["(3,3)", "(2,4)"], "smaller kernel or more padding"),
    (Conv2d(dilation=2, padding=1), [(1, 1, 2, 9), (1, 1, 3, 3), None], "weight", ["(5,5)", "(4,11)"], "padding"),
    (MaxPool2d(kernel_size=2), [(2, 4, 4)], "x", ["(2,4,4)"], "(N, C, H, W)"),
    (MaxPool2d(kernel_size=5), [(1, 1, 4, 4)], "kernel_size", ["(5,5)", "(4,4)"], "smaller kernel"),
    (MaxPool2d(kernel_size=2, padding=2), [(1, 1, 4, 4)], "padding", ["(2, 2)"], "2 · padding ≤ kernel_size"),
    (AvgPool2d(kernel_size=[2, 3], padding=[0, 2]), [(1, 1, 4, 4)], "padding", ["(0, 2)", "(2, 3)"], "kernel_size"),
    (AvgPool2d(kernel_size=3), [(1, 1, 4, 2)], "kernel_size", ["(3,3)", "(4,2)"], "smaller kernel"),
    (GlobalAvgPool(), [(2, 3)], "x", ["(2,3)"], "(N, C, H, W)"),
    (GlobalAvgPool(), [(2, 3, 0, 4)], "x", ["(2,3,0,4)"], "at least 1"),
    (BatchNorm(training=True), [(3,), None, None, None, None], "x", ["(3)"], "(N, C, ...)"),
    (BatchNorm(training=True), [(4, 3), (4,), None, None, None], "weight", ["(4,3)", "(4)"], "per channel: (3)"),
    (BatchNorm(training=True), [(4, 3), None, (1,), None, None], "bias", ["(4,3)", "(1)"], "per channel: (3)"),
    (BatchNorm(), [(4, 3), None, None, (4,), (3,)], "running_mean", ["(4,3)", "(4)"], "per channel: (3)"),
    (BatchNorm(), [(4, 3), None, None, (3,), (3, 1)], "running_var", ["(4,3)", "(3,1)"], "per channel: (3)"),
    (BatchNorm(), [(4, 3), None, None, None, None], "training", ["running_mean", "running_var"], '"training": true'),
    (BatchNorm(), [(4, 3), None, None, (3,), None], "training", ["running_mean", "running_var"], '"training": true'),
    (BatchNorm(training=True), [(1, 3), None, None, None, None], "x", ["(1,3)"], "larger batch"),
    (BatchNorm(training=True), [(0, 3, 2), None, None, None, None], "x", ["(0,3,2)"], "larger batch"),
    (LayerNorm(normalized_shape=3), [(2, 4), None, None], "normalized_shape", ["(2,4)", "(3)"], "sizes"),
    (LayerNorm(normalized_shape=[2, 3, 4]), [(3, 4), None, None], "normalized_shape", ["(3,4)", "(2,3,4)"], "sizes"),
    (LayerNorm(normalized_shape=[]), [(3, 4), None, None], "normalized_shape", ["(3,4)", "()"], "sizes"),
    (LayerNorm(normalized_shape=0), [(3, 0), None, None], "normalized_shape", ["(3,0)", "(0)"], "sizes"),
    (LayerNorm(normalized_shape=4), [(3, 4), (3,), None], "weight", ["(3)", "(4)"], "equal"),
    (LayerNorm(normalized_shape=4), [(3, 4), None, (1,)], "bias", ["(1)", "(4)"], "equal"),
    (Reshape(shape=[2, 2]), [(2, 3)], "shape", ["(2,3)", "6", "[2, 2]"], "takes 4"),
    (Reshape(shape=[-1, -1]), [(2, 3)], "shape", ["[-1, -1]"], "only one"),
    (Reshape(shape=[-1, 4]), [(2, 3)], "shape", ["(2,3)", "[-1, 4]"], "multiple of 4"),
    (Reshape(shape=[-1, 0]), [(0, 3)], "shape", ["(0,3)", "[-1, 0]"], "multiple"),
    (Flatten(start_dim=2), [(2, 3)], "start_dim", ["start_dim 2", "2 dimensions"], "from -2 to 1"),
    (Flatten(end_dim=-3), [(2, 3)], "end_dim", ["end_dim -3"], "from -2 to 1"),
    (Flatten(start_dim=1, end_dim=0), [(2, 3)], "start_dim", ["start_dim 1", "end_dim 0"], ""),
    (Transpose(dim0=0, dim1=2), [(2, 3)], "dim1", ["dim1 2"], "from -2 to 1"),
    (Transpose(dim0=0, dim1=0), [()], "dim0", ["dim0 0"], "scalar"),
    (Concat(), [(2, 3), (2, 4)], "x1", ["(2,3)", "(2,4)"], "axis 0 only"),
    (Concat(dim=1), [(2, 3), (2, 4), (3, 3)], "x2", ["(2,3)", "(3,3)"], "axis 1 only"),
    (Concat(), [(2,), (2, 2)], "x1", ["(2)", "(2,2)"], "axis 0 only"),
    (Concat(dim=1), [(2, 3), (2,)], "x1", ["(2,3)", "(2)"], "axis 1 only"),
    (Concat(dim=2), [(2, 3), (2, 3)], "dim", ["dim 2", "2 dimensions"], "from -2 to 1"),
    (Concat(), [(), ()], "dim", ["dim 0"], "scalar"),
    (Sum(dim=2), [(2, 3)], "dim", ["dim 2", "2 dimensions"], "from -2 to 1"),
    (Sum(dim=[0, -2]), [(2, 3)], "dim", ["[0, -2]", "twice"], ""),
    (Sum(dim=0), [()], "dim", ["dim 0"], "scalar"),
    (Mean(dim=-3), [(2, 3)], "dim", ["dim -3"], "from -2 to 1"),
    (Mean(), [(0, 3)], "x", ["(0,3)", "mean of nothing"], "at least size 1"),
    (Mean(dim=1), [(2, 0)], "x", ["(2,0)", "mean of nothing"], "at least size 1"),
    (Softmax(dim=2), [(2, 3)], "dim", ["dim 2"], "from -2 to 1"),
    (Softmax(), [(2, 0)], "dim", ["(2,0)", "empty"], ""),
    (LogSoftmax(dim=0), [()], "dim", ["dim 0"], "scalar"),
    (CrossEntropy(), [(4, 3), (3,)], "target", ["(4,3)", "(3)"], "(4)"),
    (CrossEntropy(), [(4, 3), (4, 3)], "target", ["(4,3)"], "one class index per example: (4)"),
    (CrossEntropy(), [(2, 3, 5, 5), (2, 5)], "target", ["(2,3,5,5)", "(2,5)"], "(2,5,5)"),
    (CrossEntropy(), [(), ()], "x", ["scalar"], "(N, C) or (C)"),
    (CrossEntropy(), [(4, 0), (4,)], "x", ["(4,0)", "no classes"], ""),
    (CrossEntropy(), [(0, 3), (0,)], "x", ["mean of nothing"], "sum"),
    (MseLoss(), [(2, 3), (3,)], "target", ["(2,3)", "(3)"], "same shape"),
    (MseLoss(), [(2, 3), (2, 1)], "target", ["(2,3)", "(2,1)"], "same shape"),
    (MseLoss(), [(0,), (0,)], "x", ["(0)", "mean of nothing"], "sum"),
]


@pytest.mark.parametrize(
    ("operator", "shapes", "key", "said", "hint"),
    REFUSED,
    ids=[f"{row[0].op()}-{row[2]}-{i}" for i, row in enumerate(REFUSED)],
)
def test_a_broken_rule_is_named(operator: Operator, shapes: list[Shape], key: str, said: list[str], hint: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        operator.infer(*(None if shape is None else TensorType(shape) for shape in shapes))
    broken = caught.value
    assert broken.key == key
    assert [part for part in said if part not in broken.what] == []
    assert hint in broken.hint
    assert str(broken) == broken.what
    # The key is a slot or an attribute of this very operator, so that the place in a file can be found.
    slots = {operator.slot(i, len(shapes)).name for i in range(len(shapes))}
    assert key in slots | set(operator.__struct_fields__)


def test_every_operator_with_a_rule_to_break_is_here() -> None:
    elementwise = {"identity", "neg", "scale", "pow", "exp", "log", "sqrt", "relu", "tanh", "sigmoid"}
    leaves = {"input", "parameter", "constant"}
    assert {row[0].op() for row in REFUSED} == set(CATALOGUE) - elementwise - leaves


def test_concat_refuses_two_element_types() -> None:
    with pytest.raises(RuleBroken) as caught:
        Concat().infer(TensorType((2,), "float64"), TensorType((2,), "int64"))
    assert (caught.value.key, caught.value.what) == ("x1", "x0 is float64 and x1 is int64")


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1, 1, 1, 1)])
def test_elementwise_operators_take_any_shape(shape: tuple[int, ...]) -> None:
    assert Relu().infer(TensorType(shape, "float32")) == TensorType(shape, "float32")


@pytest.mark.parametrize(
    ("op", "attributes", "said"),
    [
        ("conv2d", {"stride": 0}, "stride"),
        ("conv2d", {"stride": [1, 0]}, "stride"),
        ("conv2d", {"stride": [1, 1, 1]}, "stride"),
        ("conv2d", {"stride": [1]}, "stride"),
        ("conv2d", {"stride": -1}, "stride"),
        ("conv2d", {"stride": 1.5}, "stride"),
        ("conv2d", {"stride": True}, "stride"),
        ("conv2d", {"stride": None}, "stride"),
        ("conv2d", {"padding": -1}, "padding"),
        ("conv2d", {"padding": [0, -1]}, "padding"),
        ("conv2d", {"padding": "same"}, "padding"),
        ("conv2d", {"dilation": 0}, "dilation"),
        ("conv2d", {"groups": 0}, "groups"),
        ("conv2d", {"groups": [1, 1]}, "groups"),
        ("max_pool2d", {}, "kernel_size"),
        ("max_pool2d", {"kernel_size": 0}, "kernel_size"),
        ("max_pool2d", {"kernel_size": 2, "stride": 0}, "stride"),
        ("avg_pool2d", {"kernel_size": [2, 0]}, "kernel_size"),
        ("avg_pool2d", {"kernel_size": 2, "count_include_pad": 1}, "count_include_pad"),
        ("batch_norm", {"eps": -1e-5}, "eps"),
        ("batch_norm", {"training": "yes"}, "training"),
        ("layer_norm", {}, "normalized_shape"),
        ("layer_norm", {"normalized_shape": -1}, "normalized_shape"),
        ("layer_norm", {"normalized_shape": [3, -1]}, "normalized_shape"),
        ("reshape", {}, "shape"),
        ("reshape", {"shape": [2, -2]}, "shape"),
        ("reshape", {"shape": 6}, "shape"),
        ("transpose", {"dim0": 0}, "dim1"),
        ("scale", {}, "factor"),
        ("scale", {"factor": "2"}, "factor"),
        ("pow", {"exponent": None}, "exponent"),
        ("sum", {"dim": "all"}, "dim"),
        ("sum", {"dim": [0.0]}, "dim"),
        ("cross_entropy", {"reduction": "max"}, "reduction"),
        ("mse_loss", {"reduction": None}, "reduction"),
    ],
)
def test_attributes_of_the_wrong_kind_are_refused(op: str, attributes: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(attributes, CATALOGUE[op])


def test_one_number_stands_for_both_axes() -> None:
    x, weight = TensorType((1, 2, 9, 9)), TensorType((2, 2, 3, 3))
    for attribute in ("stride", "padding", "dilation"):
        single = msgspec.convert({attribute: 2}, Conv2d)
        double = msgspec.convert({attribute: [2, 2]}, Conv2d)
        assert single.infer(x, weight) == double.infer(x, weight)
    # ⌊(9 + 2·2 − 2·(3 − 1) − 1) / 2⌋ + 1 = 5.
    everything = Conv2d(stride=2, padding=2, dilation=2)
    assert everything.infer(x, weight).shape == (1, 2, 5, 5)


def test_pooling_strides_by_its_kernel_unless_told() -> None:
    x = TensorType((1, 1, 6, 6))
    assert MaxPool2d(kernel_size=[2, 3]).infer(x).shape == (1, 1, 3, 2)
    assert MaxPool2d(kernel_size=[2, 3], stride=1).infer(x).shape == (1, 1, 5, 4)


def test_a_huge_reach_is_refused_before_any_memory_is_taken() -> None:
    with pytest.raises(RuleBroken, match="kernel reaches over"):
        Conv2d(dilation=1 << 31).infer(TensorType((1, 1, 4, 4)), TensorType((1, 1, 3, 3)))
