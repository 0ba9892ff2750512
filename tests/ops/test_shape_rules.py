"""Shape rules refuse what forward could not do, say why with the shapes, and name the slot or attribute at fault."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from resdebug.network.signature import RuleBroken
from resdebug.network.types import TensorType
from resdebug.ops import CATALOGUE
from resdebug.ops.activations import Relu
from resdebug.ops.base import Operator
from resdebug.ops.convolution import Conv2d
from resdebug.ops.elementwise import Elementwise
from resdebug.ops.joining import Concat
from resdebug.ops.pooling import MaxPool2d
from tests.ops.cases import DIFFERENTIATED, REFUSED, WRONG
from tests.ops.cases.table import Shape


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
    anything = {op for op in DIFFERENTIATED if CATALOGUE[op].infer is Elementwise.infer}
    assert {row[0].op() for row in REFUSED} == set(DIFFERENTIATED) - anything


def test_concat_refuses_two_element_types() -> None:
    with pytest.raises(RuleBroken) as caught:
        Concat().infer(TensorType((2,), "float64"), TensorType((2,), "int64"))
    assert (caught.value.key, caught.value.what) == ("x1", "x0 is float64 and x1 is int64")


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1, 1, 1, 1)])
def test_elementwise_operators_take_any_shape(shape: tuple[int, ...]) -> None:
    assert Relu().infer(TensorType(shape, "float32")) == TensorType(shape, "float32")


@pytest.mark.parametrize(("op", "attributes", "said"), WRONG, ids=str)
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
