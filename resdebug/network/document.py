"""The network file as text: node-link JSON, decoded strictly, every fault of a broken one with its line and column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from resdebug.errors import BadInput, Fault, Place
from resdebug.network.positions import scan


def decode(data: bytes, file: str) -> dict[str, Any]:
    """Decode a network file to plain data.

    Raises BadInput for whatever JSON forbids, for keys that appear twice, and when the whole is not an object.
    """
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        faults = scan(data.decode()).faults
        if not faults:
            faults = [Fault("J020", f"not JSON: {error}")]
        raise BadInput([fault.located(file, fault.place.line, fault.place.column) for fault in faults]) from None
    if _key_count(data) != _entry_count(raw):
        faults = scan(data.decode()).faults
        if faults:
            raise BadInput([fault.located(file, fault.place.line, fault.place.column) for fault in faults])
    if not isinstance(raw, dict):
        what = f"expected an object with nodes and edges, got {kind_of(raw)}"
        hint = "write the graph with networkx.node_link_data"
        raise BadInput(Fault("J040", what, hint, Place(file, 1, 1)))
    return raw


def locate(faults: Sequence[Fault], data: bytes, file: str) -> list[Fault]:
    """Return ``faults``, which know their JSON pointers, with lines and columns, in the order of the file."""
    places = scan(data.decode(), {f.place.pointer for f in faults}).places
    found = [f.located(file, *places.get(f.place.pointer, (0, 0))) for f in faults]
    return sorted(found, key=lambda f: (f.place.line or 1 << 60, f.place.column))


def _key_count(data: bytes) -> int:
    """Count the keys in a JSON text: the colons outside of strings."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return sum(part.count(b":") for part in data.split(b'"')[::2])


def _entry_count(raw: Any) -> int:
    """Count the entries of all objects in decoded data; a key that appeared twice is counted once."""
    count, stack = 0, [raw]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            count += len(item)
            stack += [v for v in item.values() if isinstance(v, dict | list)]
        elif isinstance(item, list) and item and not isinstance(item[0], int | float):
            stack += [v for v in item if isinstance(v, dict | list)]
    return count


def kind_of(value: Any) -> str:
    """Return what JSON calls a value: an object, an array, a string, ..."""
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
