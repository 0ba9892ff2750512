"""Commands that show something and change nothing."""

from __future__ import annotations

import re
from dataclasses import asdict
from fnmatch import translate
from typing import Any, Final

from resdebug.debugger.commands.command import (
    Command,
    Reply,
    bad,
    node_name,
    node_names,
    say,
    whole_number,
)
from resdebug.debugger.commands.describing import (
    answer_data,
    answer_lines,
    event_line,
    number,
    strict,
    summary_lines,
    table,
    whereabouts,
)
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.commands.stopping import vocabulary
from resdebug.debugger.debugger import Debugger, State
from resdebug.engine.norms import norm
from resdebug.passes.protocol import Of
from resdebug.text import adjoint_of, plural, visible

MOST_LISTED: Final = 40


def _where(interpreter: Interpreter, rest: str) -> Reply:
    debugger = interpreter.debugger
    if rest:
        raise bad("C002", "where takes no argument", "node NAME tells of a node")
    pass_ = debugger.pass_
    phase = "forward" if debugger.in_forward_pass else "reverse"
    node = pass_.network[debugger.focus()]
    lines = [f"{phase} pass of {visible(pass_.network.name or 'a network')}, target {visible(pass_.target)}"]
    if pass_.rule != "sum":
        lines.append(f"rule {pass_.rule}: wrong on purpose")
    here = whereabouts(debugger)
    lines += here.lines
    lines.append(f"at {_node_line(interpreter, node.name)}")
    stops = debugger.stops.at(debugger.position)
    lines += [f"stop {stop.number} holds here: {visible(str(stop.spec))}" for stop in stops]
    about = {"phase": phase, "rule": pass_.rule, "stops": [stop.number for stop in stops], **here.data}
    return say(*lines, **about)


def _node_line(interpreter: Interpreter, name: str) -> str:
    node = interpreter.debugger.pass_.network[name]
    state = interpreter.debugger.node_state(name)
    block = f", block {visible(node.block)}" if node.block else ""
    arrived = f", {state.arrived} of {plural(state.expected, 'contribution')}" if state.expected else ""
    return f"{visible(name)}: {node.op} {node.type}{block}, {state.state.value}{arrived}"


def _node(interpreter: Interpreter, rest: str) -> Reply:
    name = node_name(interpreter, rest)
    debugger = interpreter.debugger
    network = debugger.pass_.network
    node = network[name]
    inputs = [f"{visible(e.slot)}={visible(e.source)}" for e in node.inputs if e is not None]
    consumers = [f"{visible(e.consumer)}.{visible(e.slot)}" for e in network.consumers[node.index]]
    settings = ", ".join(f"{key}={visible(str(value), limit=60)}" for key, value in node.attributes.items())
    lines = [_node_line(interpreter, name)]
    lines += [f"settings: {settings}"] if settings else []
    lines += [f"inputs: {_some(inputs)}"] if inputs else []
    lines += [f"consumers: {_some(consumers)}"] if consumers else []
    state = debugger.node_state(name)
    about: dict[str, Any] = {
        "node": name, "op": node.op, "shape": list(node.shape), "dtype": node.dtype, "block": node.block or None,
        "state": state.state.name.lower(), "arrived": state.arrived, "expected": state.expected,
        "inputs": [{"slot": e.slot, "node": e.source} for e in node.inputs if e is not None],
        "consumers": [{"node": e.consumer, "slot": e.slot} for e in network.consumers[node.index]],
    }  # fmt: skip
    return say(*lines, **about)


def _some(items: list[str]) -> str:
    more = f", … ({len(items)} in all)" if len(items) > 8 else ""
    return ", ".join(items[:8]) + more


def _ledger(interpreter: Interpreter, rest: str) -> Reply:
    name = node_name(interpreter, rest)
    debugger = interpreter.debugger
    pass_ = debugger.pass_
    rows = {row.edge.index: row for row in debugger.ledger(name)}
    edges = debugger.pass_.arrivals(name)[: debugger.arrived(name)]
    state = debugger.node_state(name)
    title = (
        f"ledger of {visible(adjoint_of(name))}: {state.arrived} of {plural(state.expected, 'contribution')} arrived"
    )
    if name == debugger.pass_.target:
        seeded = "planted" if not debugger.in_forward_pass else "not planted yet"
        return say(f"ledger of {visible(adjoint_of(name))}: the target's seed, 1, is {seeded}", node=name, rows=[])
    if not state.expected:
        title = f"ledger of {visible(adjoint_of(name))}: nothing ever arrives"
    cells = [["#", "consumer", "slot", "way", "norm", "norm of the sum", ""]]
    data: list[dict[str, Any]] = []
    for k, edge in enumerate(edges, start=1):
        route = debugger.finder.columns.routes.route(edge)
        way = route.way.value if route is not None else ""
        row, shown = rows.get(edge.index), ""
        if row is None:
            sizes = pass_.size_of(Of.CONTRIBUTION, edge), pass_.size_of(Of.PARTIAL, edge)
        else:
            sizes = norm(row.contribution), norm(row.running)
            if row.contribution.size == 1:
                shown = f"+ {number(row.contribution.item())} = {number(row.running.item())}"
        told = ["?" if size is None else number(size) for size in sizes]
        cells.append([str(k), visible(edge.consumer, limit=40), visible(edge.slot), way, *told, shown])
        data.append({"consumer": edge.consumer, "slot": edge.slot, "way": way or None,
                     "norm": strict(sizes[0]), "running_norm": strict(sizes[1])})  # fmt: skip
    lines = [title, *(table(cells) if edges else [])]
    complete = state.state is State.COMPLETE
    absent = next((why for edge in edges if (why := pass_.lacking(Of.CONTRIBUTION, edge))), "")
    if absent:
        lines.append(f"the numbers of the contributions: {absent}")
    elif complete and rows:
        lines.append(f"complete: the last sum is the adjoint of {visible(name)}")
    return say(*lines, node=name, arrived=state.arrived, expected=state.expected, complete=complete, rows=data)


def _print(interpreter: Interpreter, rest: str) -> Reply:
    if not rest:
        raise bad("C002", "print needs to know what", "such as print adj, print value x, print norm(adj(x))")
    debugger = interpreter.debugger
    word, _, name = rest.partition(" ")
    word = {"adjoint": "adj", "val": "value", "v": "value", "a": "adj"}.get(word, word)
    if word in {"adj", "value"} and name.strip():
        node = node_name(interpreter, name.strip())
        quoted = node.replace("\\", "\\\\").replace('"', '\\"')
        rest = f'{word}("{quoted}")'
    elif rest in {"adjoint", "val", "v", "a"}:
        rest = word
    elif rest in debugger.pass_.network:
        replies = [_print(interpreter, f"{which} {rest}") for which in ("value", "adj")]
        return say(*replies[0].lines, *replies[1].lines, value=replies[0].data, adjoint=replies[1].data)
    answer = debugger.ask(rest)
    if answer is None:
        told = _statistics(debugger, rest)
        if told is not None:
            return told
    return say(*answer_lines(visible(rest, limit=100), answer), **answer_data(answer))


def _statistics(debugger: Debugger, text: str) -> Reply | None:
    """Answer ``value`` and ``adj``, of a node or at the cursor, with what a trace has in place of the numbers."""
    which, _, named = text.partition("(")
    which, name = which.strip(), named.strip().removesuffix(")").strip('"') if named else debugger.focus()
    if which not in {"value", "adj"} or name not in debugger.pass_.network:
        return None
    of, state = (Of.VALUE if which == "value" else Of.ADJOINT), debugger.node_state(name).state
    there = state is State.COMPLETE if of is Of.ADJOINT else state not in {State.WAITING, State.IDLE}
    told = debugger.pass_.summary(of, name) if there and debugger.pass_.lacking(of, name) else None
    if told is None:
        return None
    node = debugger.pass_.network[name]
    label = f"{visible(text, limit=100)}: {node.dtype}{list(node.shape)}, {plural(told.size, 'element')}"
    summary = {key: strict(item) for key, item in asdict(told).items()}
    return say(label, *summary_lines(told), shape=list(node.shape), dtype=node.dtype, summary=summary)


def _list(interpreter: Interpreter, rest: str) -> Reply:
    debugger = interpreter.debugger
    around = whole_number(rest, default=10)
    timeline, here = debugger.timeline, debugger.position
    first = max(here - around // 2, 0)
    last = min(first + around, len(timeline))
    lines = [
        f"{'>' if k == here else ' '} {k:>7}  {event_line(timeline[k - 1] if k else None)}"
        for k in range(first, last + 1)
    ]
    return say(*lines, position=here, first=first, last=last)


def _search(interpreter: Interpreter, rest: str) -> Reply:
    if not rest:
        raise bad("C002", "search needs to know what", "a part of a name, a glob such as layer3.*, or an operator")
    debugger = interpreter.debugger
    nodes = debugger.pass_.network.nodes
    wanted = rest.casefold()
    if wanted.count("*") > 8:
        raise bad("C013", "a pattern may have at most 8 stars")
    glob = re.compile(translate(wanted)).match if any(c in wanted for c in "*?") else None
    found = [
        node for node in (nodes[i] for i in debugger.pass_.schedule.order)
        if node.op == wanted or (glob(node.name.casefold()) if glob else wanted in node.name.casefold())
    ]  # fmt: skip
    lines = [_node_line(interpreter, node.name) for node in found[:MOST_LISTED]]
    if len(found) > MOST_LISTED:
        lines.append(f"… and {plural(len(found) - MOST_LISTED, 'more node')}")
    return say(plural(len(found), "node"), *lines, nodes=[node.name for node in found], count=len(found))


SECTION: Final = "Looking"

COMMANDS: Final = (
    Command("where", ("wh", "bt"), "", "tell where the cursor is", _where, SECTION),
    Command("ledger", ("l",), "[NODE]", "the contributions that have arrived at a node, and how they add up", _ledger,
            SECTION, candidates=node_names),
    Command("node", (), "[NODE]", "all about a node: operator, shape, settings, neighbours", _node, SECTION,
            candidates=node_names),
    Command("print", ("p",), "value|adj [NODE] | NODE | EXPRESSION",
            "show a tensor or any expression: small ones in full, large ones in a few numbers", _print, SECTION,
            "Examples: print adj   print value conv1   print x   print norm(adj(x)) / norm(value(x))", vocabulary),
    Command("list", ("ls",), "[COUNT]", "the events around the cursor", _list, SECTION),
    Command("search", ("/",), "TEXT", "find nodes by a part of the name, a glob, or an operator", _search, SECTION,
            candidates=node_names),
)  # fmt: skip
