"""A pass captured in PyTorch, written down with nothing but the page on the format, opens like one of our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import resdebug
from resdebug.verification.verifier import verify
from tests.cli.running import run
from tests.tui.driving import opened

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison with it is skipped")

LEAVES = {"x": "input", "W": "parameter"}
STEPS: dict[str, tuple[str, dict[str, str], Callable[..., Any], dict[str, Any]]] = {
    "h": ("linear", {"x": "x", "weight": "W"}, lambda x, weight: x @ weight.T, {}),
    "a": ("tanh", {"x": "h"}, torch.tanh, {}),
    "y": ("add", {"a": "a", "b": "x"}, lambda a, b: a + b, {}),
    "loss": ("sum", {"x": "y"}, lambda x: x.sum(), {"dim": None, "keepdim": False}),
}
"""A residual block as somebody wrote it: operator, slots, the function, and the operator's attributes."""


def tensor(of: Any) -> dict[str, Any]:
    return {"shape": list(of.shape), "dtype": "float64", "data": of.tolist()}


def capture(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Run PyTorch forward and back, and write down every event."""
    records = [{"event": "evaluated", "node": name, "value": tensor(v)} for name, v in values.items()]
    for name, (_, slots, function, _) in STEPS.items():
        values[name] = function(**{slot: values[source] for slot, source in slots.items()})
        records.append({"event": "evaluated", "node": name, "value": tensor(values[name])})
    adjoints = {"loss": torch.ones((), dtype=torch.float64)}
    records.append({"event": "seeded", "node": "loss", "adjoint": tensor(adjoints["loss"])})
    for name in [*reversed(STEPS), "x", "W"]:
        records.append({"event": "completed", "node": name, "adjoint": tensor(adjoints[name])})
        if name in LEAVES:
            continue
        _, slots, function, _ = STEPS[name]
        fed = {slot: values[source].clone().requires_grad_() for slot, source in slots.items()}
        sent = torch.autograd.grad(function(**fed), list(fed.values()), adjoints[name])
        for (slot, source), contribution in zip(slots.items(), sent, strict=True):
            adjoints[source] = adjoints[source] + contribution if source in adjoints else contribution
            records.append(
                {
                    "event": "contributed", "node": source, "consumer": name, "slot": slot,
                    "contribution": tensor(contribution), "partial": tensor(adjoints[source]),
                }
            )  # fmt: skip
    return [{"k": k, **record} for k, record in enumerate(records, start=1)]


@pytest.fixture
def numbers() -> dict[str, Any]:
    torch.manual_seed(0)
    return {"x": torch.randn(2, 3, dtype=torch.float64), "W": torch.randn(3, 3, dtype=torch.float64)}


@pytest.fixture
def path(tmp_path: Path, numbers: dict[str, Any]) -> Path:
    nodes = [{"id": n, "op": op, "shape": list(numbers[n].shape), "dtype": "float64"} for n, op in LEAVES.items()]
    nodes += [{"id": n, "op": op, **about} for n, (op, _, _, about) in STEPS.items()]
    edges = [{"source": s, "target": n, "slot": k} for n, (_, slots, _, _) in STEPS.items() for k, s in slots.items()]
    records = capture(dict(numbers))
    header = {
        "format": "resdebug-trace", "version": 2, "generator": f"PyTorch {torch.__version__}", "digest": "",
        "target": "loss", "rule": "sum", "events": len(records), "network": {"nodes": nodes, "edges": edges},
    }  # fmt: skip
    lines = [header, *records, {"event": "end", "k": len(records)}]
    path = tmp_path / "captured.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_it_opens_with_the_numbers_that_pytorch_had(path: Path, numbers: dict[str, Any]) -> None:
    leaves = {name: value.clone().requires_grad_() for name, value in numbers.items()}
    whole = dict(leaves)
    for name, (_, slots, function, _) in STEPS.items():
        whole[name] = function(**{slot: whole[source] for slot, source in slots.items()})
    whole["loss"].backward()
    recorded = resdebug.load_trace(path)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(np.asarray(recorded.adjoint(name)), leaf.grad.numpy(), rtol=1e-14)
    assert [(row.consumer, row.slot) for row in recorded.ledger("x")] == [("y", "b"), ("h", "x")]
    debugger = resdebug.Debugger(recorded)
    assert debugger.run(until="fanout > 1").position == debugger.position > 0


def test_it_is_verified_and_the_same_as_our_own_pass(path: Path, numbers: dict[str, Any], tmp_path: Path) -> None:
    report = verify(path)
    assert report.findings == []
    assert report.derived["contributions"] == report.contributions == 6
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(name="ours", target="loss")
    for name, op in LEAVES.items():
        graph.add_node(name, op=op, value=numbers[name].tolist())
    for name, (op, slots, _, _) in STEPS.items():
        graph.add_node(name, op=op)
        for slot, source in slots.items():
            graph.add_edge(source, name, slot=slot)
    ours = tmp_path / "ours.json"
    ours.write_text(json.dumps(nx.node_link_data(graph, edges="edges")), encoding="utf-8")
    done = run("diff", str(ours), str(path), "--tolerance", "1e-14")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "compared: 6 values, 6 contributions, 7 adjoints" in done.stdout


async def test_it_has_the_screens_of_a_live_pass(path: Path) -> None:
    async with opened(resdebug.load_trace(path), (100, 30), name="captured") as d:
        await d.press("n", "n", "s", "s")
        assert "(recorded)" in d.screen()
        assert "skip" in d.pane("ledger")
        await d.press("G")
        assert d.session.debugger.position == len(d.session.debugger.pass_.events)
