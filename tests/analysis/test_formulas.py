"""Formulas with names and with numbers of a real node."""

from __future__ import annotations

import unicodedata

import numpy as np

from resdebug.analysis.formulas import (
    contribution_formula,
    contribution_numbers,
    forward_formula,
    forward_numbers,
    reason,
    sum_numbers,
)
from resdebug.passes.protocol import Pass
from tests.support import Builder, block, two_path


def contributions(pass_: Pass, node: str) -> list[str]:
    return [unicodedata.normalize("NFC", contribution_formula(pass_.network, e)) for e in pass_.arrivals(node)]


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def test_names_are_filled_in() -> None:
    p = two_path().run()
    assert forward_formula(p.network, p.network["d"]) == "d = a ⊙ c"
    assert contributions(p, "a") == [nfc("ā += d̄ ⊙ c"), nfc("ā += c̄")]


def test_numbers_are_filled_in() -> None:
    p = two_path().run()
    assert forward_numbers(p, p.network["d"]) == "28 = 4 ⊙ 7"
    assert forward_numbers(p, p.network["a"]) == ""
    assert [contribution_numbers(p, e) for e in p.arrivals("a")] == ["1 ⊙ 7 = 7", "4"]


def test_an_addition_is_written_as_by_hand() -> None:
    assert sum_numbers([np.array(7.0), np.array(4.0)], np.array(11.0)) == "7 + 4 = 11"
    assert sum_numbers([np.array(7.0), np.array(-4.0)], np.array(3.0)) == "7 − 4 = 3"
    assert sum_numbers([np.array(7.0)], np.array(7.0)) == "7"
    assert sum_numbers([np.zeros(9)] * 2, np.zeros(9)) == ""


def test_empty_slots_and_attributes() -> None:
    p = block().run()
    assert forward_formula(p.network, p.network["conv1"]) == "conv1 = conv(x, W1)"
    assert contributions(p, "W1") == [nfc("W̄1 += corr(x, conv1̄)")]
    assert contributions(p, "relu2") == [nfc("relu2̄ += loss̄ · 2(relu2 − t) / 18")]


def test_batch_norm_says_what_inference_leaves_out() -> None:
    training = block().run()
    assert "mean(g)" in contributions(training, "conv1")[0]
    b = Builder("s")
    b.leaf("x", np.ones((2, 3)))
    b.leaf("m", np.zeros(3), "constant")
    b.leaf("v", np.ones(3), "constant")
    b.add("n", "batch_norm", {"x": "x", "running_mean": "m", "running_var": "v"})
    b.add("s", "sum", {"x": "n"})
    inference = b.run()
    assert contributions(inference, "x") == [nfc("x̄ += n̄ / σ")]


def test_variadic_operators_name_their_inputs() -> None:
    b = Builder("s")
    b.leaf("p", [1.0])
    b.leaf("q", [2.0])
    b.add("c", "concat", {"x0": "p", "x1": "q"})
    b.add("s", "sum", {"x": "c"})
    run = b.run()
    assert forward_formula(run.network, run.network["c"]) == "c = concat(p, q), along dim 0"
    assert contributions(run, "q") == [nfc("q̄ += the part of c̄ that came from q")]


def test_every_contribution_has_a_reason() -> None:
    p = block(projection=True).run()
    for node in p.network.nodes:
        for edge in p.arrivals(node.name):
            assert reason(p.network, edge)


def test_hostile_names_are_visible_in_formulas() -> None:
    b = Builder("d")
    b.leaf("\x1b[31ma", 1.0)
    b.add("d", "neg", {"x": "\x1b[31ma"})
    run = b.run()
    text = forward_formula(run.network, run.network["d"]) + contributions(run, "\x1b[31ma")[0]
    assert text.isprintable()
    assert "⟨U+001B⟩" in text
