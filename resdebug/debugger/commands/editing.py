"""Commands that change something, and show what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from resdebug.debugger.commands.asking import split_index
from resdebug.debugger.commands.command import Command, Reply, bad, nothing, say, words
from resdebug.debugger.commands.describing import answer_data, answer_lines, number, short, strict, table
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.edited import branch_of
from resdebug.debugger.editor import Change, Difference, Editor, difference
from resdebug.debugger.edits import (
    CutForward,
    CutReverse,
    Edit,
    ScaleEdge,
    SetAttribute,
    SetRule,
    SetSeed,
    SetValue,
)
from resdebug.engine.accumulation import RULES
from resdebug.passes.protocol import Pass
from resdebug.text import adjoint_of, plural, visible

MOST_SHOWN: Final = 10
_WORDS: Final = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def editor_of(interpreter: Interpreter) -> Editor:
    """Return the interpreter's editor, made when something is changed for the first time."""
    if interpreter.editor is None:
        interpreter.editor = Editor(interpreter.debugger.pass_)
    return interpreter.editor


def _apply(interpreter: Interpreter, edit: Edit) -> Reply:
    change = editor_of(interpreter).apply(edit)
    interpreter.debugger = interpreter.debugger.on(change.after)
    return _report(change, str(change), change.before, change.after)


def _report(change: Change, heading: str, before: Pass, after: Pass, *, restored: bool = False) -> Reply:
    work = change.work
    again = f"{plural(work.values, 'value')} and {plural(work.adjoints, 'adjoint')} computed again"
    if work.whole:
        again = "so much depends on it that the whole pass ran in batches"
    if restored:
        again = "restored"
    heading = f"{heading}: {again}; {len(work.changed_values)} and {len(work.changed_adjoints)} differ"
    lines = [heading, f"  {_target(before, after)}"]
    if after.rule != "sum":
        lines.append(f"  rule {after.rule}: wrong on purpose")
    return say(
        *lines, edit=str(change), values=work.values, adjoints=work.adjoints, whole=work.whole,
        changed_values=len(work.changed_values), changed_adjoints=len(work.changed_adjoints),
        before=_number(before), after=_number(after),
    )  # fmt: skip


def _number(pass_: Pass) -> Any:
    value = pass_.value(pass_.target)
    return None if value is None else strict(float(value.item()))


def _target(before: Pass, after: Pass) -> str:
    old, new = before.value(before.target), after.value(after.target)
    if old is None or new is None:
        return "the target has no value"
    a, b = float(old.item()), float(new.item())
    name = visible(after.target)
    return f"{name} stays {number(a)}" if a == b else f"{name}: {number(a)} -> {number(b)} (difference {number(b - a)})"


def _set(interpreter: Interpreter, rest: str) -> Reply:
    left, sign, right = rest.partition("=")
    left, right = left.strip(), right.strip()
    if not sign or not left or not right:
        hint = "set NODE = 2, set NODE[0,1] = 2, set NODE = [1, 2, 3], set NODE.stride = 2"
        raise bad("C002", f'set takes NODE = VALUE, not "{visible(rest, limit=60)}"', hint)
    return _apply(interpreter, _assignment(interpreter, left, _value(right)))


def _assignment(interpreter: Interpreter, left: str, value: Any) -> Edit:
    network = interpreter.debugger.pass_.network
    owner, dot, key = left.rpartition(".")
    if dot and left not in network and owner.strip() in network:
        return SetAttribute(owner.strip(), key.strip(), value)
    name, index = split_index(interpreter, left)
    if isinstance(value, str | dict) or value is None:
        raise bad("C002", f'"{visible(str(value), limit=60)}" is neither a number nor a list of them')
    return SetValue(name, value, index or None)


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise bad("C013", "the value is nested too deeply") from None
    except ValueError:
        if text.isidentifier():
            return text
        hint = 'a number, nan, inf, true, null, a list [1, 2], or a text in quotes "same"'
        raise bad("C002", f'"{visible(text, limit=60)}" is not a value', hint) from None


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _factor(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise bad("C002", f'"{visible(text, limit=60)}" is not a number') from None


def _edge(text: str) -> tuple[str, str]:
    """Read ``CONSUMER.SLOT``."""
    parts = words(text)
    consumer, dot, slot = (parts[0] if len(parts) == 1 else text).rpartition(".")
    if not dot:
        raise bad(
            "C002", f'"{visible(text, limit=60)}" is not CONSUMER.SLOT', "such as add.b; node NAME lists the slots"
        )
    return consumer, slot


def _cut(interpreter: Interpreter, rest: str) -> Reply:
    return _apply(interpreter, CutReverse(*_edge(rest)))


def _zero(interpreter: Interpreter, rest: str) -> Reply:
    return _apply(interpreter, CutForward(*_edge(rest)))


def _scale(interpreter: Interpreter, rest: str) -> Reply:
    what, _, factor = rest.rpartition(" ")
    what = what.strip()
    if not what:
        raise bad("C002", "scale takes CONSUMER.SLOT FACTOR, or BLOCK FACTOR", "such as scale block1 0.5")
    network = interpreter.debugger.pass_.network
    parts = words(what)
    name = parts[0] if len(parts) == 1 else what
    if any(node.block == name for node in network.nodes):
        edge = branch_of(network, name)
        return _apply(interpreter, ScaleEdge(edge.consumer, edge.slot, _factor(factor)))
    return _apply(interpreter, ScaleEdge(*_edge(what), _factor(factor)))


def _seed(interpreter: Interpreter, rest: str) -> Reply:
    return _apply(interpreter, SetSeed(_factor(rest)))


def _rule(interpreter: Interpreter, rest: str) -> Reply:
    return _apply(interpreter, SetRule(rest))


def _undo(interpreter: Interpreter, rest: str) -> Reply:
    nothing("undo", rest)
    change = editor_of(interpreter).undo()
    interpreter.debugger = interpreter.debugger.on(change.before)
    return _report(change, f"undone: {change}", change.after, change.before, restored=True)


def _redo(interpreter: Interpreter, rest: str) -> Reply:
    nothing("redo", rest)
    change = editor_of(interpreter).redo()
    interpreter.debugger = interpreter.debugger.on(change.after)
    return _report(change, f"done again: {change}", change.before, change.after, restored=True)


def _changes(interpreter: Interpreter, rest: str) -> Reply:
    nothing("changes", rest)
    editor = editor_of(interpreter)
    lines = [f"  {k}  {change}" for k, change in enumerate(editor.changes, start=1)]
    lines += [f"  undone: {change}" for change in editor.undone]
    if editor.forgotten:
        lines.append(f"  {plural(editor.forgotten, 'older edit')} can no longer be undone, for want of memory")
    data = [str(change) for change in editor.changes]
    return say(*(lines or ["nothing is changed"]), changes=data, undone=[str(c) for c in editor.undone])


def _diff(interpreter: Interpreter, rest: str) -> Reply:
    changes = editor_of(interpreter).changes
    if not changes:
        raise bad("C005", "nothing is changed: there is no difference to show", "set NODE = VALUE changes something")
    last = changes[-1]
    network = interpreter.debugger.pass_.network
    if rest and not (rest == "all" and "all" not in network):
        name = split_index(interpreter, rest)[0]
        return _one(last, name)
    found = last.differences()
    shown = found if rest == "all" else found[:MOST_SHOWN]
    lines = [f"{last}: {plural(len(found), 'tensor')} differ"]
    if found:
        lines += table([["tensor", "before", "after", "difference", "relative"], *map(_row, shown)])
    if len(shown) < len(found):
        lines.append(f"  … and {len(found) - len(shown)} more; diff all shows them, diff NODE one in full")
    return say(*lines, edit=str(last), differences=[_difference_data(d) for d in found])


def _one(change: Change, name: str) -> Reply:
    lines: list[str] = []
    both = [difference(change.before, change.after, name, of) for of in ("value", "adjoint")]
    for d in both:
        label = visible(name) if d.of == "value" else visible(adjoint_of(name))
        lines += answer_lines(f"{label} before", d.before)
        lines += answer_lines(f"{label} after", d.after)
        if d.difference is not None:
            lines += answer_lines("difference", d.difference)
    return say(*lines, edit=str(change), differences=[_difference_data(d) for d in both])


def _row(d: Difference) -> list[str]:
    label = visible(d.node, limit=60) if d.of == "value" else visible(adjoint_of(d.node), limit=60)
    relative = f"{d.relative:.3g}" if np.isfinite(d.relative) else "new"
    return [label, short(d.before), short(d.after), short(d.difference), relative]


def _difference_data(d: Difference) -> dict[str, Any]:
    return {
        "node": d.node, "of": d.of, "before": answer_data(d.before), "after": answer_data(d.after),
        "relative": strict(d.relative),
    }  # fmt: skip


def _save(interpreter: Interpreter, rest: str) -> Reply:
    parts = words(rest)
    force = "--force" in parts
    names = [part for part in parts if part != "--force"]
    if len(names) != 1:
        raise bad("C002", "save takes FILE, and --force to replace it")
    if interpreter.save is None:
        raise bad("C005", "networks cannot be saved here")
    pass_ = editor_of(interpreter).live()
    line = interpreter.save(names[0], force)
    lines = [line]
    if pass_.rule != "sum":
        lines.append(f"the rule {pass_.rule} is no part of a network: open it with --rule {pass_.rule}")
    return say(*lines, file=names[0])


def _edges(interpreter: Interpreter) -> Iterable[str]:
    return (f"{edge.consumer}.{edge.slot}" for edge in interpreter.debugger.pass_.network.edges)


def _settable(interpreter: Interpreter) -> Iterable[str]:
    for node in interpreter.debugger.pass_.network.nodes:
        if node.is_leaf:
            yield node.name
        else:
            yield from (f"{node.name}.{key}" for key in node.attributes)


def _rules(_: Interpreter) -> Iterable[str]:
    return RULES


WHAT_IF: Final = "What if"

COMMANDS: Final = (
    Command("set", ("edit", "e"), "NODE[INDEX] = VALUE", "give a leaf other numbers, or an attribute another value",
            _set, WHAT_IF,
            "set W = 0.5 fills the tensor, set W[0,1] = 0.5 changes one element, set x = [1, 2] gives all of them;\n"
            "set conv1.stride = 2 changes an attribute. Only what depends on it is computed again.",
            candidates=_settable),
    Command("cut", (), "CONSUMER.SLOT", "drop the contribution through one edge; values stay", _cut, WHAT_IF,
            "A stop_gradient is put on the edge.", candidates=_edges),
    Command("zero", (), "CONSUMER.SLOT", "put zeros in the place of one operand, forward and so in reverse", _zero,
            WHAT_IF,
            "A constant of zeros takes the operand's place; nothing goes back through that edge.", candidates=_edges),
    Command("scale", (), "CONSUMER.SLOT|BLOCK FACTOR", "scale what goes through one edge, or through a block's branch",
            _scale, WHAT_IF,
            "A scale is put on the edge; of a block it is the one through which the branch enters the join.",
            candidates=_edges),
    Command("seed", (), "NUMBER", "start the reverse pass with another number than 1", _seed, WHAT_IF,
            "A scale is put after the target, and is the new target: so the old one's adjoint is the number."),
    Command("rule", (), "NAME", "accumulate contributions by another rule: sum, or one that is wrong on purpose", _rule,
            WHAT_IF, candidates=_rules),
    Command("undo", (), "", "go back to before the last change, bit for bit", _undo, WHAT_IF),
    Command("redo", (), "", "do again what was undone", _redo, WHAT_IF),
    Command("changes", (), "", "list what is changed", _changes, WHAT_IF),
    Command("diff", (), "[NODE|all]", "show old and new of the last change side by side", _diff, WHAT_IF),
    Command("save", (), "FILE [--force]", "write the network as it is now to a new file", _save, WHAT_IF,
            "Node-link JSON; large tensors that were changed go into a .safetensors file beside it."),
)  # fmt: skip
