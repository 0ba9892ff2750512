"""The network file as text: node-link JSON, decoded strictly, every fault of a broken one with its line and column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from resdebug.errors import BadInput, Fault, Place
from resdebug.network import limits
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
    if not _is_plain(data, raw):
        faults = scan(data.decode()).faults
        if faults:
            raise BadInput([fault.located(file, fault.place.line, fault.place.column) for fault in faults])
    if not isinstance(raw, dict):
        what = f"expected an object with nodes and edges, got {kind_of(raw)}"
        line, column = scan(data.decode(), {""}).places[""]
        raise BadInput(Fault("J040", what, "write the graph with networkx.node_link_data", Place(file, line, column)))
    return raw


def locate(faults: Sequence[Fault], data: bytes, file: str) -> list[Fault]:
    """Return ``faults``, which know their JSON pointers, with lines and columns, in the order of the file.

    What is not in the text (an attribute that was left out, say) is placed at what it would be part of.
    """
    wanted = {prefix for fault in faults for prefix in _prefixes(fault.place.pointer)}
    places = scan(data.decode(), wanted, until_found=True).places
    found = []
    for fault in faults:
        known = next(p for p in _prefixes(fault.place.pointer) if p in places)
        found.append(fault.located(file, *places[known]))
    return sorted(found, key=lambda f: (f.place.line or 1 << 60, f.place.column))


def _prefixes(pointer: str) -> list[str]:
    """Return a pointer and all that it lies in, the longest first, the whole document last."""
    ends = [i for i, c in enumerate(pointer) if c == "/"]
    return [pointer, *(pointer[:i] for i in reversed(ends))]


def repeats_a_key(data: bytes, raw: Any) -> bool:
    """Whether an object of the JSON text has a key twice, judged by the decoded data; may err towards yes."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    keys = sum(part.count(b":") for part in data.split(b'"')[::2])
    return keys != sum(len(item) for item, _ in _containers(raw) if isinstance(item, dict))


def _is_plain(data: bytes, raw: Any) -> bool:
    """Whether no key appears twice and nothing is nested too deeply."""
    return not repeats_a_key(data, raw) and all(depth <= limits.JSON_DEPTH for _, depth in _containers(raw))


def _containers(raw: Any) -> Iterator[tuple[Any, int]]:
    """Yield the objects and arrays in decoded data, with their depth; rows of numbers are not looked into."""
    stack = [(raw, 1)] if isinstance(raw, dict | list) else []
    while stack:
        item, depth = stack.pop()
        yield item, depth
        if isinstance(item, dict):
            stack += [(v, depth + 1) for v in item.values() if isinstance(v, dict | list)]
        elif item and not isinstance(item[0], int | float):
            stack += [(v, depth + 1) for v in item if isinstance(v, dict | list)]


def kind_of(value: Any) -> str:
    """Return what JSON calls a value: an object, an array, a string, ..."""
    kinds = {dict: "an object", str: "a string", bool: "true or false", type(None): "null", int: "a number"}
    return kinds.get(type(value)) or ("a number" if isinstance(value, float) else "an array")
