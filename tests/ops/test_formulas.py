"""Every operator explains itself, in templates that can be filled for any node; and filling works as it says."""

from __future__ import annotations

import inspect
import re
import unicodedata
from typing import ClassVar, Literal

import pytest

from resdebug.network.signature import LEAVES, Slot
from resdebug.network.types import TensorType
from resdebug.ops import CATALOGUE, FAMILIES
from resdebug.ops.base import Operator
from resdebug.ops.formula import bar, fill, placeholders
from tests.ops.cases import CASES, DIFFERENTIATED
from tests.ops.cases.table import Case


def templates(name: str) -> list[str]:
    kind = CATALOGUE[name]
    return [kind.formula, *(slot.contribution for slot in kind.slots if slot.differentiable)]


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_operator_has_a_formula_and_a_docstring(name: str) -> None:
    kind = CATALOGUE[name]
    assert kind.op() == name
    assert kind.formula.startswith("{y}")
    text = kind.__dict__.get("__doc__") or ""
    assert text.strip().endswith((".", ")"))
    assert kind.slots or name in LEAVES


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_a_differentiable_slot_has_its_contribution_and_a_reason(name: str) -> None:
    kind = CATALOGUE[name]
    for slot, rule in zip(kind.slots, kind.vjps, strict=True):
        assert slot.differentiable == (rule is not None)
        if slot.differentiable:
            assert re.match(r"\{[^{}]+\}(\[[^\]]+\])? \+= ", slot.contribution), "a contribution is added, never set"
            assert bar(slot.name) in placeholders(slot.contribution)
            assert bar("y") in placeholders(slot.contribution)
            assert slot.because
            assert inspect.getdoc(rule)
        else:
            assert not slot.because


@pytest.mark.parametrize("name", CATALOGUE)
def test_templates_name_only_what_a_node_has(name: str) -> None:
    kind = CATALOGUE[name]
    names = {"y", *(slot.name for slot in kind.slots)}
    added = {word for c in CASES if c.operator.op() == name for word in c.operator.words(c.types())}
    known = names | {bar(n) for n in names} | set(kind.__struct_fields__) | added
    for template in templates(name):
        assert placeholders(template) <= known, template


@pytest.mark.parametrize("name", CATALOGUE)
def test_templates_are_well_formed(name: str) -> None:
    for template in templates(name):
        rest = re.sub(r"\{[^{}]+\}", "", template)
        assert not set("{}") & set(rest), template
        assert re.sub(r"⟦[^⟦⟧]*⟧", "", rest).count("⟦") == 0, template
        assert template.isprintable()


@pytest.mark.parametrize("c", CASES, ids=lambda c: c.id)
def test_templates_can_be_filled_for_every_case(c: Case) -> None:
    words = {"y": "OUT", bar("y"): "OUTBAR", **c.operator.words(c.types())}
    for position, draw in enumerate(c.draws):
        slot = c.operator.slots[0 if c.operator.variadic else position].name
        if draw is not None:
            words |= {slot: slot.upper(), bar(slot): f"{slot.upper()}BAR"}
    lines = [fill(c.operator.formula, words)]
    lines += [fill(c.operator.slot(p, len(c.draws)).contribution, words) for p in c.positions()]
    for line in lines:
        assert not set("{}⟦⟧") & set(line)
    assert lines[0].startswith(("OUT ", "OUT["))
    assert all("OUTBAR" in line for line in lines[1:])


def test_catalogue_holds_every_operator_of_every_family_once() -> None:
    defined = [
        kind
        for module in FAMILIES
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Operator) and kind.__module__ == module.__name__ and kind.formula
    ]
    assert len(defined) == len(CATALOGUE) == len({kind.op() for kind in defined})
    assert {id(kind) for kind in defined} == {id(kind) for kind in CATALOGUE.values()}


def test_batch_normalisation_explains_inference_without_correction_terms() -> None:
    kind = CATALOGUE["batch_norm"]
    training, inference = (kind(training=flag).slot(0, 5).contribution for flag in (True, False))
    assert "mean(g)" in training
    assert "mean" not in inference
    assert placeholders(inference) == {bar("x"), bar("y"), "weight"}


@pytest.mark.parametrize("name", ["cross_entropy", "mse_loss"])
def test_the_three_reductions_of_a_loss_read_differently(name: str) -> None:
    types = [TensorType((2, 3)), TensorType((2,), "int64") if name == "cross_entropy" else TensorType((2, 3))]
    lines = set()
    for reduction in ("mean", "sum", "none"):
        operator = CATALOGUE[name](reduction=reduction)
        lines.add(fill(operator.formula, {"y": "y", "x": "x", "target": "t", **operator.words(types)}))
    assert len(lines) == 3, lines


def test_a_variadic_operator_numbers_its_slots() -> None:
    concat = CATALOGUE["concat"](dim=0)
    assert [concat.slot(i, 3).name for i in range(3)] == ["x0", "x1", "x2"]


def test_fill_puts_words_in_places() -> None:
    assert fill("{y} = {a} + {b}", {"y": "z", "a": "1", "b": "(−2)"}) == "z = 1 + (−2)"
    assert fill("nothing to fill", {}) == "nothing to fill"
    assert fill("{a}{a}", {"a": "x"}) == "xx"


def test_fill_does_not_fill_what_it_filled_in() -> None:
    assert fill("{a} {b}", {"a": "{b}", "b": "⟦x⟧"}) == "{b} ⟦x⟧"


def test_fill_drops_optional_parts_whose_words_are_missing() -> None:
    template = "{y} = {x}⟦ ⊙ {weight}⟧⟦ + {bias}⟧"
    words = {"y": "y", "x": "x"}
    assert fill(template, words) == "y = x"
    assert fill(template, words | {"weight": "g"}) == "y = x ⊙ g"
    assert fill(template, words | {"bias": "b"}) == "y = x + b"
    assert fill(template, words | {"weight": "g", "bias": "b"}) == "y = x ⊙ g + b"


def test_an_optional_part_needs_all_of_its_words() -> None:
    assert fill("a⟦ {b} {c}⟧", {"b": "1"}) == "a"
    assert fill("a⟦ {b} {c}⟧", {"b": "1", "c": "2"}) == "a 1 2"
    assert fill("a⟦ always⟧", {}) == "a always"


def test_fill_raises_where_a_needed_word_is_missing() -> None:
    with pytest.raises(KeyError, match="x"):
        fill("{y} = {x}", {"y": "y"})


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_adjoint_is_found_however_its_macron_is_spelled(form: Literal["NFC", "NFD"]) -> None:
    # ȳ is one character or two; both look the same on the screen and in an editor.
    template = unicodedata.normalize(form, "{ā} += {ȳ}")
    assert placeholders(template) == {bar("a"), bar("y")}
    assert fill(template, {bar("a"): "A", bar("y"): "Y"}) == "A += Y"


def test_words_write_settings_as_formulas_have_them() -> None:
    assert CATALOGUE["scale"](factor=2.0).words([None]) == {"factor": "2"}
    assert CATALOGUE["scale"](factor=-0.5).words([None]) == {"factor": "-0.5"}
    assert CATALOGUE["reshape"](shape=[2, -1]).words([None]) == {"shape": "(2, -1)"}


def test_words_count_the_losses_of_a_mean() -> None:
    types = [TensorType((4, 3, 2)), TensorType((4, 2), "int64")]
    assert CATALOGUE["cross_entropy"]().words(types)["n"] == "8"
    assert "n" not in CATALOGUE["cross_entropy"](reduction="sum").words(types)
    assert "n" not in CATALOGUE["mse_loss"](reduction="none").words([types[0], types[0]])


def test_a_formula_without_a_vjp_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="Forgotten: slot x needs both a contribution formula and a VJP, or neither"):

        class Forgotten(Operator, frozen=True, tag="forgotten"):
            slots: ClassVar[tuple[Slot, ...]] = (Slot("x", "{x̄} += {ȳ}", "because"),)


def test_a_vjp_without_a_formula_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="Unexplained: slot x needs both"):

        class Unexplained(Operator, frozen=True, tag="unexplained"):
            slots: ClassVar[tuple[Slot, ...]] = (Slot("x"),)

            def vjp_x(self, ybar: float) -> float:
                return ybar
