"""The reader that knows where everything stands: what it accepts, what it names, and where it points."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdebug.errors import BadInput
from resdebug.network.document import decode
from resdebug.network.positions import escape, scan
from resdebug.network.source import utf8
from tests.network.making import unmarked

SAMPLE = """{"directed": true, "multigraph" : false,
 "graph": {"name": "caf\u00e9 \\u00e9\\n\\"q\\"", "deep": [[], {}, [[-1.5e-3, 0, 12E+4]]]},
\t"nodes": [{"id": "x", "op": null}, {"id": "\U0001f600", "value": [1, 2.25]}],
 "edges": []}
"""
LIMIT = 512

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.sampled_from('ab~/"\\ 0\n\u00e9'), max_size=4), inner, max_size=4)
    ),
    max_leaves=15,
)
quickly = settings(max_examples=200, derandomize=True, deadline=None)


def written(value: Any, space: Callable[[], str], places: dict[str, int]) -> str:
    """Write JSON with any white space between tokens, and note at which offset each value begins."""
    text = ""

    def put(value: Any, pointer: str) -> None:
        nonlocal text
        text += space()
        places[pointer] = len(text)
        if isinstance(value, list | dict):
            pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
            text += "{" if isinstance(value, dict) else "["
            for i, (key, inner) in enumerate(pairs):
                text += "," if i else ""
                if isinstance(value, dict):
                    text += space() + json.dumps(key, ensure_ascii=len(key) % 2 == 0) + space() + ":"
                put(inner, pointer + "/" + str(key).replace("~", "~0").replace("/", "~1"))
            text += space() + ("}" if isinstance(value, dict) else "]")
        else:
            text += json.dumps(value)
        text += space()

    put(value, "")
    return text


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line and column of an offset, from 1."""
    before = text[:offset].split("\n")
    return len(before), len(before[-1]) + 1


def offset_of(text: str, line: int, column: int) -> int:
    """Return the offset of a line and column."""
    return sum(len(part) + 1 for part in text.split("\n")[: line - 1]) + column - 1


def looked_up(document: Any, pointer: str) -> Any:
    """Follow a JSON pointer as RFC 6901 says."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


@given(json_values, st.data())
@quickly
def test_places_are_where_the_writer_put_the_values(value: Any, data: st.DataObject) -> None:
    spaces = iter(data.draw(st.lists(st.sampled_from(["", " ", "\n", "\t", "\r\n", " \n  "]), max_size=40)))
    places: dict[str, int] = {}
    text = written(value, lambda: next(spaces, ""), places)
    assert json.loads(text) == value
    result = scan(text, places.keys())
    assert not result.faults
    assert result.places == {pointer: place(text, offset) for pointer, offset in places.items()}


@given(json_values, st.sampled_from([None, 0, 1, 3]), st.booleans(), st.data())
@quickly
def test_places_point_at_the_dumped_value(
    value: Any, indent: int | None, ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    everywhere: dict[str, int] = {}
    written(value, lambda: "", everywhere)
    wanted = data.draw(st.sets(st.sampled_from(sorted(everywhere)), min_size=1))
    found = scan(text, wanted).places
    assert found.keys() == wanted
    for pointer, (line, column) in found.items():
        expected = looked_up(value, pointer)
        at = offset_of(text, line, column)
        if not isinstance(expected, list | dict):
            assert text.startswith(json.dumps(expected, ensure_ascii=ascii_only), at)
        assert json.JSONDecoder().raw_decode(text, at)[0] == expected


def test_places_worked_by_hand() -> None:
    text, (root, a, second, inner, odd, b) = unmarked('¦{"a": ¦[1, ¦{"": ¦"x"}],\n  "~/": ¦2\n,\r\n "b"\n:\t¦null}\n')
    pointers = ["", "/a", "/a/1", "/a/1/", "/~0~1", "/b"]
    assert [root, a, second, inner, odd, b] == [(1, 1), (1, 7), (1, 11), (1, 16), (2, 9), (5, 3)]
    assert scan(text, pointers).places == dict(zip(pointers, [root, a, second, inner, odd, b], strict=True))


def test_a_pointer_to_nothing_has_no_place() -> None:
    assert scan(SAMPLE, ["/nodes/7", "/nodes/x", "/edges/0", "nodes", "/graph/name/0", "/Graph"]).places == {}


@pytest.mark.parametrize(("key", "step"), [(3, "/3"), ("a", "/a"), ("", "/"), ("a/b", "/a~1b"), ("~1", "/~01")])
def test_a_step_of_a_pointer(key: str | int, step: str) -> None:
    assert escape(key) == step


def test_the_sample_has_no_fault() -> None:
    assert json.loads(SAMPLE)["nodes"][1]["id"] == "\U0001f600"
    assert scan(SAMPLE).faults == []


@pytest.mark.parametrize("end", range(len(SAMPLE.rstrip())))
def test_truncation_at_every_character(end: int) -> None:
    text = SAMPLE[:end]
    (fault,) = scan(text).faults
    assert fault.code in {"J020", "J021"}
    assert 1 <= fault.place.line <= text.count("\n") + 1
    assert 1 <= fault.place.column <= len(text.split("\n")[fault.place.line - 1]) + 1
    if fault.code == "J021":
        assert (fault.place.line, fault.place.column) == place(text, len(text))


def test_truncation_at_every_byte() -> None:
    data = SAMPLE.rstrip().encode()
    assert decode(data, "net.json") == json.loads(SAMPLE)
    for end in range(len(data)):
        with pytest.raises(BadInput) as caught:
            decode(utf8(data[:end], "net.json"), "net.json")
        (fault,) = caught.value.faults
        assert fault.code in {"J010", "J020", "J021"}
        assert re.match(r"net\.json:[1-9]\d*:[1-9]\d*: error\[J0[12][01]\]: .", str(fault)), (end, str(fault))


@pytest.mark.parametrize("opening", ["[", '{"a":', '[[{"b": [0, '])
@pytest.mark.parametrize("depth", [1000, 100_000])
def test_deep_nesting_is_a_fault_without_recursion(opening: str, depth: int) -> None:
    levels = sum(c in "[{" for c in opening)
    text = opening * (depth // levels)
    (fault,) = scan(text).faults
    assert fault.code == "J030"
    assert str(LIMIT) in fault.what
    brackets = [i for i, c in enumerate(text[: len(opening) * (LIMIT + 1)]) if c in "[{"]
    assert (fault.place.line, fault.place.column) == (1, brackets[LIMIT] + 1)


@pytest.mark.parametrize("depth", [1, 2, LIMIT])
def test_nesting_up_to_the_limit_is_fine(depth: int) -> None:
    text = "[" * depth + "]" * depth
    result = scan(text, ["/0" * (depth - 1)])
    assert result.faults == []
    assert result.places == {"/0" * (depth - 1): (1, depth)}


def test_faults_go_on_after_what_can_be_read_over() -> None:
    text, places = unmarked('{"a": ¦1e999, "a2": 1, ¦"a": ¦"\\udc00", ¦"\\ud800": [¦-1e999, ¦' + "9" * 5000 + "]}")
    faults = scan(text).faults
    assert [f.code for f in faults] == ["J034", "J031", "J032", "J032", "J034", "J034"]
    assert [(f.place.line, f.place.column) for f in faults] == places
    assert "5000 digits" in faults[-1].what


def test_a_third_key_is_a_fault_too() -> None:
    assert [f.code for f in scan('{"a": 1, "a": 2, "a": 3}').faults] == ["J031", "J031"]


@pytest.mark.parametrize("text", ["1e308", "-1.7976931348623157e308", "1e-999", "9" * 308, "0." + "1" * 4000, "-0"])
def test_numbers_in_range(text: str) -> None:
    assert scan(text).faults == []


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def accepted(text: str) -> bool:
    """Whether Python's strict reader takes it, with neither NaN, nor keys twice, nor lone surrogates."""
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)
    except ValueError:
        return False
    return re.search("[\ud800-\udfff]", json.dumps(value, ensure_ascii=False)) is None


SOUP = [
    *"{}[]\",:\\ \n\t\r0123456789.eE+-'/",
    "true",
    "null",
    "NaN",
    "-Infinity",
    "\\u",
    "\\ud800",
    "\\udc00",
    "\0",
    "é",
    "//",
]


@given(json_values, st.booleans(), st.sampled_from([None, 1]), st.data())
@settings(quickly, max_examples=600)
def test_accepts_what_a_strict_reader_accepts(
    value: Any, ascii_only: bool, indent: int | None, data: st.DataObject
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 3)))
        text = text[:start] + data.draw(st.sampled_from(["", *SOUP, text[start : start + 9]])) + text[end:]
    faults = [fault for fault in scan(text).faults if fault.code != "J034"]
    assert (not faults) == accepted(text), (text, faults)
    assert all(fault.place.line and fault.place.column for fault in faults)


@given(st.lists(st.sampled_from(SOUP), max_size=8).map("".join))
@settings(quickly, max_examples=600)
def test_accepts_what_a_strict_reader_accepts_of_soup(text: str) -> None:
    faults = [fault for fault in scan(text).faults if fault.code != "J034"]
    assert (not faults) == accepted(text), (text, faults)


@given(json_values, st.data())
@settings(quickly, max_examples=300)
def test_the_fast_reader_and_this_one_agree(value: Any, data: st.DataObject) -> None:
    text = json.dumps({"graph": value}, ensure_ascii=False)
    start = data.draw(st.integers(0, len(text)))
    text = text[:start] + data.draw(st.sampled_from(SOUP)) + text[start + data.draw(st.integers(0, 2)) :]
    slow = [str(fault.located("f", fault.place.line, fault.place.column)) for fault in scan(text).faults]
    fast: list[str] = []
    try:
        assert decode(text.encode(), "f") == json.loads(text)
    except BadInput as error:
        fast = [str(fault) for fault in error.faults if fault.code != "J040"]
    assert fast == slow
