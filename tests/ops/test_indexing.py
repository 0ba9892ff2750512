"""Picking by an index: rows that are picked twice, the padding row, and indices that do not exist."""

from __future__ import annotations

import numpy as np
import pytest

from resdebug.ops.indexing import Embedding, Gather

TABLE = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
INDEX = np.array([2, 0, 2])
YBAR = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])


def test_a_row_that_is_picked_twice_gets_both_adjoints_added() -> None:
    # Row 2 is picked first and last: 1 + 4 and 10 + 40; row 1 never.
    found = Embedding().vjp_weight(YBAR, TABLE[INDEX], INDEX, TABLE)
    assert np.array_equal(found, [[2, 20], [0, 0], [5, 50]])


def test_the_padding_row_gets_nothing_though_it_is_picked() -> None:
    operator = Embedding(padding_idx=2)
    assert np.array_equal(operator.forward(INDEX, TABLE), TABLE[INDEX])
    assert np.array_equal(operator.vjp_weight(YBAR, TABLE[INDEX], INDEX, TABLE), [[2, 20], [0, 0], [0, 0]])


def test_the_padding_row_is_pytorch_s() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison with it is skipped")
    weight = torch.from_numpy(TABLE.copy()).requires_grad_(True)
    torch.nn.functional.embedding(torch.from_numpy(INDEX), weight, 2).backward(torch.from_numpy(YBAR))
    found = Embedding(padding_idx=2).vjp_weight(YBAR, TABLE[INDEX], INDEX, TABLE)
    assert np.array_equal(found, weight.grad.numpy())


@pytest.mark.parametrize(
    ("index", "message"), [([[0, 1], [3, 0]], r"index\[1, 0\] is 3"), ([[-1, 0]], r"index\[0, 0\] is -1")]
)
def test_an_index_that_does_not_exist_is_told_with_its_place(index: list[list[int]], message: str) -> None:
    with pytest.raises(IndexError, match=f"{message}, and there are 3 rows"):
        Embedding().forward(np.array(index), TABLE)
    with pytest.raises(IndexError, match=f"{message}, and there are 3 elements along dim 0"):
        Gather(dim=0).forward(TABLE, np.array(index))


def test_a_single_index_has_no_place() -> None:
    with pytest.raises(IndexError, match=r"^index is 7, and there are 3 rows$"):
        Embedding().forward(np.array(7), TABLE)
