"""What plain networkx writes, resdebug reads, and the other way round."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import resdebug
from resdebug.errors import BadInput
from resdebug.network.model import Network
from tests.network.making import digest, load, plain

GRAPHS = sorted((Path(__file__).parents[2] / "graphs").glob("*.json"))


def block(kind: type[nx.DiGraph] = nx.MultiDiGraph) -> nx.DiGraph:
    """Return y = relu(x · W) + x, its mean squared difference from t, as somebody would build it with networkx."""
    graph = kind(name="block", target="loss", description="a residual block")
    graph.add_node("x", op="input", value=[[1.0, -2.0]])
    graph.add_node("W", op="parameter", value=[[0.5, 0.25], [-1.0, 2.0]], block="b")
    graph.add_node("t", op="constant", value=[[0.0, 1.0]])
    graph.add_node("h", op="matmul", block="b")
    graph.add_node("r", op="relu", block="b")
    graph.add_node("y", op="add", block="b", colour="red")
    graph.add_node("loss", op="mse_loss", reduction="sum")
    graph.add_edge("r", "y", slot="a")
    graph.add_edge("x", "h", slot="a")
    graph.add_edge("x", "y", slot="b")
    graph.add_edge("y", "loss", slot="x")
    graph.add_edge("h", "r", slot="x")
    graph.add_edge("W", "h", slot="b")
    graph.add_edge("t", "loss", slot="target")
    return graph


def wiring(network: Network) -> set[tuple[str, str, str]]:
    """Return all edges."""
    return {(edge.source, edge.consumer, edge.slot) for edge in network.edges}


def described(network: Network) -> list[tuple[Any, ...]]:
    """Return all that a network says of its nodes, numbers included."""
    return [
        (n.name, n.op, n.type, n.block, n.attributes, [e and e.source for e in n.inputs], number(network, n.name))
        for n in network.nodes
    ]


def number(network: Network, name: str) -> tuple[str, bytes] | None:
    """Return the bits of a leaf's numbers."""
    if name not in network.values:
        return None
    array = network.values[name].array()
    return array.dtype.name, array.tobytes()


def saved(graph: Any, folder: Path, **options: Any) -> Network:
    """Write a networkx graph with networkx and json alone, and load the file."""
    (folder / "net.json").write_text(json.dumps(nx.node_link_data(graph, **options)), encoding="utf-8")
    return resdebug.load(folder / "net.json")


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.MultiDiGraph])
@pytest.mark.parametrize("edges", ["edges", "links"])
def test_what_networkx_writes_is_read(edges: str, kind: type[nx.DiGraph], tmp_path: Path) -> None:
    network = saved(block(kind), tmp_path, edges=edges)
    assert [(n.name, n.op, n.shape, n.block) for n in network.nodes] == [
        ("x", "input", (1, 2), ""),
        ("W", "parameter", (2, 2), "b"),
        ("t", "constant", (1, 2), ""),
        ("h", "matmul", (1, 2), "b"),
        ("r", "relu", (1, 2), "b"),
        ("y", "add", (1, 2), "b"),
        ("loss", "mse_loss", (), ""),
    ]
    assert wiring(network) == {(u, v, slot) for u, v, slot in block().edges(data="slot")}
    assert (network.name, network.target, network.description) == ("block", "loss", "a residual block")
    assert network["loss"].attributes == {"reduction": "sum"}
    assert network["y"].written["colour"] == "red"
    # By hand: h = (2.5, -3.75), r = (2.5, 0), y = (3.5, -2), and (3.5)² + (-3)² = 21.25.
    assert resdebug.differentiate(network).value("loss") == 21.25


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.MultiDiGraph])
def test_in_memory_and_from_a_file_are_one(kind: type[nx.DiGraph], tmp_path: Path) -> None:
    graph = block(kind)
    here, there = resdebug.from_networkx(graph), saved(graph, tmp_path, edges="edges")
    older = saved(graph, tmp_path, edges="links")
    assert described(here) == described(there) == described(older)
    assert digest(here) == digest(there) == digest(older)
    assert (here.name, here.target, here.dtype) == (there.name, there.target, there.dtype)


def test_building_takes_nothing_from_the_graph() -> None:
    graph = block()
    before = nx.node_link_data(graph, edges="edges")
    resdebug.from_networkx(graph)
    assert nx.node_link_data(graph, edges="edges") == before
    array = np.ones(2)
    graph = nx.MultiDiGraph()
    graph.add_node("x", op="input", value=array)
    graph.add_edge("x", "s")
    graph.nodes["s"]["op"] = "sum"
    network = resdebug.from_networkx(graph)
    array[:] = 5
    assert resdebug.differentiate(network).value("s") == 2


def test_there_are_graphs_to_open() -> None:
    assert GRAPHS


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_plain_networkx_reads_every_file(path: Path) -> None:
    network = resdebug.load(path)
    raw = json.loads(path.read_text("utf-8"))
    graph = nx.node_link_graph(raw, edges="edges")
    assert graph.is_directed()
    assert len(graph) == len(network.nodes) == len(raw["nodes"])
    assert graph.number_of_edges() == len(network.edges) == len(raw["edges"])
    assert [str(name) for name in graph] == [node.name for node in network.nodes]
    assert described(resdebug.from_networkx(graph, folder=path.parent)) == described(network)


def scattered() -> dict[str, Any]:
    """Return a network whose edges stand in no order that networkx would keep."""
    nodes = [
        {"id": "x", "op": "input", "value": 3.0},
        {"id": 2, "op": "parameter", "value": {"init": "normal", "shape": [2], "seed": 1}, "note": {"a": [1]}},
        {"id": "m", "op": "mul", "block": "b"},
        {"id": "q", "op": "mul"},
        {"id": "c", "op": "concat", "dim": 0},
        {"id": "s", "op": "sum"},
    ]
    pairs = [
        ("c", "s", 0),
        ("m", "q", "b"),
        ("x", "m", "b"),
        ("m", "q", "a"),
        (2, "m", None),
        ("q", "c", 1),
        ("m", "c", 0),
    ]
    edges = [{"source": u, "target": v, **({} if slot is None else {"slot": slot})} for u, v, slot in pairs]
    edges[4] = {"source": 2, "target": "m", "slot": "a"}
    about = {"name": "scattered", "target": "s", "dtype": "float32", "author": {"name": "somebody"}}
    return plain(nodes=nodes, edges=edges, graph=about)


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_a_file_survives_networkx_and_back(path: Path) -> None:
    network = resdebug.load(path)
    data = nx.node_link_data(network.graph, edges="edges")
    again = resdebug.from_networkx(nx.node_link_graph(data, edges="edges"), folder=path.parent)
    assert described(again) == described(network)
    assert digest(again) == digest(network)


def test_a_scattered_network_survives_networkx_and_back(tmp_path: Path) -> None:
    network = load(tmp_path, scattered())
    again = saved(network.graph, tmp_path, edges="edges")
    assert described(again) == described(network)
    assert wiring(again) == wiring(network)
    assert again.graph.graph == network.graph.graph == scattered()["graph"]
    assert again["2"].written["note"] == {"a": [1]}


def test_the_order_of_edges_is_not_part_of_a_network(tmp_path: Path) -> None:
    document = scattered()
    digests = set()
    for _ in range(len(document["edges"])):
        document["edges"] = document["edges"][1:] + document["edges"][:1]
        digests.add(digest(load(tmp_path, document)))
    assert len(digests) == 1


CHANGES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "a number": ("nodes", 0, {"value": 3.5}),
    "a seed": ("nodes", 1, {"value": {"init": "normal", "shape": [2], "seed": 2}}),
    "an operator": ("nodes", 3, {"op": "add"}),
    "a block": ("nodes", 2, {"block": "c"}),
    "a setting": ("nodes", 5, {"keepdim": True}),
    "the wiring": ("edges", 1, {"source": "x"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_digest_sees_every_change(change: str, tmp_path: Path) -> None:
    before, after = scattered(), scattered()
    part, index, new = CHANGES[change]
    after[part][index] |= new
    assert digest(load(tmp_path, before)) != digest(load(tmp_path, after))


def test_two_edges_between_the_same_nodes_stay_two(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph()
    graph.add_node("x", op="input", value=3.0)
    graph.add_node("square", op="mul")
    graph.add_edge("x", "square")
    graph.add_edge("x", "square")
    for network in (resdebug.from_networkx(graph), saved(graph, tmp_path, edges="edges")):
        assert [(e.source, e.slot) for e in network.edges] == [("x", "a"), ("x", "b")]
        pass_ = resdebug.differentiate(network)
        assert pass_.value("square") == 9
        assert pass_.adjoint("x") == 6
        assert network.graph.number_of_edges("x", "square") == 2


def test_a_plain_graph_loses_a_factor_and_that_is_a_fault() -> None:
    graph = nx.DiGraph()
    graph.add_node("x", op="input", value=3.0)
    graph.add_node("square", op="mul")
    graph.add_edge("x", "square", slot="a")
    graph.add_edge("x", "square", slot="b")
    with pytest.raises(BadInput) as caught:
        resdebug.from_networkx(graph)
    assert [(f.code, f.place.pointer, f.place.node) for f in caught.value.faults] == [("G042", "/nodes/1", "square")]


A, B = 8.0, 2.0
SLOTS: dict[str, tuple[list[tuple[str, Any]], float]] = {
    "by name": ([("p", "a"), ("q", "b")], A / B),
    "by name, the other way round": ([("q", "b"), ("p", "a")], A / B),
    "by name, exchanged": ([("p", "b"), ("q", "a")], B / A),
    "by index": ([("q", 1), ("p", 0)], A / B),
    "left out": ([("p", None), ("q", None)], A / B),
    "left out, the other way round": ([("q", None), ("p", None)], B / A),
    "the first left out": ([("q", None), ("p", 1)], B / A),
    "the second left out": ([("q", "a"), ("p", None)], B / A),
    "null": ([("p", ...), ("q", ...)], A / B),
}


@pytest.mark.parametrize("way", SLOTS)
def test_slots(way: str, tmp_path: Path) -> None:
    pairs, quotient = SLOTS[way]
    nodes = [{"id": "p", "op": "input", "value": A}, {"id": "q", "op": "input", "value": B}, {"id": "d", "op": "div"}]
    edges = [{"source": s, "target": "d", **({} if slot is None else {"slot": slot})} for s, slot in pairs]
    edges = [{**edge, "slot": None} if edge.get("slot") is ... else edge for edge in edges]
    assert resdebug.differentiate(load(tmp_path, plain(nodes=nodes, edges=edges, graph={}))).value("d") == quotient


def test_the_place_among_incoming_edges_counts_no_others(tmp_path: Path) -> None:
    nodes = [{"id": i, "op": "input", "value": [float(i)]} for i in range(4)]
    nodes += [{"id": "c", "op": "concat"}, {"id": "other", "op": "concat"}, {"id": "s", "op": "sum"}]
    order = [(2, "c"), (0, "other"), (1, "c"), (3, "other"), (0, "c"), ("c", "s")]
    document = plain(nodes=nodes, edges=[{"source": u, "target": v} for u, v in order], graph={"target": "s"})
    value = resdebug.differentiate(load(tmp_path, document)).value("c")
    assert value is not None
    assert value.tolist() == [2, 1, 0]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", ">f8"])
def test_numpy_arrays_as_values(dtype: str) -> None:
    graph = nx.MultiDiGraph(dtype="float32")
    graph.add_node("x", op="input", value=np.arange(6.0).reshape(2, 3).astype(dtype))
    graph.add_node("own", op="input", value=np.ones(2, dtype), dtype="float64")
    graph.add_node("i", op="input", value=np.array([3, 4], dtype="int16"))
    graph.add_node("b", op="input", value=np.array([True]))
    graph.add_node("s", op="sum")
    graph.add_edge("x", "s")
    network = resdebug.from_networkx(graph)
    assert [network[n].dtype for n in ("x", "own", "i", "b", "s")] == ["float32", "float64", "int16", "bool", "float32"]
    pass_ = resdebug.differentiate(network)
    assert pass_.value("s") == 15
    own = pass_.value("own")
    assert own is not None
    assert own.tolist() == [1, 1]


@pytest.mark.parametrize("value", [np.float64(2.5), np.float32(2.5), np.array(2.5), 2.5])
def test_numpy_scalars_as_values(value: Any) -> None:
    graph = nx.MultiDiGraph()
    graph.add_node("x", op="input", value=value)
    assert resdebug.differentiate(resdebug.from_networkx(graph, target="x")).value("x") == 2.5


@pytest.mark.parametrize("value", [np.array(["a"]), np.array([1j]), np.array([None]), np.array([2], dtype=np.uint64)])
def test_arrays_that_are_no_tensors(value: Any) -> None:
    graph = nx.MultiDiGraph()
    graph.add_node("x", op="input", value=value)
    with pytest.raises(BadInput) as caught:
        resdebug.from_networkx(graph)
    assert [(f.code, f.place.pointer) for f in caught.value.faults] == [("S011", "/nodes/0/value")]


def test_whole_numbers_as_names(tmp_path: Path) -> None:
    graph = nx.relabel_nodes(block(), dict(zip(block(), itertools.count(10), strict=False)))
    graph.graph["target"] = 16
    for network in (resdebug.from_networkx(graph), saved(graph, tmp_path, edges="edges")):
        assert [node.name for node in network.nodes] == ["10", "11", "12", "13", "14", "15", "16"]
        assert network.target == "16"
        assert resdebug.differentiate(network).value("16") == 21.25
        assert digest(saved(network.graph, tmp_path, edges="edges")) == digest(network)


NAMES: list[tuple[Any, str]] = [((1, 2), "G013"), (1.5, "G013"), (True, "G013"), (frozenset("a"), "G013")]


@pytest.mark.parametrize(("name", "code"), NAMES, ids=[str(name) for name, _ in NAMES])
def test_names_that_no_file_could_have(name: Any, code: str) -> None:
    graph = block()
    graph.add_node(name, op="input", value=1.0)
    with pytest.raises(BadInput) as caught:
        resdebug.from_networkx(graph)
    (fault,) = caught.value.faults
    assert (fault.code, fault.place.pointer) == (code, "/nodes/7/id")
    assert "a number" not in fault.what or isinstance(name, float)


@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiGraph])
def test_undirected_graphs_are_refused(kind: type[nx.Graph], tmp_path: Path) -> None:
    graph = kind(block())
    with pytest.raises(BadInput) as caught:
        resdebug.from_networkx(graph)
    assert caught.value.faults[0].code == "G010"
    with pytest.raises(BadInput) as caught:
        saved(graph, tmp_path, edges="edges")
    assert caught.value.faults[0].code == "G010"


def test_tensor_files_need_a_folder(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", w=np.array([1.0, 2.0]))
    graph = nx.MultiDiGraph(target="s")
    graph.add_node("x", op="input", value={"file": "w.npz", "name": "w"})
    graph.add_edge("x", "s")
    graph.nodes["s"]["op"] = "sum"
    with pytest.raises(BadInput, match=r"W001.*folder"):
        resdebug.from_networkx(graph)
    assert resdebug.differentiate(resdebug.from_networkx(graph, folder=tmp_path)).value("s") == 3
    assert resdebug.differentiate(resdebug.from_networkx(graph, folder=str(tmp_path))).value("s") == 3


ODD: dict[str, dict[str, Any]] = {
    "a key self": {"self": 1},
    "a key node_for_adding": {"node_for_adding": 1},
    "a key attr": {"attr": 1, "key": 2, "u_for_edge": 3},
    "a key incoming_graph_data": {"incoming_graph_data": [["p", "q"]], "multigraph_input": True},
}


@pytest.mark.parametrize("place", ["node", "graph"])
@pytest.mark.parametrize("odd", ODD)
def test_data_of_ones_own_never_meets_networkx_s_arguments(odd: str, place: str, tmp_path: Path) -> None:
    document = scattered()
    (document["nodes"][0] if place == "node" else document["graph"]).update(ODD[odd])
    graph = load(tmp_path, document).graph
    assert list(graph) == ["x", "2", "m", "q", "c", "s"]
    assert ODD[odd].items() <= (graph.nodes["x"] if place == "node" else graph.graph).items()


def test_keys_that_are_no_text() -> None:
    graph = block()
    graph.nodes["loss"][3] = "three"
    graph.graph[4] = "four"
    assert resdebug.differentiate(resdebug.from_networkx(graph)).value("loss") == 21.25
