"""Every fault of a broken file is reported: its code, its place, what is wrong, and what to do."""

from __future__ import annotations

import ast
import json
from itertools import chain
from pathlib import Path

import pytest

import resdebug
from resdebug.codes import CODES
from resdebug.errors import MOST_SHOWN, BadInput, render
from tests.network import broken_graphs, broken_json, broken_tensors, broken_values, special
from tests.network.making import MEMORY, Broken, beside, check, edge, graph, leaf, load, node, save, unmarked

TABLES = [
    broken_json.GRAMMAR,
    broken_json.ENCODINGS,
    broken_json.STRUCTURE,
    broken_graphs.IDENTITY,
    broken_graphs.OPERATORS,
    broken_graphs.EDGES,
    broken_graphs.SLOTS,
    broken_graphs.CYCLES,
    broken_graphs.TARGETS,
    broken_values.VALUES,
    broken_values.SIZES,
    broken_values.SHAPES,
    broken_tensors.PATHS,
    broken_tensors.ARCHIVES,
    broken_tensors.SAFETENSORS,
]
CASES = list(chain.from_iterable(TABLES))
WARNINGS = [
    Broken("a part that leads nowhere", beside("¦" + leaf("x", 2)), "G060", what='"x"', hint="no adjoint"),
    Broken(
        "nothing to differentiate by",
        "¦" + graph([node("c", "constant", '"value": 2.0'), node("end", "sum")], [edge("c", "end")]),
        "G061",
        what="no input and no parameter",
    ),
    Broken(
        "only whole numbers to differentiate by",
        "¦"
        + graph(
            [
                node("x", "constant", '"value": [[1.0, 2.0]]'),
                node("t", "input", '"value": [1], "dtype": "int64"'),
                node("end", "cross_entropy"),
            ],
            [edge("x", "end", '"x"'), edge("t", "end", '"target"')],
        ),
        "G061",
    ),
]
FAMILIES_TESTED_ELSEWHERE = ("X", "T", "C", "A", "U")
"""Output, traces and usage have tests of their own, beside what writes, reads and parses them."""


def _name(case: Broken | special.Special) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_broken_file(case: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check(case, tmp_path)
    assert not (tmp_path / broken_tensors.RAN).exists()


@pytest.mark.parametrize("case", special.SPECIAL, ids=_name)
def test_special_fault(case: special.Special, tmp_path: Path) -> None:
    with pytest.raises(case.error) as caught:
        case.act(tmp_path)
    assert type(caught.value) is case.error
    (fault,) = caught.value.faults
    assert fault.code == case.code
    assert case.what in fault.what
    assert case.hint in fault.hint
    assert f"error[{case.code}]: {fault.what}" in str(caught.value)


@pytest.mark.parametrize("case", WARNINGS, ids=_name)
def test_warning(case: Broken, tmp_path: Path) -> None:
    path, ((line, column),) = case.write(tmp_path)
    (fault,) = resdebug.load(path, memory=MEMORY).warnings
    assert (fault.code, fault.place.line, fault.place.column) == (case.codes, line, column)
    assert case.what in fault.what
    assert case.hint in fault.hint
    assert str(fault).startswith(f"{path}:{line}:{column}: warning[{case.codes}]: ")


def test_idle_parts_have_values_and_no_adjoint(tmp_path: Path) -> None:
    pass_ = resdebug.differentiate(load(tmp_path, beside(leaf("x", 2), node("r", "relu"), edges=[edge("x", "r")])))
    assert pass_.adjoint("x") is None
    assert pass_.adjoint("r") is None
    value, adjoint = pass_.value("r"), pass_.adjoint("one")
    assert value is not None
    assert value.tolist() == [0, 0]
    assert adjoint is not None
    assert adjoint.tolist() == 1


def test_every_code_has_a_fixture() -> None:
    reported = {code for case in CASES + WARNINGS for code in case.codes.split()} | {c.code for c in special.SPECIAL}
    assert {code for code in CODES if not code.startswith(FAMILIES_TESTED_ELSEWHERE)} == reported


def test_codes_and_source_agree() -> None:
    used = set()
    for path in Path(resdebug.__file__).parent.rglob("*.py"):
        if path.name != "codes.py":
            strings = (n.value for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Constant))
            used |= {
                s for s in strings if isinstance(s, str) and len(s) == 4 and s[0] in "JGSWNXTCAU" and s[1:].isdigit()
            }
    assert used == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained_in_sentences(code: str) -> None:
    text = CODES[code]
    assert text.endswith(".")
    assert text.isprintable()
    assert len(text) > 20


SIX = unmarked(
    graph(
        [
            node("a", "input", '"value": [1.0, ¦"2"]'),
            node("b", "input", '"value": {"init": ¦"norm", "shape": [2]}'),
            '{"id": "c", "op": ¦"ad"}',
            "¦" + node("d", "mul"),
            node("end", "sum", '"dimm": ¦0'),
        ],
        [edge("a", "c"), edge("b", "d"), edge("d", "end"), edge("dd", "end", '"y"').replace('"dd"', '¦"dd"')],
    )
)


def test_all_faults_come_out_in_one_run_in_file_order(tmp_path: Path) -> None:
    text, places = SIX
    with pytest.raises(BadInput) as caught:
        load(tmp_path, text)
    assert [f.code for f in caught.value.faults] == ["S014", "S013", "G020", "G042", "G022", "G021"]
    assert [(f.place.line, f.place.column) for f in caught.value.faults] == places


def test_the_target_is_checked_along_with_the_rest(tmp_path: Path) -> None:
    text = graph(['{"id": "a", "op": "inputt"}'], about='"target": "nobody"')
    with pytest.raises(BadInput) as caught:
        load(tmp_path, text)
    assert [f.code for f in caught.value.faults] == ["G050", "G020"]


def test_diagnostics_in_json(tmp_path: Path) -> None:
    text, places = SIX
    path = save(tmp_path, text)
    with pytest.raises(BadInput) as caught:
        resdebug.load(path)
    written = render(caught.value.faults, form="json")
    assert written.isascii()
    diagnostics = json.loads(written)["diagnostics"]
    assert [d["pointer"] for d in diagnostics] == [
        "/nodes/0/value/1", "/nodes/1/value/init", "/nodes/2/op", "/nodes/3", "/nodes/4/dimm", "/edges/3/source",
    ]  # fmt: skip
    assert [d["node"] for d in diagnostics] == ["a", "b", "c", "d", "end", None]
    assert [(d["line"], d["column"]) for d in diagnostics] == places
    assert diagnostics[2] == {
        "code": "G020",
        "severity": "error",
        "what": '"c": unknown operator ad',
        "hint": 'did you mean "pad"?',
        "file": str(path),
        "line": places[2][0],
        "column": places[2][1],
        "pointer": "/nodes/2/op",
        "node": "c",
    }


@pytest.mark.parametrize(("count", "tail"), [(20, ""), (21, "… and 1 more fault"), (97, "… and 77 more faults")])
def test_at_most_twenty_are_shown(count: int, tail: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load(tmp_path, graph([node(f"n{i}", "qqqqqq") for i in range(count)]))
    assert len(caught.value.faults) == count
    lines = str(caught.value).splitlines()
    assert len([line for line in lines if "error[G020]" in line]) == min(count, MOST_SHOWN) == min(count, 20)
    assert lines[-1] == tail if tail else "hint" in lines[-1]
    assert len(json.loads(render(caught.value.faults, form="json"))["diagnostics"]) == count


def test_a_column_counts_characters(tmp_path: Path) -> None:
    text, (place,) = unmarked(beside('{"id": "λ̄🙂", "op": ¦"qqqqqq"}'))
    with pytest.raises(BadInput) as caught:
        load(tmp_path, text)
    assert (caught.value.faults[0].place.line, caught.value.faults[0].place.column) == place


def test_places_with_carriage_returns(tmp_path: Path) -> None:
    text, (place,) = unmarked(beside('{"id": "z", "op": ¦"qqqqqq"}'))
    with pytest.raises(BadInput) as caught:
        load(tmp_path, text.replace("\n", "\r\n"))
    assert (caught.value.faults[0].place.line, caught.value.faults[0].place.column) == place
