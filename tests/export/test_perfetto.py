"""Trace events keep the rules of their format, and tell every event once."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import resdebug
from resdebug.errors import UsageError
from resdebug.export.registry import export
from resdebug.passes.events import Completed, Contributed, Evaluated
from resdebug.passes.selection import Level, Selection
from tests.support import block, two_path

NAMED = {"name": {"type": "string"}, "pid": {"type": "integer"}, "tid": {"type": "integer"}, "args": {"type": "object"}}
AT = {**NAMED, "ts": {"type": "number", "minimum": 0}, "cat": {"type": "string"}}


def event(ph: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "properties": {"ph": {"const": ph}, **properties},
        "required": ["ph", "name", "pid", "tid", *required],
        "additionalProperties": False,
    }


SCHEMA = {
    "type": "object",
    "required": ["traceEvents"],
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "otherData": {"type": "object"},
        "traceEvents": {
            "type": "array",
            "items": {
                "oneOf": [
                    event("X", {**AT, "dur": {"type": "number", "minimum": 0}}, "ts", "dur"),
                    event("i", {**AT, "s": {"enum": ["g", "p", "t"]}}, "ts"),
                    event("C", {**AT, "args": {"additionalProperties": {"type": "number"}}}, "ts", "args"),
                    event("M", NAMED, "args"),
                ]
            },
        },
    },
}
"""Of the Trace Event Format: the JSON object form, with complete, instant, counter and metadata events."""


def test_the_rules_of_the_format_and_every_event_once(tmp_path: Path) -> None:
    pass_, path = block(projection=True).run(), tmp_path / "t.perfetto.json"
    started = time.perf_counter()
    export(pass_, path)
    took = (time.perf_counter() - started) * 1e6
    document = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    jsonschema.validate(document, SCHEMA)
    events = document["traceEvents"]
    assert document["otherData"]["digest"] == pass_.digest()
    told = [e for e in events if e.get("cat") in {"evaluated", "seeded", "contributed", "completed"}]
    assert [e["args"]["k"] for e in told] == list(range(1, len(pass_.events) + 1))
    for mine, theirs in zip(told, pass_.events, strict=True):
        assert mine["args"]["node"] == theirs.node
        kinds = {Evaluated: "evaluated", Contributed: "contributed", Completed: "completed"}
        assert mine["cat"] == kinds.get(type(theirs), "seeded")
        if isinstance(theirs, Contributed):
            assert mine["args"]["bytes_made"] == pass_.contribution(theirs.edge).nbytes
        elif isinstance(theirs, Evaluated):
            node = pass_.network[theirs.node]
            read = sum(pass_.network[e.source].type.nbytes for e in node.inputs if e is not None)
            assert (mine["args"]["bytes_read"], mine["args"]["bytes_made"]) == (read, node.type.nbytes)
    for track in (1, 2, 3):
        slices = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e["ph"] == "X" and e["tid"] == track)
        assert all(end <= start + 1e-6 for (_, end), (start, _) in pairwise(slices))
    measured = sum(e["dur"] for e in told if e["ph"] == "X")
    assert 0 < measured < took
    sums = [e for e in events if e.get("cat") == "accumulated"]
    forks = [pass_.ledger(n.name) for n in pass_.network.nodes if pass_.adjoint(n.name) is not None]
    assert len(sums) == sum(len(rows) - 1 for rows in forks if rows)
    held = [e["args"]["bytes"] for e in events if e["ph"] == "C"]
    values = sum(pass_.network.nodes[i].type.nbytes for i in pass_.schedule.order)
    assert max(held) > values
    names = [e["args"]["name"] for e in events if e["name"] == "thread_name"]
    assert names == ["forward", "reverse", "blocks"]
    assert {e["name"] for e in events if e.get("cat") == "block"} == {"b1"}


def test_chosen_nodes_and_what_cannot_be_run(tmp_path: Path) -> None:
    pass_ = two_path().run()
    export(pass_, tmp_path / "some.perfetto.json", selection=Selection(nodes=("c",)))
    events = json.loads((tmp_path / "some.perfetto.json").read_text())["traceEvents"]
    assert {e["args"]["node"] for e in events if e["ph"] == "X" and e["cat"] != "block"} == {"c"}
    export(pass_, tmp_path / "full.jsonl")
    export(resdebug.load_trace(tmp_path / "full.jsonl"), tmp_path / "full.perfetto.json")
    export(pass_, tmp_path / "stats.jsonl", selection=Selection(Level.STATS))
    with pytest.raises(UsageError, match="X010"):
        export(resdebug.load_trace(tmp_path / "stats.jsonl"), tmp_path / "none.perfetto.json")
    assert not (tmp_path / "none.perfetto.json").exists()
