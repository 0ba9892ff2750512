"""Errors: what is printed, what machines get, and which exit code a run ends with."""

from __future__ import annotations

import json

import pytest

from resdebug.errors import (
    MOST_SHOWN,
    BadInput,
    CannotCreate,
    Fault,
    IOFailure,
    MissingInput,
    Place,
    ResdebugError,
    UsageError,
    quoted,
    render,
)

FAULT = Fault("G021", 'edge 3 names unknown node "c0nv"', 'did you mean "conv"?', Place("net.json", 14, 9, "/edges/3"))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(), ""),
        (Place("net.json"), "net.json"),
        (Place("net.json", 14, 9), "net.json:14:9"),
        (Place("net.json", 14, 9, "/nodes/2"), "net.json:14:9"),
        (Place("net.json", pointer="/nodes/2"), "net.json#/nodes/2"),
        (Place(pointer="/nodes/2/op"), "/nodes/2/op"),
        (Place(node="x"), ""),
        (Place("a\x1b[31m\n.json", 1, 2), "a⟨U+001B⟩[31m⟨U+000A⟩.json:1:2"),
        (Place(pointer="/nodes/0/\u202e"), "/nodes/0/⟨U+202E⟩"),
    ],
)
def test_a_place_as_text(place: Place, text: str) -> None:
    assert str(place) == text


def test_a_fault_as_text() -> None:
    assert str(FAULT) == ('net.json:14:9: error[G021]: edge 3 names unknown node "c0nv"\n  hint: did you mean "conv"?')
    assert str(Fault("J001", "no such file", place=Place("n.json"))) == "n.json: error[J001]: no such file"
    assert str(Fault("G051", "there is no target")) == "error[G051]: there is no target"
    assert str(Fault("G060", "odd", severity="warning")) == "warning[G060]: odd"


def test_a_fault_finds_its_line_and_keeps_the_rest() -> None:
    fault = Fault("G020", "what", "hint", Place(pointer="/nodes/1", node="x"), "warning")
    located = fault.located("net.json", 3, 5)
    assert located == Fault("G020", "what", "hint", Place("net.json", 3, 5, "/nodes/1", "x"), "warning")
    assert fault.place == Place(pointer="/nodes/1", node="x")
    assert str(fault.located("net.json").place) == "net.json#/nodes/1"


def test_a_fault_for_machines() -> None:
    assert FAULT.as_json() == {
        "code": "G021",
        "severity": "error",
        "what": 'edge 3 names unknown node "c0nv"',
        "hint": 'did you mean "conv"?',
        "file": "net.json",
        "line": 14,
        "column": 9,
        "pointer": "/edges/3",
        "node": None,
    }
    bare = Fault("U001", "what").as_json()
    assert (bare["line"], bare["column"], bare["node"], bare["hint"], bare["file"]) == (None, None, None, "", "")


EXITS = {ResdebugError: 70, UsageError: 2, BadInput: 65, MissingInput: 66, CannotCreate: 73, IOFailure: 74}


@pytest.mark.parametrize(("kind", "code"), EXITS.items(), ids=lambda x: getattr(x, "__name__", str(x)))
def test_exit_codes(kind: type[ResdebugError], code: int) -> None:
    assert kind.exit_code == kind(FAULT).exit_code == code
    assert issubclass(kind, ResdebugError)


def test_every_error_has_an_exit_code_of_its_own() -> None:
    def below(kind: type[ResdebugError]) -> set[type[ResdebugError]]:
        return {kind}.union(*(below(sub) for sub in kind.__subclasses__()))

    assert below(ResdebugError) == set(EXITS)
    assert len(set(EXITS.values())) == len(EXITS)


def test_an_error_carries_its_faults() -> None:
    assert BadInput(FAULT).faults == (FAULT,)
    both = BadInput([FAULT, Fault("G012", "no nodes")])
    assert [fault.code for fault in both.faults] == ["G021", "G012"]
    assert str(both) == f"{FAULT}\nerror[G012]: no nodes"


@pytest.mark.parametrize(
    ("count", "tail"), [(1, ""), (20, ""), (21, "… and 1 more fault"), (45, "… and 25 more faults")]
)
def test_at_most_twenty_are_shown_and_the_rest_counted(count: int, tail: str) -> None:
    faults = [Fault("G020", f"fault {i}") for i in range(count)]
    shown = min(count, 20)
    lines = [f"error[G020]: fault {i}" for i in range(shown)] + ([tail] if tail else [])
    assert MOST_SHOWN == 20
    assert render(faults) == "\n".join(lines) == str(BadInput(faults))


def test_machines_get_all_of_them() -> None:
    faults = [FAULT] * 45
    written = render(faults, form="json")
    assert json.loads(written) == {"diagnostics": [FAULT.as_json()] * 45}
    assert written.isascii()


def test_hostile_text_is_escaped_for_machines() -> None:
    fault = Fault("G020", "\x1b[31m\u202e\ud800", place=Place("\x9b", node="\x07"))
    written = render([fault], form="json")
    assert written.isascii()
    assert written.replace("\n", "").isprintable()
    assert json.loads(written)["diagnostics"][0]["what"] == "\x1b[31m\u202e\ud800"


def test_no_faults() -> None:
    assert render([]) == ""
    assert json.loads(render([], form="json")) == {"diagnostics": []}


def test_quoted_names() -> None:
    assert quoted([]) == ""
    assert quoted(["a"]) == '"a"'
    assert quoted(n for n in "ab") == '"a", "b"'
    assert quoted(str(i) for i in range(8)) == '"0", "1", "2", "3", "4", "5", "6", "7"'
    assert quoted(str(i) for i in range(9)) == '"0", "1", "2", "3", "4", "5", "6", "7", … (9 in all)'
    assert quoted("abc", most=2) == '"a", "b", … (3 in all)'
    assert quoted(["\x1b"]) == '"⟨U+001B⟩"'
    assert len(quoted(["n" * 1000])) == 62


def test_faults_and_places_are_values() -> None:
    assert Place("a", 1, 2) == Place("a", 1, 2)
    assert {Place("a"), Place("a")} == {Place("a")}
    with pytest.raises(AttributeError):
        FAULT.code = "G022"  # type: ignore[misc]
