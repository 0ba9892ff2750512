"""Commands that ask for causes: where a number comes from, where NaN began, why an adjoint is zero."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Final

from resdebug.debugger.commands.command import Command, Reply, bad, node_name, node_names, say
from resdebug.debugger.commands.describing import number, strict, table
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.nonfinite import Birth, births, origin
from resdebug.debugger.operands import Operand
from resdebug.debugger.provenance import Step, provenance
from resdebug.debugger.zero import Cut, whyzero
from resdebug.passes.protocol import Pass
from resdebug.text import plural, visible

MOST_SHOWN: Final = 40
MOST_BIRTHS: Final = 20
_ELEMENT: Final = re.compile(r"(?P<name>.+?)\s*\[(?P<index>[-0-9,\s]*)\]", re.DOTALL)


def split_index(interpreter: Interpreter, text: str) -> tuple[str, tuple[int, ...]]:
    """Read ``NODE`` or ``NODE[i, j]``; without a node it is the one at the cursor. Raises BadInput."""
    if text not in interpreter.debugger.pass_.network:
        found = _ELEMENT.fullmatch(text)
        if found is not None:
            parts = [part.strip() for part in found["index"].split(",") if part.strip()]
            try:
                index = tuple(int(part) for part in parts)
            except ValueError:
                raise bad("C002", f"[{visible(found['index'], limit=60)}] is no index", "such as x[0,1,2]") from None
            return node_name(interpreter, found["name"]), index
    return node_name(interpreter, text), ()


def place(name: str, index: tuple[int, ...]) -> str:
    """Write an element: ``x[0,1]``."""
    return visible(name, limit=60) + (f"[{','.join(map(str, index))}]" if index else "")


def _where_from(interpreter: Interpreter, rest: str) -> Reply:
    name, index = split_index(interpreter, rest)
    pass_ = interpreter.debugger.pass_
    node = pass_.network[name]
    if not index and node.shape and node.type.size == 1:
        index = (0,) * len(node.shape)
    steps = list(provenance(pass_, name, index))
    rows = [["element", "adjoint", "mostly from", "contribution", "share", "of which through", "part", "share"]]
    shown = steps if len(steps) <= MOST_SHOWN else steps[: MOST_SHOWN // 2] + steps[-MOST_SHOWN // 2 :]
    rows += [_row(step) for step in shown]
    lines = table(rows)
    if len(shown) < len(steps):
        lines.insert(1 + MOST_SHOWN // 2, f"  … {len(steps) - len(shown)} steps left out (--json has all) …")
    last = steps[-1]
    if last.stopped:
        lines.append(f"the way ends at {place(last.node, last.index)}: {last.stopped}")
    else:
        lines.append(f"{plural(len(steps) - 1, 'step')} to the seed at {visible(last.node)}")
    if pass_.rule != "sum":
        lines.append(f"rule {pass_.rule}, wrong on purpose: contributions are weighed as it does")
    return say(*lines, steps=[_step_data(step) for step in steps])


def _row(step: Step) -> list[str]:
    row = [place(step.node, step.index), number(step.adjoint)]
    if step.edge is None:
        return [*row, "?" if step.stopped else "the seed", "", "", "", "", ""]
    of = f" of {step.arrivals}" if step.arrivals > 1 else ""
    row += [
        f"{visible(step.edge.consumer, limit=60)}.{visible(step.edge.slot)}{of}", number(step.contribution),
        _percent(step.share),
    ]  # fmt: skip
    if step.stopped:
        return [*row, "?", "", ""]
    parts = f" of {step.parts}" if step.parts > 1 else ""
    return [*row, place("ȳ", step.consumer_index) + parts, number(step.part), _percent(step.part_share)]


def _percent(share: float) -> str:
    return "?" if share != share else f"{100 * share:.3g}%"


def _step_data(step: Step) -> dict[str, Any]:
    data: dict[str, Any] = {
        "node": step.node, "index": list(step.index), "adjoint": strict(step.adjoint), "arrivals": step.arrivals,
    }  # fmt: skip
    if step.edge is not None:
        data |= {
            "consumer": step.edge.consumer, "slot": step.edge.slot, "contribution": strict(step.contribution),
            "share": strict(step.share), "consumer_index": list(step.consumer_index), "part": strict(step.part),
            "part_share": strict(step.part_share), "parts": step.parts,
            "way": step.way.value if step.way else None, "stopped": step.stopped or None,
        }  # fmt: skip
    return data


def _nan(interpreter: Interpreter, rest: str) -> Reply:
    pass_ = interpreter.debugger.pass_
    everything = rest == "all" and "all" not in pass_.network
    if everything:
        found = list(islice(births(pass_), MOST_BIRTHS + 1))
        lines = [line for birth in found[:MOST_BIRTHS] for line in _told(birth)]
        if len(found) > MOST_BIRTHS:
            lines.append(f"… and more: only the first {MOST_BIRTHS} places are shown")
        return say(*(lines or [_all_finite(None, pass_)]), births=[_birth_data(b) for b in found[:MOST_BIRTHS]])
    name = node_name(interpreter, rest) if rest else None
    birth = origin(pass_, name)
    if birth is None:
        return say(_all_finite(name, pass_), births=[])
    lines = _told(birth)
    chain = [birth]
    for root in birth.roots:
        lines += [f"  which began here: {line.strip()}" if k == 0 else line for k, line in enumerate(_told(root))]
        chain.append(root)
    return say(*lines, births=[_birth_data(b) for b in chain])


def _all_finite(name: str | None, pass_: Pass) -> str:
    far = "" if pass_.whole else ", as far as the trace goes"
    if name is None:
        return f"every value and every adjoint is finite{far}"
    return f"value and adjoint of {visible(name)} are finite{far}"


def _told(birth: Birth) -> list[str]:
    through = "" if birth.edge is None else f", through {visible(birth.edge.slot)} to {visible(birth.edge.source)}"
    what = number(birth.made)
    lines = [
        f"{what} began at {place(birth.node, birth.index)} ({birth.op}), {birth.stage.value}{through}: {birth.what}"
    ]
    return lines + [f"  {_operand(o)}" for o in birth.operands[:MOST_BIRTHS]]


def _operand(o: Operand) -> str:
    among = f", the most telling of {o.among}" if o.among > 1 else ""
    name = visible(o.name, limit=60)
    belongs = f"{place(o.node, o.index)}" if o.of == "value" else f"{o.of} at {place(o.node, o.index)}"
    return f"{name} = {number(o.value)} ({belongs}{among})"


def _birth_data(birth: Birth) -> dict[str, Any]:
    return {
        "node": birth.node, "op": birth.op, "stage": birth.stage.name.lower(), "index": list(birth.index),
        "made": strict(birth.made), "what": birth.what,
        "edge": None if birth.edge is None else
        {"consumer": birth.edge.consumer, "slot": birth.edge.slot, "source": birth.edge.source},
        "operands": [
            {"name": o.name, "node": o.node, "index": list(o.index), "value": strict(o.value), "of": o.of}
            for o in birth.operands
        ],
    }  # fmt: skip


def _whyzero(interpreter: Interpreter, rest: str) -> Reply:
    name = node_name(interpreter, rest)
    told = whyzero(interpreter.debugger.pass_, name)
    lines = [told.what, *(f"  {_cut(cut)}" for cut in told.cuts[:MOST_SHOWN])]
    if len(told.cuts) > MOST_SHOWN:
        lines.append(f"  … and {len(told.cuts) - MOST_SHOWN} more (--json has all)")
    cuts = [
        {"reason": c.reason.value, "what": c.what, "node": c.node,
         "edge": None if c.edge is None else {"consumer": c.edge.consumer, "slot": c.edge.slot},
         "edges": [{"consumer": e.consumer, "slot": e.slot} for e in c.edges]}
        for c in told.cuts
    ]  # fmt: skip
    return say(*lines, node=name, verdict=told.verdict.name.lower(), blocked=told.blocked, cuts=cuts)


def _cut(cut: Cut) -> str:
    if cut.edge is None:
        return f"at {visible(cut.node)}: {cut.reason.value}: {cut.what}"
    edge = f"{visible(cut.edge.consumer, limit=60)}.{visible(cut.edge.slot)} -> {visible(cut.node, limit=60)}"
    return f"{edge}: {cut.reason.value}: {cut.what}"


CAUSES: Final = "Causes"

COMMANDS: Final = (
    Command("where-from", ("origin", "o"), "[NODE[INDEX]]", "follow one number of an adjoint back to the seed",
            _where_from, CAUSES,
            "At every step: the contribution that made most of the element (its share of all magnitudes), and the\n"
            "element of the consumer's adjoint that made most of that contribution.\n"
            "Example: where-from x[0,1,5,7]",
            candidates=node_names),
    Command("nan", ("nonfinite",), "[NODE|all]", "find where NaN or infinity began, and what was made of what", _nan,
            CAUSES,
            "Without a node: the first NaN of the pass, else the first infinity. With one: what reaches its value\n"
            "or adjoint. nan all lists every place where such a number came out and none went in.",
            candidates=node_names),
    Command("whyzero", ("why-zero",), "[NODE]", "say what cuts a node without a gradient off from the target",
            _whyzero, CAUSES,
            "Names as few edges as possible, each with its reason: a mask, a zero factor, stop_gradient,\n"
            "underflow, saturation, or contributions that cancel.",
            candidates=node_names),
)  # fmt: skip
