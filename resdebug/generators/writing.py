"""A generated network as files: node-link JSON, a node a line, and large tensors in safetensors beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from resdebug.errors import BadInput, Fault, UsageError
from resdebug.export.network_file import lines
from resdebug.export.writing import check_destination, whole_file
from resdebug.generators.builder import Builder
from resdebug.network.building import build
from resdebug.network.initialisers import AnyInitialiser
from resdebug.network.model import Network
from resdebug.network.types import TensorType
from resdebug.network.values import Made
from resdebug.ops import CATALOGUE

INLINE = 64
"""Random tensors of up to so many elements are written into the JSON as numbers."""

UNLIMITED = 1 << 62
"""A network may be generated on a machine that is too small to run it."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """What was written where."""

    network: Network
    parameters: int
    size: int
    tensors: Path | None
    tensors_size: int


def write(builder: Builder, path: Path, *, force: bool = False, progress: Progress | None = None) -> Written:
    """Check a network, then write it to ``path``, and its tensors beside it.

    Raises UsageError when it does not work out (an image too small for its layers), CannotCreate, IOFailure.
    """
    document = builder.document
    network = checked(document)
    tensors = path.with_suffix(".safetensors")
    large = [n for n in builder.nodes if isinstance(n.get("value"), dict) and _is_random(n) and _size(n) > INLINE]
    check_destination(path, force=force)
    if large:
        check_destination(tensors, force=force)
        with whole_file(tensors, force=force) as stream:
            stream.write(packed(large, builder.about["dtype"], progress))
    stored = {n["id"] for n in large}
    nodes = [_node(n, tensors.name if n["id"] in stored else "", builder.about["dtype"]) for n in builder.nodes]
    with whole_file(path, force=force) as stream:
        for line in lines({**document, "nodes": nodes}):
            stream.write(line.encode())
    size = tensors.stat().st_size if large else 0
    return Written(network, builder.parameter_count, path.stat().st_size, tensors if large else None, size)


def checked(document: dict[str, Any]) -> Network:
    """Return the network that a document describes. Raises UsageError where its shapes do not fit together."""
    try:
        return build(document, CATALOGUE, limit=UNLIMITED)
    except BadInput as error:
        if not all(fault.code.startswith("S") for fault in error.faults):
            raise AssertionError(str(error)) from error
        hint = "choose a larger --image-size, or a larger --batch"
        raise UsageError(Fault("U001", f"with these settings {error.faults[0].what}", hint)) from None


def packed(nodes: list[dict[str, Any]], dtype: str, progress: Progress | None) -> bytes:
    """Return tensors in the safetensors format."""
    from safetensors.numpy import save

    made: dict[str, np.ndarray] = {}
    for done, node in enumerate(nodes, start=1):
        made[node["id"]] = numbers(node, dtype)
        if progress is not None:
            progress(done, len(nodes))
    return save(made)


def numbers(node: dict[str, Any], dtype: str) -> np.ndarray:
    """Make the numbers of a leaf from its initialiser."""
    rule = msgspec.convert(node["value"], AnyInitialiser)
    return np.ascontiguousarray(Made(rule, TensorType(tuple(rule.shape), node.get("dtype", dtype))).array())


def _node(node: dict[str, Any], file: str, dtype: str) -> dict[str, Any]:
    if file:
        return {**node, "value": {"file": file, "name": node["id"]}}
    if isinstance(node.get("value"), dict) and _is_random(node):
        return {**node, "value": numbers(node, dtype).tolist()}
    return node


def _is_random(node: dict[str, Any]) -> bool:
    return "seed" in node["value"]


def _size(node: dict[str, Any]) -> int:
    return math.prod(node["value"]["shape"])
