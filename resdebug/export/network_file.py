"""A network as files: node-link JSON, a node and an edge a line, and large tensors in safetensors beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from resdebug.engine.forward import leaf_value
from resdebug.export.writing import check_destination, whole_file
from resdebug.network.model import Network, Node
from resdebug.network.tensorfiles import TensorFault
from resdebug.network.values import Made, Numbers, Read

INLINE: Final = 64
"""Tensors of up to so many finite numbers are written into the JSON."""


@dataclass(frozen=True, slots=True)
class SavedNetwork:
    """What was written where."""

    path: Path
    size: int
    tensors: Path | None
    """The file of new tensors, where there are any."""
    stored: int
    """How many tensors went there."""
    referred: int
    """How many stay where they were read from, beside the new file."""


def save_network(network: Network, path: Path, *, force: bool = False) -> SavedNetwork:
    """Write a network so that it reads back with the same numbers, bit for bit.

    Initialisers are written as they are. A tensor that was read from a file stays there where the new file lies in the
    same folder; else, and where it is large and was changed, it goes into a safetensors file beside the new one. Raises
    CannotCreate, IOFailure, and BadInput when a tensor file turns out to be at fault.
    """
    path = Path(path)
    check_destination(path, force=force)
    tensors: dict[str, np.ndarray] = {}
    name = _tensor_file(network, path)
    referred = 0
    nodes = []
    for node in network.nodes:
        said = {"id": node.name, **{k: v for k, v in node.written.items() if k != "id"}}
        if node.is_leaf:
            said, stays = _leaf(network, node, said, path, name, tensors)
            referred += stays
        nodes.append(said)
    document = {
        "graph": {**network.about, "target": network.target, "dtype": network.dtype},
        "nodes": nodes,
        "edges": [{"source": e.source, "target": e.consumer, "slot": e.slot} for e in network.edges],
    }
    beside = path.with_name(name) if tensors else None
    if beside is not None:
        from safetensors.numpy import save

        with whole_file(beside, force=force) as stream:
            stream.write(save(tensors))
    with whole_file(path, force=force) as stream:
        for line in lines(document):
            stream.write(line.encode())
    return SavedNetwork(path, path.stat().st_size, beside, len(tensors), referred)


def lines(document: dict[str, Any]) -> Iterator[str]:
    """Write node-link data with a node and an edge a line, so that it can be read and compared."""
    yield '{"directed": true, "multigraph": true,\n'
    yield f' "graph": {json.dumps(document["graph"], ensure_ascii=False, default=_plain)},\n'
    for key, end in (("nodes", "],\n"), ("edges", "]}\n")):
        yield f' "{key}": [\n'
        items = document[key]
        for i, item in enumerate(items):
            text = json.dumps(item, ensure_ascii=False, allow_nan=False, default=_plain)
            yield f"  {text}" + (",\n" if i < len(items) - 1 else end)


def _leaf(
    network: Network, node: Node, said: dict[str, Any], path: Path, name: str, tensors: dict[str, np.ndarray]
) -> tuple[dict[str, Any], bool]:
    """Return what is written of a leaf, and whether its numbers stay in the file that they were read from."""
    value = network.values[node.name]
    said = {k: v for k, v in said.items() if k != "shape"}
    if node.dtype != network.dtype:
        said["dtype"] = node.dtype
    if isinstance(value, Made):
        return said, False
    if isinstance(value, Read) and _same_folder(value.files.folder, path.parent):
        return said, True
    array = leaf_value(network, node)
    if isinstance(value, Numbers) and array.size <= INLINE and array.size and np.isfinite(array).all():
        return {**said, "value": array.tolist()}, False
    tensors[node.name] = np.ascontiguousarray(array).reshape(array.shape)
    return {**said, "value": {"file": name, "name": node.name}}, False


def _same_folder(one: Path | None, other: Path) -> bool:
    return one is not None and one.resolve() == other.resolve()


def _tensor_file(network: Network, path: Path) -> str:
    """Return the name of the file for tensors: none that the network still reads from."""
    taken = set()
    for value in network.values.values():
        if isinstance(value, Read):
            try:
                taken.add(value.files.resolve(value.source.file))
            except TensorFault:
                continue
    name, k = f"{path.stem}.safetensors", 2
    while path.with_name(name).resolve() in taken:
        name, k = f"{path.stem}.{k}.safetensors", k + 1
    return name


def _plain(value: Any) -> Any:
    """Return numpy's numbers and arrays as JSON has them; what is not data, as text."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
