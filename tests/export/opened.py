"""A page in a browser, and a trace as a plain reader of JSON has it, for tests to compare."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resdebug.export.registry import export
from resdebug.passes.protocol import Pass


def adjoint(pass_: Pass, node: str) -> np.ndarray:
    found = pass_.adjoint(node)
    assert found is not None
    return found


def written(pass_: Pass, path: Path, **options: Any) -> Path:
    export(pass_, path, **options)
    return path


class Opened:
    """A page in the browser, and all that it should not have done."""

    def __init__(self, browser: Any, path: Path, **settings: Any) -> None:
        self.page = browser.new_context(**settings).new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(
            "window.violations = [];"
            "document.addEventListener('securitypolicyviolation', (e) => window.violations.push(e.violatedDirective))"
        )
        self.page.goto(path.as_uri())
        self.settle()

    def settle(self) -> None:
        self.page.evaluate("() => new Promise((r) => requestAnimationFrame(r))")

    def press(self, *keys: str) -> int:
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()
        return self.position

    @property
    def position(self) -> int:
        return int(self.page.evaluate("() => document.documentElement.dataset.event"))

    def text(self, id_: str) -> str:
        return str(self.page.evaluate("(id) => document.getElementById(id).innerText", id_))

    def numbers(self, selector: str) -> list[float]:
        found = self.page.eval_on_selector_all(selector, "(all) => all.map((e) => e.value)")
        return [float(x) for x in found]

    def is_clean(self) -> None:
        assert self.complaints == []
        assert self.page.evaluate("() => window.violations") == []
        assert [url for url in self.requests if not url.startswith("file:")] == []
        assert len(self.requests) == 1


def euclidean(numbers: list[float]) -> float:
    return math.sqrt(math.fsum(x * x for x in numbers))


def flat(tensor: dict[str, Any]) -> list[float]:
    return [float(x) for x in np.ravel(tensor["data"])]


class Record:
    """A trace as a plain reader of JSON has it, and where steps of each size must stop by what its events say."""

    def __init__(self, path: Path) -> None:
        header, *self.events = map(json.loads, path.read_text("utf-8").splitlines())
        assert self.events.pop()["event"] == "end"
        self.blocks = {node["id"]: node.get("block", "") for node in header["network"]["nodes"]}
        self.ops = {node["id"]: node["op"] for node in header["network"]["nodes"]}
        kinds = [event["event"] for event in self.events]
        self.seeded = kinds.index("seeded") + 1
        self.last = len(kinds)
        ends = {0, *range(self.seeded), self.seeded, self.last}
        self.stops = {
            "s": sorted(ends | {k for k, kind in enumerate(kinds, 1) if kind == "contributed"}),
            "n": sorted(ends | {k for k, kind in enumerate(kinds, 1) if kind == "completed"}),
            "f": sorted(ends | self.ends_of_blocks()),
        }

    def ends_of_blocks(self) -> set[int]:
        """A visit lasts up to the next completed; a block up to its last visit; what is in no block is one itself."""
        last: dict[str, int] = {}
        visits = [k for k, event in enumerate(self.events, 1) if event["event"] == "completed"] + [self.last + 1]
        for start, after in pairwise(visits):
            node = self.events[start - 1]["node"]
            if self.ops[node] not in {"input", "parameter", "constant"}:
                last[self.blocks[node] or f"node {node}"] = after - 1
        return set(last.values())

    def arrived(self, position: int, node: str) -> list[dict[str, Any]]:
        return [e for e in self.events[:position] if e["event"] == "contributed" and e["node"] == node]


LEDGER = """() => {
  const numbers = (of, where) => [...of.querySelectorAll(where + " data")].map((e) => Number(e.value));
  const body = document.getElementById("ledger-body");
  const rows = [...body.querySelectorAll("tbody.entry")].map((row) => ({
    consumer: row.querySelector(".link").innerText, numbers: numbers(row, ".elements"), norm: numbers(row, ".size"),
    running: numbers(row, ".so-far"), shown: row.querySelector(".size").innerText }));
  return { rows, sum: numbers(body, "tfoot .elements") };
}"""
"""What the ledger on the page shows."""


def ledger_agrees(opened: Opened, record: Record) -> int:
    """Compare what the ledger shows with the trace; returns how many contributions it shows."""
    position = opened.position
    arrived = record.arrived(position, record.events[position - 1]["node"])
    ledger = opened.page.evaluate(LEDGER)
    for row, sent in zip(ledger["rows"], arrived, strict=True):
        numbers = flat(sent["contribution"])
        assert row["consumer"] == sent["consumer"]
        assert len(row["numbers"]) >= min(4, len(numbers))
        assert row["numbers"] == numbers[: len(row["numbers"])]
        assert row["norm"] == [pytest.approx(euclidean(numbers), rel=1e-12)]
        assert row["running"] == [pytest.approx(euclidean(flat(sent["partial"])), rel=1e-12)]
        assert float(row["shown"].replace("−", "-")) == pytest.approx(euclidean(numbers), rel=1e-3)
    if arrived:
        assert ledger["sum"] == flat(arrived[-1]["partial"])[: len(ledger["rows"][-1]["numbers"])]
    return len(arrived)
