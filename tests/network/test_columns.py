"""Usual files are read as columns, others edge by edge: both are what stands in the file."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import resdebug
from resdebug.errors import BadInput
from resdebug.network import document
from resdebug.network.model import Network
from resdebug.network.order import schedule
from tests.network.making import MEMORY

Raw = dict[str, Any]
SLOTS = {"add": ("a", "b"), "mul": ("a", "b"), "tanh": ("x",), "scale": ("x",), "layer_norm": ("x", "weight", "bias")}


@st.composite
def files(draw: st.DrawFn) -> Raw:
    """A network with optional slots left empty, forks, repeated operands, idle parts, in any order of writing."""
    shape = draw(st.sampled_from([[], [2, 3]]))
    value = {"init": "normal", "seed": 1, "shape": shape} if shape else 0.5
    kinds = ("input", "parameter", "constant")
    nodes: list[Raw] = [
        {"id": f"x{i}", "op": draw(st.sampled_from(kinds)), "value": value} for i in range(draw(st.integers(1, 4)))
    ]
    if shape:
        nodes.append({"id": "w", "op": "parameter", "value": {"init": "ones", "shape": [3]}})
    names = [node["id"] for node in nodes if node["id"] != "w"]
    edges: list[Raw] = []
    for i in range(draw(st.integers(1, 12))):
        op = draw(st.sampled_from(sorted(SLOTS) if shape else ["add", "mul", "tanh", "scale"]))
        node: Raw = {"id": f"n{i}", "op": op}
        if op == "scale":
            node["factor"] = draw(st.sampled_from([0.0, -0.0, 2.0]))
        if op == "layer_norm":
            node["normalized_shape"] = [3]
        if draw(st.booleans()):
            node["block"] = draw(st.sampled_from(["b: 1", "{b[2]}"]))
        optional = draw(st.booleans())
        for slot in SLOTS[op]:
            if slot in {"weight", "bias"}:
                edges += [{"source": "w", "target": f"n{i}", "slot": slot}] if optional else []
            else:
                edges.append({"source": draw(st.sampled_from(names)), "target": f"n{i}", "slot": slot})
        nodes.append(node)
        names.append(f"n{i}")
    nodes.append({"id": "end", "op": "sum"})
    edges.append({"source": names[-1], "target": "end", "slot": "x"})
    about = {"target": "end", "description": draw(st.sampled_from(["", 'a ": {[" \\', "two: parts"]))}
    raw = {"directed": True, "multigraph": True, "graph": about}
    return raw | {"nodes": draw(st.permutations(nodes)), "edges": draw(st.permutations(edges))}


def read(raw: Raw, path: Path) -> Network:
    path.write_text(json.dumps(raw), encoding="utf-8")
    return resdebug.load(path, memory=MEMORY)


def as_written(net: Network, raw: Raw) -> None:
    """Compare a network with the file, found there in the plainest way."""
    assert [node.name for node in net.nodes] == [said["id"] for said in raw["nodes"]]
    assert [(e.index, e.source, e.consumer, e.slot) for e in net.edges] == [
        (k, said["source"], said["target"], said["slot"]) for k, said in enumerate(raw["edges"])
    ]
    for node, said in zip(net.nodes, raw["nodes"], strict=True):
        assert (node.op, node.block, node.written) == (said["op"], said.get("block", ""), said)
        assert net[node.name] is node
        slots = SLOTS.get(node.op, ("x",) if node.op == "sum" else ())
        into = {e["slot"]: e["source"] for e in raw["edges"] if e["target"] == node.name}
        assert [None if e is None else (e.slot, e.source) for e in node.inputs] == [
            (slot, into[slot]) if slot in into else None for slot in slots
        ]
        assert all(e is None or e is net.edges[e.index] for e in node.inputs)
        if node.op == "scale":
            assert str(node.attributes["factor"]) == str(said["factor"])
        uses = [k for k, e in enumerate(raw["edges"]) if e["source"] == node.name]
        assert [e.index for e in net.consumers[node.index]] == uses


@settings(max_examples=150, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(raw=files())
def test_every_way_of_reading_gives_what_is_written(tmp_path_factory: pytest.TempPathFactory, raw: Raw) -> None:
    path = tmp_path_factory.mktemp("columns") / "net.json"
    usual = read(raw, path)
    as_written(usual, raw)
    numbered = [{**e, "slot": SLOTS.get(usual[e["target"]].op, ("x",)).index(e["slot"])} for e in raw["edges"]]
    others = [
        read(raw | {"edges": numbered}, path),
        read(raw | {"edges": [{**e, "note": 1} for e in raw["edges"]]}, path),
        read(raw | {"edges": [{**e, "key": k} for k, e in enumerate(raw["edges"])]}, path),
        read({("links" if key == "edges" else key): value for key, value in raw.items()}, path),
        resdebug.from_networkx(usual.graph, memory=MEMORY),
    ]
    plan = schedule(usual)
    for other in others[:-1]:
        as_written(other, raw)
        again = schedule(other)
        assert (again.order, again.active) == (plan.order, plan.active)
        assert list(again.deliveries) == list(plan.deliveries)
        assert list(again.arrivals) == list(plan.arrivals)
    for other in others:
        assert [node.type for node in other.nodes] == [node.type for node in usual.nodes]
    received: dict[str, list[int]] = {node.name: [] for node in usual.nodes}
    for i in plan.reverse:
        for edge in plan.deliveries[i]:
            received[edge.source].append(edge.index)
    assert [[e.index for e in edges] for edges in plan.arrivals] == list(received.values())


TEXTS = ("", ":", '"', '\\":\\"', "a: b", "\\\\", '{"k": [1]}', "é: ü")


@settings(max_examples=200, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(
    names=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4),
    part=st.integers(1, 9),
    twice=st.sampled_from([None, "node", "edge", "graph", "top"]),
)
def test_a_key_that_appears_twice_is_found_between_any_strings(names: list[str], part: int, twice: str | None) -> None:
    again = {kind: f', "{key}": "n0"' if twice == kind else "" for kind, key in (("node", "id"), ("edge", "source"))}
    again |= {kind: ', "note": ":", "note": 2' if twice == kind else "" for kind in ("graph", "top")}
    nodes = ",".join(
        f'{{"id": "n{k}", "op": "tanh", "note": {json.dumps(text)}{again["node"] if k == 0 else ""}}}'
        for k, text in enumerate(names)
    )
    edge = f'{{"source": "n0", "target": "n0", "slot": "x"{again["edge"]}}}'
    text = (
        f'{{"directed": true, "graph": {{"description": {json.dumps(names[0])}{again["graph"]}}},'
        f' "nodes": [{nodes}], "edges": [{edge}]{again["top"]}}}'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "PART", part)
        if twice is None:
            assert len(document.decode(text.encode(), "net.json")["nodes"]) == len(names)
        else:
            with pytest.raises(BadInput) as refused:
                document.decode(text.encode(), "net.json")
            assert [fault.code for fault in refused.value.faults] == ["J031"]


def test_parts_are_made_once_whoever_asks() -> None:
    net = resdebug.generate("random", nodes=2000)
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda i: [net.nodes[k] for k in range(i, 2000, 7)], [*range(7)] * 4))
    by_index: dict[int, set[int]] = {}
    for node in [node for nodes in seen for node in nodes]:
        by_index.setdefault(node.index, set()).add(id(node))
    assert len(by_index) == 2000
    assert all(len(identities) == 1 for identities in by_index.values())
    assert [id(node) for node in net.nodes] == [next(iter(by_index[i])) for i in range(2000)]
    assert net.nodes[-1] is net.nodes[1999]
    assert net.nodes[3:5] == (net.nodes[3], net.nodes[4])
    with pytest.raises(IndexError):
        net.nodes[2000]


def test_a_guess_of_types_is_not_believed_where_one_operator_breaks_it(tmp_path: Path) -> None:
    nodes = [{"id": "x", "op": "input", "value": [1.0, 2.0]}, {"id": "t", "op": "tanh"}, {"id": "s", "op": "sum"}]
    edges = [{"source": "x", "target": "t", "slot": "x"}, {"source": "t", "target": "s", "slot": "x"}]
    net = read({"directed": True, "nodes": nodes, "edges": edges}, tmp_path / "net.json")
    assert [node.shape for node in net.nodes] == [(2,), (2,), ()]
    mixed = [*nodes, {"id": "y", "op": "input", "value": 1.0, "dtype": "float32"}, {"id": "z", "op": "add"}]
    more = [{"source": "s", "target": "z", "slot": "a"}, {"source": "y", "target": "z", "slot": "b"}]
    with pytest.raises(BadInput) as refused:
        read({"directed": True, "nodes": mixed, "edges": edges + more}, tmp_path / "net.json")
    assert [fault.code for fault in refused.value.faults] == ["S030"]
