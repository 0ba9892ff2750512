"""Gives every part of a condition its kind, and turns it into a column over places."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fnmatch import translate
from typing import Any, Final

import numpy as np

from resdebug.debugger.conditions.columns import Column, Columns, Tensors
from resdebug.debugger.conditions.functions import FUNCTIONS, SPECIAL
from resdebug.debugger.conditions.places import Moment, Places
from resdebug.debugger.conditions.tree import (
    Among,
    Arithmetic,
    Both,
    Call,
    Comparison,
    Either,
    Member,
    Negative,
    Not,
    Number,
    Text,
    Tree,
    Word,
    fault,
)
from resdebug.debugger.conditions.typed import Kind, Need, Typed, constant, elementwise, numeric, scalar, tensor
from resdebug.debugger.conditions.words import WORDS
from resdebug.network.model import Network
from resdebug.ops.base import Array
from resdebug.text import did_you_mean, visible

_ARITHMETIC: Final[dict[str, Callable[..., Array]]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod, "**": np.power,
}  # fmt: skip
_COMPARING: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def typed(tree: Tree, network: Network) -> Typed:
    """Return what a tree means for a network. Raises BadInput with the column of what does not go together."""
    match tree:
        case Number(value):
            return constant(Kind.NUMBER, value)
        case Text(value):
            return constant(Kind.TEXT, value)
        case Word():
            return _word(tree, network)
        case Member():
            return _call(Call(tree.name, (tree.of,), tree.column), network, dotted=True)
        case Call():
            return _call(tree, network)
        case Negative(of, column):
            return _computed(np.negative, "-", column, typed(of, network))
        case Arithmetic(sign, left, right, column):
            return _computed(_ARITHMETIC[sign], sign, column, typed(left, network), typed(right, network))
        case Comparison(first, others, _):
            return _comparison(first, others, network)
        case Among(of, choices, _):
            pairs = [_compared("==", typed(of, network), typed(c, network), c.column) for c in choices]
            return _either(pairs)
        case Not(of, column):
            return _negated(_truth(of, network, "not", column))
        case Both(parts, column):
            return _both([_truth(part, network, "and", column) for part in parts])
        case Either(parts, column):
            return _either([_truth(part, network, "or", column) for part in parts])


def _word(word: Word, network: Network) -> Typed:
    if word.name in WORDS:
        return WORDS[word.name].typed
    name = visible(word.name, limit=60)
    if word.name in network:
        hint = f"its adjoint is adj({name}), its value is value({name})"
        raise fault("C011", f'"{name}" is a node, not a word of conditions', word.column, hint)
    if word.name in FUNCTIONS or word.name in SPECIAL:
        usage = FUNCTIONS[word.name].usage if word.name in FUNCTIONS else SPECIAL[word.name][0]
        raise fault("C011", f'"{name}" is a function', word.column, f"write {usage}")
    hint = did_you_mean(word.name, [*WORDS, *FUNCTIONS, *SPECIAL]) or "help conditions lists all words"
    raise fault("C011", f'there is no word "{name}"', word.column, hint)


def _call(call: Call, network: Network, *, dotted: bool = False) -> Typed:
    name = call.name
    if name in SPECIAL and not dotted:
        return _special(call, network)
    if name not in FUNCTIONS:
        known = [*FUNCTIONS, *SPECIAL]
        what = f'there is no function "{visible(name, limit=60)}"'
        if name in WORDS:
            what = f'"{name}" is a word and takes no arguments'
        raise fault("C011", what, call.column, did_you_mean(name, known) or "help conditions lists all functions")
    arguments = tuple(typed(argument, network) for argument in call.arguments)
    made = FUNCTIONS[name].build(arguments)
    if isinstance(made, str):
        got = ", ".join(a.kind.value for a in arguments) or "nothing"
        raise fault("C012", f"{name} takes {made}, not {got}", call.column, FUNCTIONS[name].usage)
    return made


def _special(call: Call, network: Network) -> Typed:
    usage, about = SPECIAL[call.name]
    expected = 2 if call.name == "glob" else 1
    if len(call.arguments) != expected:
        what = f"{call.name} takes {expected} argument{'s' * (expected > 1)}, not {len(call.arguments)}"
        raise fault("C012", what, call.column, f"{usage}: {about}")
    first = call.arguments[0]
    match call.name:
        case "glob":
            text, pattern = (typed(argument, network) for argument in call.arguments)
            return _matching(text, pattern, call.column)
        case "prev":
            return _previous(typed(first, network))
        case "changed":
            node = _node_named(first)
            if node is not None and node in network and (isinstance(first, Text) or node not in WORDS):
                return _changed_adjoint(network[node].index)
            if isinstance(first, Text):
                raise _no_node(node or "", network, first.column)
            return _changed(typed(first, network), call.column)
    node = _node_named(first)
    if node is None or node not in network:
        raise _no_node(node, network, first.column)
    index = network[node].index
    if call.name == "adj":
        return tensor(Need.ADJOINT, lambda columns, places: columns.adjoint_of(index, places))
    return tensor(Need.VALUE, lambda columns, places: _value_of(columns, index, places))


def _node_named(tree: Tree) -> str | None:
    match tree:
        case Text(value):
            return value
        case Word(name):
            return name
        case Member(of, name):
            before = _node_named(of)
            return None if before is None else f"{before}.{name}"
    return None


def _no_node(name: str | None, network: Network, column: int) -> Exception:
    if name is None:
        return fault("C012", "the name of a node is expected here", column, 'such as adj(x3) or adj("layer1.0.conv1")')
    hint = did_you_mean(name, (node.name for node in network.nodes))
    return fault("C003", f'there is no node "{visible(name, limit=60)}"', column, hint)


def _value_of(columns: Columns, index: int, places: Places) -> Tensors:
    at = columns.pass_.events.after_evaluation(index)
    known = places.position >= (at or 0)
    identity = np.where(known, index, -1)
    return Tensors(
        lambda k: columns.value_of(index) if known[k] else None, len(places), "value", identity, columns.value_of
    )


def _computed(of: Callable[..., Array], sign: str, column: int, *parts: Typed) -> Typed:
    for part in parts:
        if part.kind not in {Kind.NUMBER, Kind.TENSOR}:
            raise fault("C012", f'"{sign}" takes numbers and tensors, not {part.kind.value}', column)
    return (elementwise if any(part.kind is Kind.TENSOR for part in parts) else numeric)(of, *parts)


def _truth(tree: Tree, network: Network, sign: str, column: int) -> Typed:
    part = typed(tree, network)
    if part.kind is not Kind.TRUTH:
        what = f'"{sign}" joins conditions, not {part.kind.value}'
        raise fault("C012", what, column, "compare it with something: norm(adj) > 0")
    return part


def _comparison(first: Tree, others: tuple[tuple[str, Tree, int], ...], network: Network) -> Typed:
    left = typed(first, network)
    pairs = []
    for sign, tree, column in others:
        right = typed(tree, network)
        pairs.append(_matching(left, right, column, sign) if "~" in sign else _compared(sign, left, right, column))
        left = right
    return _both(pairs)


def _compared(sign: str, left: Typed, right: Typed, column: int) -> Typed:
    if left.kind is not right.kind or left.kind is Kind.TENSOR:
        what = f'"{sign}" cannot compare {left.kind.value} with {right.kind.value}'
        tensors = Kind.TENSOR in {left.kind, right.kind}
        raise fault("C012", what, column, "make a number of a tensor: norm(adj), max(adj), adj.mean" if tensors else "")
    if left.kind is not Kind.NUMBER and sign not in {"==", "!="}:
        raise fault("C012", f'"{sign}" compares numbers only', column)
    of = _COMPARING[sign]

    def compare(columns: Columns, places: Places) -> Column:
        a, b = left.column(columns, places), right.column(columns, places)
        with np.errstate(all="ignore"):
            holds = np.asarray(of(a.data, b.data), bool)
        return _truths(holds & a.known & b.known)

    return scalar(Kind.TRUTH, max(left.need, right.need), compare)


def _matching(text: Typed, pattern: Typed, column: int, sign: str = "~") -> Typed:
    if text.kind is not Kind.TEXT or not isinstance(pattern.constant, str):
        what = f'"{sign}" compares a text with a pattern in quotes'
        raise fault("C012", what, column, 'such as name ~ "layer3.*"')
    if pattern.constant.count("*") > 8:
        raise fault("C013", "a pattern may have at most 8 stars", column)
    matches = re.compile(translate(pattern.constant)).match
    wanted = sign == "~"

    def compare(columns: Columns, places: Places) -> Column:
        made = text.column(columns, places)
        found = {entry: (matches(entry) is not None) is wanted for entry in set(made.data.tolist())}
        holds = np.array([found[entry] for entry in made.data.tolist()], bool)
        return _truths(holds & made.known)

    return scalar(Kind.TRUTH, text.need, compare)


def _truths(data: np.ndarray[Any, Any]) -> Column:
    return Column(data, np.ones(len(data), bool))


def _negated(part: Typed) -> Typed:
    return scalar(Kind.TRUTH, part.need, lambda columns, places: _truths(~part.column(columns, places).data))


def _both(parts: list[Typed]) -> Typed:
    return parts[0] if len(parts) == 1 else _joined(parts, stop_at=False)


def _either(parts: list[Typed]) -> Typed:
    return parts[0] if len(parts) == 1 else _joined(parts, stop_at=True)


def _joined(parts: list[Typed], *, stop_at: bool) -> Typed:
    """Ask each part only at places that those before it left open."""

    def column(columns: Columns, places: Places) -> Column:
        result = np.full(len(places), stop_at)
        open_ = np.arange(len(places))
        for part in parts:
            if not len(open_):
                break
            rest = places if len(open_) == len(places) else places.take(open_)
            open_ = open_[part.column(columns, rest).data != stop_at]
        result[open_] = not stop_at
        return _truths(result)

    return scalar(Kind.TRUTH, max(part.need for part in parts), column)


def _previous(part: Typed) -> Typed:
    if part.kind is Kind.TENSOR:

        def tensors(columns: Columns, places: Places) -> Tensors:
            before, known = columns.map.previous(places)
            made = part.tensors(columns, before)
            identity = None if made.identity is None else np.where(known, made.identity, -1)
            return Tensors(lambda k: made.get(k) if known[k] else None, made.count, made.name, identity, made.known_as)

        return tensor(part.need, tensors)

    def column(columns: Columns, places: Places) -> Column:
        before, known = columns.map.previous(places)
        made = part.column(columns, before)
        if part.kind is Kind.TRUTH:
            return _truths(made.data & known)
        return Column(made.data, made.known & known)

    return scalar(part.kind, part.need, column)


def _changed(part: Typed, at: int) -> Typed:
    if part.kind is Kind.TENSOR:
        what = "changed takes a node or a number, not a tensor"
        raise fault("C012", what, at, "such as changed(x3), changed(norm(adj))")
    before = _previous(part)

    def column(columns: Columns, places: Places) -> Column:
        now, then = part.column(columns, places), before.column(columns, places)
        differs = now.data != then.data
        if part.kind is Kind.NUMBER:
            differs &= ~(np.isnan(now.data) & np.isnan(then.data))
        return _truths((now.known != then.known) | (now.known & differs))

    return scalar(Kind.TRUTH, part.need, column)


def _changed_adjoint(index: int) -> Typed:
    """Whether an event made a node's adjoint another than it was, bit for bit: the seed, or a contribution did."""

    def column(columns: Columns, places: Places) -> Column:
        mine = (places.node == index) & ((places.moment == Moment.CONTRIBUTED) | (places.moment == Moment.SEEDED))
        result = np.zeros(len(places), bool)
        rows = np.flatnonzero(mine)
        every = columns.map.everything
        after = columns.adjoint_of(index, places.take(rows))
        before = columns.adjoint_of(index, every.take(places.position[rows] - 1))
        for k, row in enumerate(rows.tolist()):
            now, then = after.get(k), before.get(k)
            result[row] = now is not None and (then is None or now.tobytes() != then.tobytes())
        return _truths(result)

    return scalar(Kind.TRUTH, Need.EVENT, column)
