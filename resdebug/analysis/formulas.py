"""The mathematics of one node of one network: an operator's formulas, with the names or the numbers filled in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from resdebug.engine.forward import operator_of
from resdebug.network.model import Edge, Network, Node
from resdebug.network.types import shape_text
from resdebug.ops.base import Array
from resdebug.ops.formula import Form, adjoint, bar, fill, setting
from resdebug.ops.formula import name as named
from resdebug.passes.protocol import Pass
from resdebug.text import visible

SHOWN_ELEMENTS = 4
"""Tensors of up to this many elements are written out in a formula with numbers."""

MOST_TERMS = 8

Word = Callable[[str], str]


def forward_formula(network: Network, node: Node, form: Form = Form.UNICODE, within: str = "") -> str:
    """Return how a node's value comes about: ``add = bn2 + x``.

    Names that begin with ``within`` and a dot are written without it: ``block1.bn2`` as ``bn2``.
    """
    return fill(operator_of(node).formula, _named(network, node, form, within=within), form)


def forward_shapes(network: Network, node: Node) -> str:
    """Return the forward formula with shapes in place of names: ``(1,8,3,3) = conv((1,2,3,3), (8,2,3,3))``."""
    if node.is_leaf:
        return ""

    def shape(name: str) -> str:
        return shape_text(network[name].shape)

    return fill(operator_of(node).formula, _words(network, node, shape, shape))


def contribution_formula(network: Network, edge: Edge, form: Form = Form.UNICODE, within: str = "") -> str:
    """Return what one edge contributes: ``x̄ += convᵀ(conv1̄, W1)``; empty where it takes no adjoint.

    Names are shortened as in ``forward_formula``.
    """
    node = network.nodes[edge.consumer_index]
    slot = operator_of(node).slot(edge.position, len(node.inputs))
    return fill(slot.contribution, _named(network, node, form, edge, within), form)


def reason(network: Network, edge: Edge) -> str:
    """Return in a sentence why the contribution of an edge is what it is."""
    node = network.nodes[edge.consumer_index]
    return operator_of(node).slot(edge.position, len(node.inputs)).because


def forward_numbers(pass_: Pass, node: Node, form: Form = Form.UNICODE) -> str:
    """Return the forward formula with numbers in place of names; empty for leaves and for large tensors."""
    if node.is_leaf:
        return ""
    return _with_numbers(pass_, node, operator_of(node).formula, None, form)


def contribution_numbers(pass_: Pass, edge: Edge, form: Form = Form.UNICODE) -> str:
    """Return a contribution's formula with numbers in place of names, and what it comes to; empty for large tensors."""
    written = contribution_terms(pass_, edge, form)
    if not written:
        return ""
    result = small_tensor(pass_.contribution(edge), form)
    return written if written == result else f"{written} = {result}"


def contribution_terms(pass_: Pass, edge: Edge, form: Form = Form.UNICODE) -> str:
    """Return a contribution's formula with numbers in place of names: ``1 ⊙ 7``; empty for large tensors."""
    node = pass_.network.nodes[edge.consumer_index]
    template = operator_of(node).slot(edge.position, len(node.inputs)).contribution
    _, _, right = template.partition(" += ")
    return _with_numbers(pass_, node, right, edge, form)


def sum_numbers(contributions: Sequence[Array], total: Array, form: Form = Form.UNICODE) -> str:
    """Return an addition as one writes it by hand, ``7 + 4 = 11``; empty for large tensors or very many terms."""
    if total.size > SHOWN_ELEMENTS or len(contributions) > MOST_TERMS:
        return ""
    minus = "−" if form is Form.UNICODE else "-"
    written = small_tensor(contributions[0], form)
    for array in contributions[1:]:
        term = small_tensor(array, form)
        written += f" {minus} {term[1:]}" if term.startswith(minus) else f" + {term}"
    return f"{written} = {small_tensor(total, form)}" if len(contributions) > 1 else written


def number(x: float, form: Form = Form.UNICODE, digits: int = 6) -> str:
    """Write a number with so many digits: ``−1.5e−7``, in LaTeX ``-1.5 \\cdot 10^{-7}``."""
    text = f"{x:.{digits}g}"
    if form is Form.UNICODE:
        return text.replace("-", "−")
    if form is Form.ASCII:
        return text
    if not math.isfinite(x):
        return r"\mathrm{NaN}" if math.isnan(x) else text.replace("inf", r"\infty")
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else text


def small_tensor(array: Array, form: Form = Form.UNICODE) -> str:
    """Write a small tensor: a scalar as a number, others in brackets."""
    numbers = [number(float(x), form) for x in array.ravel()]
    between = r",\; " if form is Form.LATEX else " "
    return numbers[0] if array.size == 1 else f"[{between.join(numbers)}]"


def _with_numbers(pass_: Pass, node: Node, template: str, edge: Edge | None, form: Form) -> str:
    involved = [node.name, *(e.source for e in node.inputs if e is not None)]
    arrays = {name: pass_.value(name) for name in involved}
    if any(array is None or array.size > SHOWN_ELEMENTS for array in arrays.values()):
        return ""

    def value(name: str) -> str:
        array = arrays[name]
        return "?" if array is None else small_tensor(array, form)

    def adjoint_value(name: str) -> str:
        array = pass_.adjoint(name)
        return "?" if array is None else small_tensor(array, form)

    return fill(template, _in_form(node, _words(pass_.network, node, value, adjoint_value, edge), form), form)


def _words(network: Network, node: Node, value: Word, barred: Word, edge: Edge | None = None) -> dict[str, str]:
    """Return what every placeholder stands for at ``node``; ``edge`` says which input a variadic slot means."""
    operator = operator_of(node)
    words = operator.words([None if e is None else network.nodes[e.source_index].type for e in node.inputs])
    words |= {"y": value(node.name), bar("y"): barred(node.name)}
    if operator.variadic:
        names = [e.source for e in node.inputs if e is not None] if edge is None else [edge.source]
        words["x"] = ", ".join(value(name) for name in names)
        words[bar("x")] = ", ".join(barred(name) for name in names)
        return words
    for slot, taken in zip(operator.slots, node.inputs, strict=True):
        if taken is not None:
            words |= {slot.name: value(taken.source), bar(slot.name): barred(taken.source)}
    return words


def _named(network: Network, node: Node, form: Form, edge: Edge | None = None, within: str = "") -> dict[str, str]:
    """Return the names that stand for the placeholders at ``node``, in ``form``."""
    prefix = f"{within}."

    def short(name: str) -> str:
        return _name(name.removeprefix(prefix) if within else name)

    words = _words(network, node, lambda name: named(short(name), form), lambda name: adjoint(short(name), form), edge)
    return _in_form(node, words, form)


def _in_form(node: Node, words: dict[str, str], form: Form) -> dict[str, str]:
    """Return the words with the operator's settings written in ``form``; names and numbers are so already."""
    if form is Form.UNICODE:
        return words
    slots = {"y", "x", *(slot.name for slot in operator_of(node).slots)}
    taken = slots | {bar(slot) for slot in slots}
    return words | {word: setting(text, form) for word, text in words.items() if word not in taken}


def _name(name: str) -> str:
    return visible(name, limit=40)
