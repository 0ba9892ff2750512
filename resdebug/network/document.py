"""The network file as text: node-link JSON, decoded strictly, every fault of a broken one with its line and column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final, Literal

import msgspec
import numpy as np

from resdebug.errors import BadInput, Fault, Place
from resdebug.network import limits
from resdebug.network.entries import EdgeColumns, EdgeEntry
from resdebug.network.positions import scan
from resdebug.network.progress import Report, Step, tell

PART: Final = 1 << 20
"""Bytes that are looked at together."""


class _Usual(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A file with no other keys than these."""

    nodes: list[dict[str, Any]]
    edges: Any = msgspec.UNSET
    links: Any = msgspec.UNSET
    directed: Any = msgspec.UNSET
    multigraph: Any = msgspec.UNSET
    graph: Any = msgspec.UNSET


@cache
def _decoder(slots: frozenset[str]) -> msgspec.json.Decoder[_Usual]:
    """Return the decoder of files whose edges lead into these slots; their names become one object each, and networkx
    numbers parallel edges with a ``key``."""
    slot = Literal[tuple(sorted(slots))] if slots else str
    edge = msgspec.defstruct(
        "Edge",
        [("slot", slot | None, None), ("key", Any, msgspec.UNSET)],
        bases=(EdgeEntry,),
        forbid_unknown_fields=True,
        gc=False,
    )
    lists = [(key, list[edge] | msgspec.UnsetType, msgspec.UNSET) for key in ("edges", "links")]  # type: ignore[valid-type]
    return msgspec.json.Decoder(msgspec.defstruct("Usual", lists, bases=(_Usual,), forbid_unknown_fields=True))


def decode(data: bytes, file: str, slots: frozenset[str] = frozenset(), report: Report | None = None) -> dict[str, Any]:
    """Decode a network file to plain data; edges are ``EdgeColumns`` where nothing else is said of them.

    A file whose edges all lead into ``slots`` takes less time. Raises BadInput for whatever JSON forbids, for keys that
    appear twice, and when the whole is not an object.
    """
    raw: Any = _usual(data, slots)
    if raw is None:
        try:
            raw = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            faults = scan(data.decode()).faults or [Fault("J020", f"not JSON: {error}")]
            raise BadInput([fault.located(file, fault.place.line, fault.place.column) for fault in faults]) from None
    tell(report, Step.DECODED)
    if not _is_flat(data, raw) and not _is_plain(data, raw):
        faults = scan(data.decode()).faults
        if faults:
            raise BadInput([fault.located(file, fault.place.line, fault.place.column) for fault in faults])
    if not isinstance(raw, dict):
        what = f"expected an object with nodes and edges, got {kind_of(raw)}"
        line, column = scan(data.decode(), {""}).places[""]
        raise BadInput(Fault("J040", what, "write the graph with networkx.node_link_data", Place(file, line, column)))
    tell(report, Step.PROVEN)
    return raw


def _usual(data: bytes, slots: frozenset[str]) -> dict[str, Any] | None:
    """Decode a file that has no other keys than usual; None where it has, or is no JSON at all."""
    try:
        decoded = msgspec.structs.asdict(_decoder(slots).decode(data))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    raw = {key: value for key, value in decoded.items() if value is not msgspec.UNSET}
    for key in {"edges", "links"} & {key for key, value in raw.items() if value}:
        columns = EdgeColumns.of(raw[key])
        numbered = len(raw[key]) - [edge.key for edge in raw[key]].count(msgspec.UNSET)
        raw[key] = columns._replace(keys=columns.keys + numbered)
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
    return _has_other_keys(data, sum(_keys_by_depth(raw)))


def _has_other_keys(data: bytes, keys: int) -> bool:
    """Whether the JSON text has another number of keys: of colons, that is, outside strings."""
    return _count(data, ":") != keys and _colons(data) != keys


def _colons(data: bytes) -> int:
    """Return how many colons the JSON text has outside strings."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    count, within = 0, 0
    for start in range(0, len(data), PART):
        text = np.frombuffer(data, np.uint8, min(PART, len(data) - start), start)
        quotes = np.cumsum(text == ord('"'), dtype=np.uint8) + np.uint8(within)
        count += int(np.count_nonzero((text == ord(":")) & (quotes % 2 == 0)))
        within = int(quotes[-1]) % 2
    return count


def _is_flat(data: bytes, raw: Any) -> bool:
    """Whether the text has as many colons as its nodes and edges have keys, and no arrays but the lists of these.

    Then it is plain, and counting was enough: what is nested deeper would take a colon or a bracket.
    """
    if not isinstance(raw, dict):
        return False
    keys, arrays = len(raw), 0
    for value in raw.values():
        if isinstance(value, EdgeColumns):
            keys, arrays = keys + value.keys, arrays + 1
        elif type(value) is list:
            if not {*map(type, value)} <= {dict}:
                return False
            keys, arrays = keys + sum(map(len, value)), arrays + 1
        elif type(value) is dict:
            keys += len(value)
    return _count(data, "[") == arrays and _count(data, ":") == keys


def _count(data: bytes, character: str) -> int:
    """Return how often a character occurs, in strings too; on long text ``bytes.count`` takes four times as long."""
    parts = (np.frombuffer(data, np.uint8, min(PART, len(data) - at), at) for at in range(0, len(data), PART))
    return sum(int(np.count_nonzero(part == ord(character))) for part in parts)


def _is_plain(data: bytes, raw: Any) -> bool:
    """Whether no key appears twice and nothing is nested too deeply."""
    by_depth = list(_keys_by_depth(raw))
    return len(by_depth) <= limits.JSON_DEPTH and not _has_other_keys(data, sum(by_depth))


def _keys_by_depth(raw: Any) -> Iterator[int]:
    """Yield, level by level of nesting, how many keys the objects there have; rows of numbers are not looked into."""
    level = [raw] if isinstance(raw, dict | list) else []
    while level:
        objects = [item for item in level if type(item) is dict]
        arrays = [item for item in level if type(item) is list and item and not isinstance(item[0], int | float)]
        inside = [v for item in objects for v in item.values()]
        yield sum(map(len, objects)) + sum(v.keys for v in inside if type(v) is EdgeColumns)
        level = [v for v in inside if type(v) is dict or type(v) is list]
        for item in arrays:
            level += [v for v in item if type(v) is dict or type(v) is list]


def kind_of(value: Any) -> str:
    """Return what JSON calls a value: an object, an array, a string, ..."""
    kinds = {dict: "an object", str: "a string", bool: "true or false", type(None): "null", int: "a number"}
    return kinds.get(type(value)) or ("a number" if isinstance(value, float) else "an array")
