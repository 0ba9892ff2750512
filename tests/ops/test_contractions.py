"""Contractions by hand: the diagonal, what is summed alone, and how an equation reads."""

from __future__ import annotations

import numpy as np

from resdebug.network.types import TensorType
from resdebug.ops.contractions import Einsum

A = np.array([[1.0, 2.0], [3.0, 4.0]])
V = np.array([5.0, 7.0])


def test_a_repeated_letter_takes_the_diagonal_and_its_adjoint_stands_there() -> None:
    # Σ a_ii v_i = 1·5 + 4·7 = 33.
    operator = Einsum(equation="ii,i->")
    y = operator.forward(A, V)
    assert y == 33
    assert np.array_equal(operator.vjp(0, np.array(2.0), y, [A, V]), [[10, 0], [0, 14]])
    assert np.array_equal(operator.vjp(1, np.array(2.0), y, [A, V]), [2, 8])


def test_what_is_summed_alone_gets_the_adjoint_in_every_place() -> None:
    # y_k = (1 + 2 + 3 + 4) v_k; all of a get Σ ȳ v = 1·5 + 10·7.
    operator = Einsum(equation="ij,k->k")
    y, ybar = operator.forward(A, V), np.array([1.0, 10.0])
    assert np.array_equal(y, [50, 70])
    assert np.array_equal(operator.vjp(0, ybar, y, [A, V]), np.full((2, 2), 75))
    assert np.array_equal(operator.vjp(1, ybar, y, [A, V]), [10, 100])


def test_one_tensor_in_two_places_is_two_operands() -> None:
    # Σ v² = 74, whose derivative 2v comes in two halves.
    operator = Einsum(equation="i,i->")
    y = operator.forward(V, V)
    halves = [operator.vjp(i, np.ones(()), y, [V, V]) for i in (0, 1)]
    assert y == 74
    assert np.array_equal(halves, [V, V])


def test_an_equation_reads_with_an_arrow() -> None:
    assert Einsum(equation="ij,jk->ik").words([TensorType((2, 2))] * 2) == {"equation": "ij, jk → ik"}
    assert Einsum(equation=" ii ").words([TensorType((2, 2))]) == {"equation": "ii"}
