"""A fingerprint of a network: its wiring, settings and numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from resdebug.network.model import Network


def node_link(network: Network) -> dict[str, Any]:
    """Return the network as node-link data without its numbers: leaves carry their shape and element type instead."""
    nodes = []
    for node in network.nodes:
        written: dict[str, Any] = {"id": node.name, "op": node.op, **node.attributes}
        if node.block:
            written["block"] = node.block
        if node.is_leaf:
            written |= {"shape": list(node.shape), "dtype": node.dtype}
        nodes.append(written)
    return {
        "directed": True,
        "multigraph": True,
        "graph": {
            "name": network.name,
            "target": network.target,
            "dtype": network.dtype,
            "description": network.description,
        },
        "nodes": nodes,
        "edges": [{"source": e.source, "target": e.consumer, "slot": e.slot} for e in network.edges],
    }


def digest(network: Network, value: Callable[[str], np.ndarray | None]) -> str:
    """Return the SHA-256 of the network: of its node-link data with sorted keys, edges sorted by target and slot, then
    of every leaf's bytes in file order (C order, little endian). ``value`` gives a leaf's numbers."""
    written = node_link(network)
    written["edges"].sort(key=lambda edge: (edge["target"], edge["slot"]))
    state = hashlib.sha256(msgspec.json.encode(written, order="deterministic"))
    for node in network.nodes:
        if node.is_leaf:
            state.update(_bytes(node.name, value(node.name)))
    return f"sha256:{state.hexdigest()}"


def _bytes(name: str, array: np.ndarray | None) -> memoryview:
    """Return the bytes of an array, without a copy where it lies so already."""
    if array is None:
        raise ValueError(f"{name} has no numbers")
    laid_out = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    return laid_out.reshape(-1).view(np.uint8).data
