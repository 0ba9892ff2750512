"""Residual blocks are found from the wiring alone: compared with the labels that generators give."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import resdebug
from resdebug.passes.blocks import Skip, blocks
from tests.support import GRAPHS, Builder, residual_chain

KINDS: dict[str, tuple[dict[str, Any], dict[Skip, int]]] = {
    "resnet20": ({"image_size": 8}, {Skip.IDENTITY: 7, Skip.PROJECTION: 2}),
    "resnet32": ({"image_size": 8, "preact": True}, {Skip.IDENTITY: 13, Skip.PROJECTION: 2}),
    "resnet18": ({"image_size": 32, "batch": 2}, {Skip.IDENTITY: 5, Skip.PROJECTION: 3}),
    "resnet50": ({"image_size": 32, "batch": 2}, {Skip.IDENTITY: 12, Skip.PROJECTION: 4}),
    "resnext50": ({"image_size": 32, "batch": 2}, {Skip.IDENTITY: 12, Skip.PROJECTION: 4}),
    "se_resnet50": ({"image_size": 32, "batch": 2}, {Skip.IDENTITY: 12, Skip.PROJECTION: 4}),
    "mobilenetv2": ({"image_size": 64, "batch": 2}, {Skip.IDENTITY: 10}),
    "convnext_tiny": ({"image_size": 32}, {Skip.IDENTITY: 18}),
    "densenet121": ({"image_size": 64, "batch": 2}, {Skip.IDENTITY: 58}),
    "unet": ({}, {Skip.IDENTITY: 4}),
    "transformer": ({"width": 16, "tokens": 4}, {Skip.IDENTITY: 12}),
    "highway": ({}, {Skip.GATED: 20}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_those_of_the_generator(kind: str) -> None:
    settings, expected = KINDS[kind]
    network = resdebug.generate(kind, **settings)
    pass_ = resdebug.differentiate(network)
    found = blocks(pass_)
    assert Counter(block.kind for block in found) == expected
    labels = Counter(network.nodes[block.join].block for block in found)
    residual = {node.block for node in network.nodes if node.op in {"add", "concat"} and node.block}
    if kind not in {"transformer", "densenet121"}:
        assert labels == Counter(residual), "one a label"
    assert residual == set(labels)
    for block in found:
        join = network.nodes[block.join].block
        inside = {network.nodes[i].block for i in block.skip_nodes}
        assert inside <= {join}, "the skip lies within its block"
        assert block.fork not in block.branch_nodes | block.skip_nodes


def test_a_plain_network_has_none() -> None:
    assert blocks(resdebug.differentiate(resdebug.load(GRAPHS / "plain20.json"))) == ()
    assert blocks(resdebug.differentiate(resdebug.generate("resnet20", image_size=8, plain=True))) == ()


def test_a_network_unrolled_in_time_has_none() -> None:
    assert blocks(resdebug.differentiate(resdebug.generate("rnn"))) == ()


def build(rows: list[tuple[str, str, dict[str, str]]], **about: Any) -> resdebug.Pass:
    b = Builder("loss", "built")
    b.leaf("x", [1.0, -2.0, 3.0])
    b.leaf("w", [0.5, 0.5, 0.5], "parameter")
    for name, op, inputs in rows:
        b.add(name, op, inputs, **({"factor": 0.5} if op == "scale" else {}))
    b.add("loss", "sum", {"x": rows[-1][0]})
    return b.run()


def names(pass_: resdebug.Pass) -> list[tuple[str, str, str, list[str]]]:
    nodes = pass_.network.nodes
    return [
        (nodes[b.fork].name, nodes[b.join].name, b.kind.value, [e.source for e in b.branches]) for b in blocks(pass_)
    ]


def test_nested_overlapping_scaled_weighted_and_multi_branch() -> None:
    nested = build([
        ("f", "tanh", {"x": "x"}), ("g", "sigmoid", {"x": "f"}), ("inner", "add", {"a": "g", "b": "f"}),
        ("h", "tanh", {"x": "inner"}), ("outer", "add", {"a": "h", "b": "x"}),
    ])  # fmt: skip
    assert names(nested) == [("x", "outer", "identity", ["h"]), ("f", "inner", "identity", ["g"])]
    overlapping = build([
        ("a", "tanh", {"x": "x"}), ("one", "add", {"a": "a", "b": "x"}), ("b", "tanh", {"x": "one"}),
        ("two", "add", {"a": "b", "b": "a"}),
    ])  # fmt: skip
    assert ("x", "one", "identity", ["a"]) in names(overlapping)
    assert any(join == "two" for _, join, _, _ in names(overlapping))
    scaled = build([
        ("f", "tanh", {"x": "x"}), ("s", "scale", {"x": "x"}), ("y", "add", {"a": "f", "b": "s"}),
    ])  # fmt: skip
    assert names(scaled) == [("x", "y", "scaled", ["f"])]
    weighted = build([
        ("f", "tanh", {"x": "x"}), ("wf", "mul", {"a": "f", "b": "w"}), ("wx", "mul", {"a": "x", "b": "w"}),
        ("y", "add", {"a": "wf", "b": "wx"}),
    ])  # fmt: skip
    assert names(weighted) == [("x", "y", "scaled", ["wf"])]
    parallel = build([
        ("f", "tanh", {"x": "x"}), ("g", "sigmoid", {"x": "x"}), ("y", "add", {"a": "f", "b": "g"}),
    ])  # fmt: skip
    assert names(parallel) == [("x", "y", "none", ["f", "g"])]
    doubled = build([("y", "add", {"a": "x", "b": "x"})])
    assert names(doubled) == []


def test_parameters_do_not_confuse_it() -> None:
    """A bias that is added is no branch, and a weight used in two blocks joins nothing."""
    shared = build([
        ("f", "mul", {"a": "x", "b": "w"}), ("t", "tanh", {"x": "f"}), ("biased", "add", {"a": "t", "b": "w"}),
        ("y", "add", {"a": "biased", "b": "x"}),
    ])  # fmt: skip
    assert names(shared) == [("x", "y", "identity", ["biased"])]


def test_1202_layers_and_a_tangle_do_not_explode() -> None:
    assert len(blocks(residual_chain(600).run())) == 600
    tangle = resdebug.differentiate(resdebug.generate("random", nodes=20_000))
    assert all(block.fork != block.join for block in blocks(tangle))
