"""What commands say of a moment, a node, a tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from resdebug.debugger.commands.command import Reply, say
from resdebug.debugger.conditions.condition import Answer
from resdebug.debugger.debugger import Debugger
from resdebug.engine.norms import norm
from resdebug.passes.events import Completed, Contributed, Evaluated, Event, Seeded
from resdebug.passes.summary import Summary, summarise
from resdebug.text import visible


def event_line(event: Event | None) -> str:
    """Say an event in a few words."""
    match event:
        case None:
            return "nothing has happened yet"
        case Evaluated(node):
            return f"evaluated {visible(node)}"
        case Seeded(node):
            return f"seeded {visible(node)}"
        case Completed(node):
            return f"completed {visible(node)}"
        case Contributed(edge):
            return f"contributed {visible(edge.consumer)}.{visible(edge.slot)} -> {visible(edge.source)}"


def event_data(event: Event | None) -> dict[str, Any]:
    """Return an event as plain data."""
    match event:
        case None:
            return {"event": None}
        case Contributed(edge):
            return {"event": "contributed", "node": edge.source, "consumer": edge.consumer, "slot": edge.slot}
    return {"event": type(event).__name__.lower(), "node": event.node}


def whereabouts(debugger: Debugger) -> Reply:
    """Say where the cursor is."""
    k, total = debugger.position, len(debugger.timeline)
    return say(f"event {k}/{total}: {event_line(debugger.last)}", position=k, of=total, **event_data(debugger.last))


MOST_NUMBERS: Final = 64
"""A tensor of so many elements is shown in full."""


def number(value: Any) -> str:
    """Write a number for a transcript: as short as six digits can say it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def table(cells: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of text as aligned lines."""
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    return ["  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def answer_lines(label: str, answer: Answer) -> list[str]:
    """Say what an expression is: one line, or a tensor's numbers."""
    if answer is None:
        return [f"{label}: there is none here"]
    if not isinstance(answer, np.ndarray):
        return [f"{label} = {short(answer)}"]
    kind = f"{answer.dtype.name}{list(answer.shape)}"
    if answer.size == 1 and not answer.shape:
        return [f"{label} = {number(answer.item())}"]
    if answer.size <= MOST_NUMBERS:
        with np.printoptions(precision=6, floatmode="maxprec", linewidth=100, threshold=MOST_NUMBERS + 1, sign="-"):
            return [f"{label}: {kind}", *(f"  {line}" for line in str(answer).splitlines() if line.strip())]
    s = summarise(answer)
    return [f"{label}: {kind}, {s.size} elements", *summary_lines(s)]


def summary_lines(s: Summary) -> list[str]:
    """Say the statistics of a tensor."""
    extremes = f"min {number(s.minimum)}, max {number(s.maximum)}, mean {number(s.mean)}"
    lines = [f"  norm {number(s.norm)}, {extremes}, std {number(s.deviation)}, zeros {s.zeros}"]
    if s.nans or s.infinities:
        lines.append(f"  NaN {s.nans}, infinite {s.infinities}; the numbers above are of the finite ones")
    return lines


def short(answer: Answer) -> str:
    """Say what an expression is in a few characters."""
    match answer:
        case None:
            return "none"
        case bool():
            return "true" if answer else "false"
        case str():
            return f'"{visible(answer, limit=60)}"'
        case np.ndarray():
            if answer.size == 1:
                return number(answer.item())
            return f"{answer.dtype.name}{list(answer.shape)} norm {number(norm(answer))}"
    return number(answer)


def answer_data(answer: Answer) -> dict[str, Any]:
    """Return what an expression is as plain data: tensors in full as strict JSON where they are small."""
    if not isinstance(answer, np.ndarray):
        return {"result": strict(answer)}
    data: dict[str, Any] = {"shape": list(answer.shape), "dtype": answer.dtype.name}
    if answer.size <= MOST_NUMBERS:
        return data | {"data": [strict(item) for item in answer.ravel().tolist()]}
    return data | {"summary": {key: strict(item) for key, item in asdict(summarise(answer)).items()}}


def strict(value: Any) -> Any:
    """Return a number as strict JSON can say it; anything else as it is."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
