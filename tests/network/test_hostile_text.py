"""Names from a stranger's file come out visible in every message, and nothing in them acts upon a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.errors import BadInput, ResdebugError
from tests.network.making import entry, load, npy, npy_of, npz, plain, safetensors

EVIL = "\x1b]0;owned\x07\x1b[31m\u202egpj.\u2066\u200b\x9b2J\r\n"
LEAF = {"id": EVIL, "op": "input", "value": 1.0}
VECTOR = {"id": EVIL, "op": "input", "value": [1.0, 2.0]}


def _nodes(*nodes: dict[str, Any], edges: list[dict[str, Any]] | None = None, **about: Any) -> dict[str, Any]:
    return {"directed": True, "graph": about, "nodes": list(nodes), "edges": edges or []}


def _edge(target: str, **more: Any) -> dict[str, Any]:
    return {"source": EVIL, "target": target, **more}


def _to(op: str, *sources: str, more: dict[str, Any] | None = None, leaf: dict[str, Any] = LEAF) -> dict[str, Any]:
    """Return a network in which a node with a hostile name takes ``sources``."""
    name = EVIL + "2"
    nodes = [leaf, {"id": "w", "op": "input", "value": [1.0, 2.0, 3.0]}, {"id": name, "op": op, **(more or {})}]
    return _nodes(*nodes, edges=[{"source": s, "target": name} for s in sources])


DOCUMENTS: dict[str, dict[str, Any]] = {
    "G013": _nodes({"id": [EVIL], "op": "input"}),
    "G014": _nodes(LEAF, LEAF),
    "G015": _nodes(LEAF, edges=[{"source": [EVIL], "target": EVIL}]),
    "G016": _to("mul", EVIL, EVIL) | {"multigraph": False},
    "G020": _nodes({"id": EVIL, "op": EVIL}),
    "G020 of another type": _nodes({"id": EVIL, "op": [EVIL]}),
    "G020 without": _nodes({"id": EVIL}),
    "G021": _nodes(LEAF, edges=[{"source": EVIL + "x", "target": EVIL}]),
    "G022": _nodes({"id": EVIL, "op": "conv2d", "stride" + EVIL[-2:]: 1}),
    "G023": _nodes({"id": EVIL, "op": "conv2d", "stride": EVIL}),
    "G023 of an enumeration": _nodes({"id": EVIL, "op": "mse_loss", "reduction": EVIL}),
    "G030": _to("add", EVIL + "2", EVIL),
    "G040 without slots": _nodes(LEAF, edges=[{"source": EVIL, "target": EVIL}]),
    "G040": _nodes(LEAF, {"id": "s", "op": "sum"}, edges=[{"source": EVIL, "target": "s", "slot": EVIL}]),
    "G041": _nodes(LEAF, {"id": "s" + EVIL, "op": "sum"}, edges=[_edge("s" + EVIL, slot=0)] * 2),
    "G042": _to("add", EVIL),
    "G050": _nodes(LEAF, target=EVIL + "x"),
    "G051": _nodes(LEAF, *({"id": i + EVIL, "op": "sum"} for i in "12"), edges=[_edge("1" + EVIL), _edge("2" + EVIL)]),
    "J031": _nodes(LEAF, {"id": 1, "twice": 1, "TWICE": 2}),
    "J041": _nodes(LEAF | {"block": [EVIL]}),
    "S001": _nodes({"id": EVIL, "op": "input", "value": {"init": "ones", "shape": [10**10]}}),
    "S002": _nodes(*({"id": i + EVIL, "op": "input", "value": {"init": "ones", "shape": [10**7]}} for i in "1234")),
    "S010": _nodes({"id": EVIL, "op": "input"}),
    "S011": _nodes(LEAF, dtype=EVIL),
    "S011 of a node": _nodes(LEAF | {"dtype": EVIL}),
    "S012": _nodes(LEAF | {"shape": [2]}),
    "S012 of another type": _nodes(LEAF | {"shape": [EVIL]}),
    "S013": _nodes(LEAF | {"value": {"init": EVIL, "shape": []}}),
    "S013 with a word too many": _nodes(LEAF | {"value": {"init": "ones", "shape": [], EVIL: 1}}),
    "S013 of a file": _nodes(LEAF | {"value": {"file": "w.npz", "name": "w", EVIL: 1}}),
    "S014": _nodes(LEAF | {"value": [EVIL]}),
    "S014 with an object": _nodes(LEAF | {"value": [{EVIL: EVIL}]}),
    "S020": _to("add", EVIL, "w", leaf=VECTOR),
    "S020 of an attribute": _to("sum", EVIL, more={"dim": 3}),
    "S030": _to("add", EVIL, "w", leaf=LEAF | {"dtype": "float32"}),
    "S031": _to("add", EVIL, "w", leaf=LEAF | {"value": 1, "dtype": "int64"}),
    "S040": _nodes(VECTOR, target=EVIL),
}  # fmt: skip
RECORDS = repr({"descr": [(EVIL, "<f8")], "fortran_order": False, "shape": ()}).encode()
BARE = EVIL.replace("/", "")
FILES: dict[str, tuple[str, str, bytes]] = {
    "W001": ("../" + EVIL + ".npz", "w", b""),
    "W002": (EVIL + ".pt", "w", b""),
    "W010": (EVIL + ".npz", "w", b""),
    "W011": ("w.npz", EVIL, npz((EVIL + "x.npy", npy(1.0)))),
    "W011 of safetensors": ("w.safetensors", EVIL, safetensors({EVIL + "x": entry("F64", [], 0, 8)}, bytes(8))),
    "W020": (BARE + ".npz", "w", b"hello"),
    "W020 of safetensors": (BARE + ".safetensors", "w", b"hello, world"),
    "W020 of a type": ("w.safetensors", "w", safetensors({"w": entry(EVIL, [], 0, 8)}, bytes(8))),
    "W020 of a tensor": ("w.safetensors", "w", safetensors({EVIL: entry("F64", [], 1, 9)}, bytes(9))),
    "W021": ("w.npz", "w", npz((EVIL + ".npy", b"hello"))),
    "W021 of a header": ("w.npz", "w", npz(("w.npy", npy_of(EVIL.encode("utf-8") * 3)))),
    "W022": ("w.npz", "w", npz((EVIL + ".npy", npy(1.0) + b"more"))),
    "W022 of records": ("w.npz", "w", npz(("w.npy", npy_of(RECORDS)))),
    "W024": ("w.npz", EVIL, npz((EVIL + ".npy", npy(np.array(["a"]))))),
    "W024 of records": ("w.npz", "w", npz(("w.npy", npy(np.zeros(1, dtype=[("\x1b[31m\x9b", "<f8")]))))),
    "W026": ("w.npz", "w", npz((EVIL + ".npy", npy(np.array([None]), allow_pickle=True)))),
    "W030": (BARE + ".npz", "w", npz((EVIL + ".npy", npy(1.0)), (EVIL + ".npy", npy(1.0)))),
    "W031": ("w.npz", "w", npz(("../" + EVIL + ".npy", npy(1.0)))),
}  # fmt: skip


def shown_safely(error: ResdebugError, code: str) -> None:
    """Check that a message has the code, and nothing a terminal would act upon but newlines between its lines."""
    text = str(error)
    assert f"[{code}]" in text
    assert [line for line in text.split("\n") if not line.isprintable()] == []
    assert len(text.split("\n")) == sum(2 if fault.hint else 1 for fault in error.faults)
    assert len(text) < 12_000


@pytest.mark.parametrize("name", DOCUMENTS)
def test_names_in_a_graph(name: str, tmp_path: Path) -> None:
    text = json.dumps(DOCUMENTS[name]).replace("TWICE", "twice")
    with pytest.raises(ResdebugError) as caught:
        load(tmp_path, text)
    shown_safely(caught.value, name[:4])


@pytest.mark.parametrize("name", FILES)
def test_names_of_files_and_tensors(name: str, tmp_path: Path) -> None:
    file, tensor, content = FILES[name]
    document = _nodes({"id": "a", "op": "input", "value": {"file": file, "name": tensor}})
    with pytest.raises(ResdebugError) as caught:
        load(tmp_path, document, {file: content} if content else {})
    shown_safely(caught.value, name[:4])


@pytest.mark.parametrize("key", ["\\u001b[31m", "\\u202e", "\\u0000", "\\ud800"])
def test_a_hostile_key_twice(key: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load(tmp_path, f'{{"nodes": [], "{key}": 1, "{key}": 2}}')
    shown_safely(caught.value, "J031")


@pytest.mark.parametrize("name", [EVIL, EVIL + ".json"])
def test_a_hostile_name_of_the_graph_file(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{EVIL}.json").write_text("[", encoding="utf-8")
    with pytest.raises(ResdebugError) as caught:
        resdebug.load(tmp_path / name)
    shown_safely(caught.value, "J021" if name.endswith("json") else "J001")


def test_warnings_show_names_safely(tmp_path: Path) -> None:
    document = plain(graph={"target": "end"})
    document["nodes"].append(LEAF)
    (warning,) = load(tmp_path, document).warnings
    assert all(line.isprintable() for line in str(warning).split("\n"))
    assert "⟨U+001B⟩" in warning.what


def test_names_themselves_are_kept(tmp_path: Path) -> None:
    document = _nodes(
        LEAF, {"id": "end", "op": "sum", "block": EVIL}, edges=[{"source": EVIL, "target": "end"}], name=EVIL
    )
    network = load(tmp_path, document)
    assert [network.name, network.nodes[0].name, network.nodes[1].block] == [EVIL] * 3


def test_a_name_of_a_million_characters(tmp_path: Path) -> None:
    name = "n" * 1_000_000
    document = _nodes(LEAF | {"id": name}, {"id": "j", "op": "add"}, edges=[{"source": name + "x", "target": name}])
    with pytest.raises(BadInput) as caught:
        load(tmp_path, document)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "more",
    [
        {"dtype": "d" * 100_000},
        {"value": {"init": "i" * 100_000, "shape": []}},
        {"value": {"init": "ones", "shape": [], "k" * 100_000: 1}},
        {"op": "o" * 100_000},
        {"op": ["o"] * 100_000},
    ],
    ids=lambda more: next(iter(more))[:10],
)
def test_long_text_is_shortened(more: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load(tmp_path, _nodes({"id": "a", "op": "input", "value": 1.0} | more, target="a"))
    assert len(str(caught.value)) < 2000


def test_data_of_ones_own_stays_data(tmp_path: Path) -> None:
    own = {"__class__": "os.system", "__init__": [1], "__dict__": {"a": 1}, "__reduce__": None, "colour": "red"}
    document = _nodes(LEAF | own, {"id": "end", "op": "sum", **own}, edges=[{"source": EVIL, "target": "end", **own}])
    network = load(tmp_path, document | {"__class__": "x"})
    assert type(network) is resdebug.Network
    assert {key: network.nodes[1].written[key] for key in own} == own
    assert network.nodes[1].attributes == {"dim": None, "keepdim": False}
