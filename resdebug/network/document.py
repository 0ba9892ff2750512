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
    if not _is_flat(data, raw) and not _is_plain(data, raw):
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
    keys = sum(_keys_by_depth(raw))
    if data.count(b":") == keys:
        # Every colon belongs to a key that is there.
        return False
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(data.split(b'"')[::2]).count(b":") != keys


def _is_flat(data: bytes, raw: Any) -> bool:
    """Whether the text has no objects or arrays but nodes and edges, and as many colons as these have keys.

    Then it is plain, and counting was enough.
    """
    if not isinstance(raw, dict):
        return False
    arrays = [value for value in raw.values() if type(value) is list]
    objects = [
        raw,
        *(value for value in raw.values() if type(value) is dict),
        *(v for values in arrays for v in values),
    ]
    return (
        {*map(type, objects)} == {dict}
        and data.count(b"{") == len(objects)
        and data.count(b"[") == len(arrays)
        and data.count(b":") == sum(map(len, objects))
    )


def _is_plain(data: bytes, raw: Any) -> bool:
    """Whether no key appears twice and nothing is nested too deeply."""
    return not repeats_a_key(data, raw) and sum(1 for _ in _keys_by_depth(raw)) <= limits.JSON_DEPTH


def _keys_by_depth(raw: Any) -> Iterator[int]:
    """Yield, level by level of nesting, how many keys the objects there have; rows of numbers are not looked into."""
    level = [raw] if isinstance(raw, dict | list) else []
    while level:
        objects = [item for item in level if type(item) is dict]
        arrays = [item for item in level if type(item) is list and item and not isinstance(item[0], int | float)]
        yield sum(map(len, objects))
        level = [v for item in objects for v in item.values() if type(v) is dict or type(v) is list]
        for item in arrays:
            level += [v for v in item if type(v) is dict or type(v) is list]


def kind_of(value: Any) -> str:
    """Return what JSON calls a value: an object, an array, a string, ..."""
    kinds = {dict: "an object", str: "a string", bool: "true or false", type(None): "null", int: "a number"}
    return kinds.get(type(value)) or ("a number" if isinstance(value, float) else "an array")
