"""The derivation says what is true of a network, with numbers worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import resdebug
from resdebug.analysis.derivation.derive import Settings, derive
from resdebug.analysis.derivation.document import (
    Block,
    Code,
    Document,
    Drawing,
    Equation,
    Maths,
    Paragraph,
    Section,
    Strong,
    Table,
)
from resdebug.analysis.derivation.tensors import matrix, percent, slices, written_in_full
from resdebug.api import open_pass
from resdebug.engine.accumulation import RULES
from resdebug.errors import UsageError
from resdebug.export.registry import export
from resdebug.passes.selection import Level, Selection
from tests.support import GRAPHS, Builder, block, residual_chain, two_path


def sections(document: Document) -> Iterator[Section]:
    waiting = list(document.sections)
    while waiting:
        section = waiting.pop(0)
        yield section
        waiting = [*section.sections, *waiting]


def blocks(document: Document) -> Iterator[Block]:
    yield from document.lead
    for section in sections(document):
        yield from section.blocks


def equations(document: Document) -> list[str]:
    """Return every line of mathematics."""
    return [" ".join(filter(None, line)) for b in blocks(document) if isinstance(b, Equation) for line in b.lines]


def prose(document: Document) -> str:
    """Return all prose, paragraphs and titles, as text."""
    pieces = [section.title for section in sections(document)]
    pieces += [b.prose for b in blocks(document) if isinstance(b, Paragraph)]
    return "\n".join("".join(plain(piece) for piece in prose) for prose in pieces)


def plain(piece: str | Code | Maths | Strong) -> str:
    match piece:
        case Maths(latex):
            return latex
        case Code(text) | Strong(text):
            return text
    return piece


def titled(document: Document, title: str) -> Section:
    return next(s for s in sections(document) if title in "".join(map(plain, s.title)))


def column(table: Table, head: str) -> list[str]:
    k = table.heads.index(head)
    return ["".join(map(plain, row[k])) for row in table.rows]


def tables(section: Section) -> list[Table]:
    return [b for b in section.blocks if isinstance(b, Table)]


def test_two_ways_are_added_as_one_does_by_hand() -> None:
    document = derive(two_path().run())
    lines = equations(document)
    assert r"c = a + b = 4 + 3 = 7" in lines
    assert r"d = a \odot c = 4 \odot 7 = 28" in lines
    assert r"\bar{d} = \frac{\partial d}{\partial d} = 1" in lines
    assert r"\bar{a} = \bar{d} \odot c + \bar{c}" in lines
    assert r"\bar{a} = 7 + 4 = 11" in lines
    assert r"\bar{b} = 4" in lines
    assert r"\bar{a} = 11 \quad \text{(reverse pass)}" in lines
    measured = next(line for line in lines if "central difference" in line)
    assert float(measured.split("= ")[1].split(" ")[0]) == pytest.approx(11, abs=1e-6)
    assert "Averaged it would be 5.5." in prose(document)


def test_a_skip_passes_the_adjoint_of_the_join_unchanged() -> None:
    document = derive(block().run())
    text = prose(titled_document(document, "2. How does it skip layers?"))
    assert "the same, bit for bit" in text
    assert "reaches x through it unchanged" in text
    step = titled(document, "· fork: 2 contributions")
    sums = next(b for b in step.blocks if isinstance(b, Equation)).lines
    assert r"\underbrace{\overline{\mathrm{add}}}_{\text{skip}}" in sums[0][1]
    assert r"_{\text{branch}}" in sums[0][1]
    (ledger,) = tables(step)
    assert column(ledger, "way") == ["skip", "branch", ""]
    parts = [float(text.removesuffix(" %").replace("−", "-")) for text in column(ledger, "part of the sum")[:-1]]
    assert sum(parts) == pytest.approx(100, abs=0.2)


def titled_document(document: Document, title: str) -> Document:
    return Document("", (), (titled(document, title),))


def test_the_closed_form_with_numbers_worked_by_hand() -> None:
    """x₁ = x₀ + ½x₀, x₂ = x₁ + 1·x₁, x₃ = x₂ + 2x₂, E = x₃: ∂E/∂x₀ = 1.5 · 2 · 3 = 9, of which 1 comes directly.

    What comes back through the branches is ½ · x̄₁ = 3, 1 · x̄₂ = 3 and 2 · x̄₃ = 2.
    """
    b = Builder("x3", "chain")
    b.leaf("x0", 1.0)
    for k, weight in enumerate((0.5, 1.0, 2.0)):
        b.add(f"f{k}", "scale", {"x": f"x{k}"}, factor=weight)
        b.add(f"g{k}", "identity", {"x": f"f{k}"})
        b.add(f"x{k + 1}", "add", {"a": f"g{k}", "b": f"x{k}"})
    document = derive(b.run())
    table, terms = tables(titled(document, "closed form"))
    assert column(table, "fork") == ["x2", "x1", "x0"]
    assert column(table, "blocks") == ["1", "2", "3"]
    assert column(table, "norm direct") == ["1", "1", "1"]
    assert column(table, "norm through branches") == ["2", "5", "8"]
    assert column(table, "part direct") == ["33.3 %", "16.7 %", "11.1 %"]
    assert column(table, "part through branches") == ["66.7 %", "83.3 %", "88.9 %"]
    assert column(terms, "norm") == ["3", "3", "2", "1"]
    assert column(terms, "part") == ["33.3 %", "33.3 %", "22.2 %", "11.1 %"]


def test_something_after_every_addition_ends_the_chain() -> None:
    document = derive(resdebug.differentiate(resdebug.load(GRAPHS / "residual20.json")))
    section = titled(document, "closed form")
    assert set(column(tables(section)[0], "blocks")) == {"1"}
    assert "Every chain here has one block" in prose(Document("", (), (section,)))


def test_networks_without_forks_or_blocks_say_so() -> None:
    b = Builder("y")
    b.leaf("x", [1.0, 2.0])
    b.add("s", "square", {"x": "x"})
    b.add("y", "sum", {"x": "s"})
    document = derive(b.run())
    text = prose(document)
    assert "This network has no fork" in text
    assert "No residual block is in this network" in text
    assert "closed form" not in text


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"sum"}))
def test_another_rule_is_called_wrong_wherever_it_shows(rule: str) -> None:
    pass_ = two_path().run(rule=rule)
    document = derive(pass_)
    wrong = [p for b in document.lead if isinstance(b, Paragraph) for p in b.prose if isinstance(p, Strong)]
    assert any(f"rule {rule}: it is wrong on purpose" in piece.text for piece in wrong)
    assert f"ran under the rule {rule} and has" in prose(titled_document(document, "3. Are the"))
    fork = titled(document, "fork: 2 contributions")
    assert "wrong on purpose" in prose(Document("", (), (fork,)))
    assert not any("closed form" in "".join(map(plain, s.title)) for s in document.sections)


def test_one_node_and_names_that_there_are_not() -> None:
    pass_ = residual_chain(3).run()
    fork = next(n.name for n in pass_.network.nodes if len(pass_.arrivals(n.name)) > 1)
    document = derive(pass_, Settings(nodes=(fork,)))
    assert fork in document.title
    assert len(document.sections) == 1
    with pytest.raises(UsageError, match="there is no node"):
        derive(pass_, Settings(nodes=("nowhere",)))


def test_folded_blocks_are_one_step_each() -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / "residual20.json"))
    document = derive(pass_, Settings(fold=True))
    steps = titled(document, "step by step").sections
    assert ["".join(map(plain, s.title)).split(" · ")[0] for s in steps[1:4]] == [
        "2. block10",
        "3. block9",
        "4. block8",
    ]
    sent = steps[1].blocks[1]
    assert isinstance(sent, Equation)
    assert r"\underbrace{\overline{\mathrm{add10}}}_{\text{skip}}" in sent.lines[0][1]
    drawn = next(b for b in blocks(document) if isinstance(b, Drawing))
    assert sum(glyph == "■" for glyph, _, _ in drawn.rows) == 10
    with pytest.raises(UsageError, match="nothing to fold"):
        derive(two_path().run(), Settings(fold=True))


def test_what_is_too_long_is_folded_or_cut_and_says_so() -> None:
    pass_ = resdebug.differentiate(resdebug.load(GRAPHS / "residual20.json"))
    folded = derive(pass_, Settings(steps=30))
    assert "so each block is one step" in prose(folded)
    chain = residual_chain(30).run()
    cut = derive(chain, Settings(steps=10))
    assert len(titled(cut, "step by step").sections) == 10
    assert "the first 5 and the last 5 are written out" in prose(cut)
    everything = derive(chain, Settings(steps=0))
    assert len(titled(everything, "step by step").sections) == len(chain.schedule.reverse)


def test_a_recorded_pass_gives_the_same_derivation(tmp_path: Path) -> None:
    live = block().run()
    export(live, tmp_path / "t.jsonl")
    recorded = open_pass(tmp_path / "t.jsonl")
    assert equations(derive(recorded)) == equations(derive(live))


@pytest.mark.parametrize("level", [Level.STATS, Level.ADJOINTS])
def test_a_trace_without_all_numbers_gives_norms(tmp_path: Path, level: Level) -> None:
    live = block().run()
    export(live, tmp_path / "t.jsonl", selection=Selection(level))
    document = derive(open_pass(tmp_path / "t.jsonl"))
    assert "Not all of the pass is here" in prose(document)
    adjoint = live.adjoint("conv1")
    assert adjoint is not None
    assert rf"\overline{{\mathrm{{conv1}}}} \rVert = {np.linalg.norm(adjoint):.4g}" in prose(document)


def test_nodes_without_an_adjoint_say_why() -> None:
    b = two_path()
    b.leaf("t", 1.0, "constant")
    b.add("idle", "mul", {"a": "a", "b": "t"})
    pass_ = b.run()
    assert "the target does not depend on it" in prose(derive(pass_, Settings(nodes=("idle",))))


def test_tensors_in_brackets() -> None:
    assert matrix(np.array(1e-7)) == r"1 \cdot 10^{-7}"
    assert matrix(np.array([1.0, -2.5])) == r"\begin{bmatrix} 1 & -2.5 \end{bmatrix}"
    assert matrix(np.array([[np.nan], [-np.inf]])) == r"\begin{bmatrix} \mathrm{NaN} \\ -\infty \end{bmatrix}"
    assert [subscript for subscript, _ in slices((1, 2, 3, 3))] == ["_{0}", "_{1}"]
    assert written_in_full((1, 2, 3, 3))
    assert not written_in_full((64, 64))
    assert not written_in_full((1, 9))
    assert percent(0.5) == "50.0 %"
    assert percent(-0.0001) == "−0.01 %"
