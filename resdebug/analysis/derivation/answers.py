"""The four questions that people ask of backpropagation in residual networks, answered with this network's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resdebug.analysis.derivation.document import Block, Code, Equation, Maths, Section, paragraph
from resdebug.analysis.derivation.steps import sum_of
from resdebug.analysis.derivation.subject import Subject, barred, named, shown
from resdebug.analysis.derivation.tensors import plain
from resdebug.analysis.formulas import number
from resdebug.engine.differences import Differences
from resdebug.engine.norms import norm
from resdebug.errors import ResdebugError
from resdebug.network.model import Edge, Node
from resdebug.ops.base import Array
from resdebug.ops.formula import Form
from resdebug.passes.blocks import Skip
from resdebug.text import plural

DIGITS = 6


@dataclass(frozen=True, slots=True)
class _Place:
    """The element that the answers look at: where an adjoint is largest."""

    node: Node
    index: tuple[int, ...]
    adjoint: float
    terms: tuple[float, ...]

    @property
    def name(self) -> str:
        places = ",".join(map(str, self.index))
        return f"{shown(self.node)}[{places}]" if places else shown(self.node)

    @property
    def written(self) -> str:
        places = ",".join(map(str, self.index))
        return rf"{barred(self.node)}_{{{places}}}" if places else barred(self.node)


def answers(subject: Subject) -> Section:
    """Return the four answers."""
    node = _example(subject)
    place = None if node is None else _place(subject, node)
    return Section(
        ("The four answers",),
        (),
        (
            Section(("1. How is it done mathematically?",), tuple(_how(subject))),
            Section(("2. How does it skip layers?",), tuple(_skipping(subject))),
            Section(("3. Are the gradients at a fork added or averaged?",), tuple(_adding(subject, node, place))),
            Section(("4. Are the derivatives finite differences?",), tuple(_differences(subject, place))),
        ),
    )


def _how(subject: Subject) -> list[Block]:
    plan, target = subject.pass_.schedule, named(subject.pass_.target)
    sent = sum(map(len, plan.deliveries))
    return [
        paragraph(
            "By the chain rule, once through the network and once back. The forward pass computes and saves the value "
            f"of each of the {plural(len(plan.order), 'node')}. The reverse pass starts from the target's own adjoint, "
            "1, and visits every node after all its consumers. Each consumer ", Maths("c"),
            " sends it one contribution, a vector-Jacobian product at the saved values; contributions are added:",
        ),
        Equation(
            (
                (
                    r"\bar{v} = \frac{\partial " + target + r"}{\partial v}",
                    r"= \sum_{c} \left( \frac{\partial c}{\partial v} \right)^{\top} \bar{c}",
                ),
            )
        ),
        paragraph(
            f"Here that is {plural(sent, 'vector-Jacobian product')} for {plural(len(plan.reverse), 'adjoint')}; no "
            "Jacobian is ever built, and no node is visited twice."
        ),
    ]  # fmt: skip


def _skipping(subject: Subject) -> list[Block]:
    blocks = subject.blocks
    if not blocks:
        return [
            paragraph(
                "No residual block is in this network. In one that has them, a skip is an edge like any other: its "
                "local derivative is 1, so the adjoint passes through it unchanged and is added to what comes back "
                "through the branch."
            )
        ]
    identities = [b.skip for b in blocks if b.kind is Skip.IDENTITY and b.skip is not None]
    if identities:
        told = _identity(
            subject, min(reversed(identities), key=lambda e: subject.network.nodes[e.source_index].type.size)
        )
        others = len(blocks) - len(identities)
        if others:
            kinds = ", ".join(sorted({b.kind.value for b in blocks if b.kind is not Skip.IDENTITY}))
            told.append(
                paragraph(
                    f"Of the {plural(len(blocks), 'block')} here {len(identities)} have an identity as their skip; in "
                    f"the other {others} ({kinds}) the shortcut has operators of its own, whose derivatives apply."
                )
            )
        return told
    kinds = ", ".join(sorted({b.kind.value for b in blocks}))
    return [
        paragraph(
            f"None of the {plural(len(blocks), 'block')} here has an identity as its skip ({kinds}): the shortcut has "
            "operators of its own, and the adjoint goes through their derivatives. With an identity the local "
            "derivative would be 1, and the adjoint would pass unchanged. In either case it is added to what comes "
            "back through the branch."
        )
    ]


def _identity(subject: Subject, edge: Edge) -> list[Block]:
    fork, join = edge.source, edge.consumer
    sent, above = subject.sent(edge), subject.pass_.adjoint(join)
    local = rf"\left( \frac{{\partial {named(join)}}}{{\partial {named(fork)}}} \right)^{{\top}}_{{\text{{skip}}}}"
    told: list[Block] = [
        paragraph(
            "It does not skip anything: the skip is an edge of its own. It is an identity, so its local derivative is "
            "1, and the adjoint of ", Code(shown(join)), " reaches ", Code(shown(fork)), " through it unchanged. The "
            "layers of the branch get theirs too, and what comes back through them is added.",
        ),
        Equation(((f"{local} {barred(join)}", rf"= 1 \cdot {barred(join)} = {barred(join)}"),)),
    ]  # fmt: skip
    if sent is not None and above is not None and sent.shape == above.shape:
        bit = "bit for bit" if np.array_equal(sent, above, equal_nan=True) else "up to its sign or scale"
        told.append(
            paragraph(
                "In this pass: norm ", Maths(rf"\lVert {barred(join)} \rVert = {_n(norm(above))}"),
                f", and the contribution through the skip has norm {plain(norm(sent), DIGITS)}: the same, {bit}.",
            )
        )  # fmt: skip
    return told


def _adding(subject: Subject, node: Node | None, place: _Place | None) -> list[Block]:
    if node is None:
        return [
            paragraph(
                "Added, by the multivariate chain rule. This network has no fork: every adjoint is a single "
                "contribution, and there is nothing to add."
            )
        ]
    arrivals = subject.pass_.schedule.arrivals[node.index]
    told: list[Block] = [
        paragraph(
            "Added, by the multivariate chain rule: a change of ", Code(shown(node)), f" reaches the target on "
            f"{len(arrivals)} ways, and the effects add up.",
        ),
        Equation(sum_of(subject, node, arrivals)),
    ]  # fmt: skip
    if place is None or len(place.terms) > 8:
        return told
    total = sum(place.terms)
    terms = " + ".join(f"({_n(t)})" if t < 0 and k else _n(t) for k, t in enumerate(place.terms))
    told.append(paragraph("At the element ", Code(place.name), ", where the adjoint is largest:"))
    told.append(Equation(((place.written, f"= {terms} = {_n(total)}"),)))
    if not subject.right:
        told.append(
            paragraph(
                f"This pass ran under the rule {subject.pass_.rule} and has {plain(place.adjoint, DIGITS)} there, "
                "which is wrong on purpose."
            )
        )
    told.append(
        paragraph(
            f"Averaged it would be {plain(total / len(place.terms), DIGITS)}. Which of the two is right can be "
            "measured: see the next answer."
        )
    )
    return told


def _differences(subject: Subject, place: _Place | None) -> list[Block]:
    told: list[Block] = [
        paragraph(
            "No. Every contribution is an analytic vector-Jacobian product: a formula, evaluated at the values that "
            "the forward pass saved. Finite differences only check the result: move one element a little, run the "
            "whole forward pass again, and see how the target changes."
        )
    ]
    if place is None:
        return told
    measured = _measured(subject, place)
    if isinstance(measured, str):
        return [*told, paragraph(f"That check is left out here: {measured}")]
    slope, h = measured
    gap = abs(slope - place.adjoint) / max(abs(slope), abs(place.adjoint), np.finfo(np.float64).tiny)
    target = named(subject.pass_.target)
    moved = rf"\frac{{{target}(\ldots + h) - {target}(\ldots - h)}}{{2h}}"
    told += [
        paragraph("At ", Code(place.name), f", with h = {plain(h, 3)}, in float64:"),
        Equation(
            (
                (place.written, f"= {_n(place.adjoint, 10)} \\quad \\text{{(reverse pass)}}"),
                (moved, f"= {_n(slope, 10)} \\quad \\text{{(central difference)}}"),
            )
        ),
        paragraph(f"Relative difference {plain(gap, 2)}.{'' if subject.right else ' The rule is wrong on purpose.'}"),
    ]
    return told


def _example(subject: Subject) -> Node | None:
    """Return the fork that the answers look at: of a block with an identity skip if there is one, small, deep."""
    forks = subject.forks
    if not forks:
        return None
    with_skip = [f for f in forks if subject.skip_of(f) is not None]
    return min(reversed(with_skip or forks), key=lambda n: (n.type.size, len(subject.pass_.arrivals(n.name))))


def _place(subject: Subject, node: Node) -> _Place | None:
    adjoint = subject.pass_.adjoint(node.name)
    sent = [subject.sent(edge) for edge in subject.pass_.arrivals(node.name)]
    if adjoint is None or not adjoint.size or any(part is None for part in sent) or not np.isfinite(adjoint).all():
        return None
    flat = int(np.argmax(np.abs(adjoint)))
    index = tuple(int(k) for k in np.unravel_index(flat, adjoint.shape))
    return _Place(node, index, _at(adjoint, index), tuple(_at(part, index) for part in sent if part is not None))


def _at(array: Array, index: Sequence[int]) -> float:
    return float(array[tuple(index)])


def _measured(subject: Subject, place: _Place) -> tuple[float, float] | str:
    """Return the central difference at a place and its step, or why there is none."""
    try:
        differences = Differences(subject.network, subject.pass_.target)
    except ResdebugError as error:
        return f"the network cannot be run again ({error.faults[0].what})."
    told = subject.pass_.value(subject.pass_.target)
    if told is not None and not np.isclose(float(told), differences.target, rtol=1e-3, equal_nan=True):
        return "the network by itself gives another target than this pass, which was edited."
    h = differences.step(place.node.name, place.index)
    wide, near = (differences.sides(place.node.name, place.index, step) for step in (h, h / 2))
    slope = sum(near) / 2
    if not np.isfinite(slope):
        return "the target is not finite near this element."
    kink, nearer = abs(wide[1] - wide[0]), abs(near[1] - near[0])
    if nearer > 1e-3 * max(map(abs, near)) and nearer > 0.75 * kink:
        return "there is a kink within a step of this element, so its two sides differ."
    return slope, h / 2


def _n(x: float, digits: int = DIGITS) -> str:
    return number(x, Form.LATEX, digits)
