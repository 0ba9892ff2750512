"""A recorded pass answers exactly as the live one did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.errors import BadInput
from resdebug.export.registry import export
from resdebug.passes.protocol import Pass
from tests.support import Builder, block, two_path


def same(live: Pass, recorded: Pass) -> None:
    assert recorded.events[:] == live.events[:]
    assert recorded.target == live.target
    assert recorded.rule == live.rule
    for index in live.schedule.order:
        name = live.network.nodes[index].name
        assert _bits(recorded.value(name)) == _bits(live.value(name))
        assert _bits(recorded.adjoint(name)) == _bits(live.adjoint(name))
        for mine, theirs in zip(recorded.ledger(name), live.ledger(name), strict=True):
            assert mine.edge.consumer == theirs.edge.consumer
            assert _bits(mine.contribution) == _bits(theirs.contribution)
            assert _bits(mine.running) == _bits(theirs.running)


def _bits(array: Any) -> Any:
    return None if array is None else (array.shape, array.dtype.name, array.tobytes())


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
@pytest.mark.parametrize("rule", ["sum", "mean"])
def test_round_trip_is_bitwise(tmp_path: Path, suffix: str, rule: str) -> None:
    live = block(projection=True).run(rule=rule)
    path = tmp_path / f"t.{suffix}"
    export(live, path)
    same(live, resdebug.load_trace(path))


def test_nan_infinity_and_negative_zero_survive(tmp_path: Path) -> None:
    b = Builder("s")
    b.leaf("x", np.array([-1.0, 0.0, 4.0, -0.0]))
    b.add("r", "sqrt", {"x": "x"})
    b.add("l", "log", {"x": "r"})
    b.add("s", "sum", {"x": "l"})
    live = b.run()
    value = live.value("l")
    assert value is not None
    assert np.isnan(value[0])
    assert np.isneginf(value[1])
    export(live, tmp_path / "t.jsonl")
    for line in (tmp_path / "t.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not strict JSON"))
    recorded = resdebug.load_trace(tmp_path / "t.jsonl")
    got = recorded.value("l")
    assert got is not None
    np.testing.assert_array_equal(got, value)
    zero = recorded.value("x")
    assert zero is not None
    assert np.signbit(zero[3])


def test_integers_and_float32_keep_their_types(tmp_path: Path) -> None:
    b = Builder("loss", dtype="float32")
    b.leaf("x", np.array([[0.1, 0.7]], dtype=np.float32))
    b.leaf("label", [1], "constant", dtype="int64")
    b.add("loss", "cross_entropy", {"x": "x", "target": "label"})
    live = b.run()
    export(live, tmp_path / "t.json")
    same(live, resdebug.load_trace(tmp_path / "t.json"))


def _tampered(tmp_path: Path, change: Any) -> Path:
    path = tmp_path / "t.jsonl"
    export(two_path().run(), path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(change(lines)))
    return path


def _replace(k: int, old: str, new: str) -> Any:
    def change(lines: list[str]) -> list[str]:
        assert old in lines[k]
        return [*lines[:k], lines[k].replace(old, new), *lines[k + 1 :]]

    return change


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        (lambda lines: lines[:-1], "T004", 14),
        (lambda lines: [*lines[:-1], lines[-1][:9]], "T003", 15),
        (lambda lines: lines[:5] + lines[6:], "T005", 6),
        (lambda lines: [lines[1], *lines[1:]], "T001", 1),
        (_replace(0, '"version":1', '"version":99'), "T002", 1),
        (_replace(0, '"rule":"sum"', '"rule":"total"'), "T002", 1),
        (_replace(3, '"node":"c"', '"node":"q"'), "T007", 4),
        (_replace(7, '"slot":"a"', '"slot":"z"'), "T007", 8),
        (_replace(3, '"data":7.0', '"data":[7.0]'), "T008", 4),
        (_replace(3, '"data":7.0', '"data":"seven"'), "T008", 4),
        (_replace(3, '"shape":[]', '"shape":[1]'), "T008", 4),
        (_replace(6, '"node":"d"', '"node":"b"'), "T006", 1),
    ],
)
def test_faults_of_a_trace_name_their_line(tmp_path: Path, change: Any, code: str, line: int) -> None:
    with pytest.raises(BadInput) as caught:
        resdebug.load_trace(_tampered(tmp_path, change))
    fault = caught.value.faults[0]
    assert (fault.code, fault.place.line) == (code, line)


def test_a_trace_cut_at_any_byte_is_refused_or_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    export(two_path().run(), path)
    data = path.read_bytes()
    end = data.rstrip(b"\n")
    for cut in range(0, len(end), 7):
        path.write_bytes(end[:cut])
        with pytest.raises(BadInput):
            resdebug.load_trace(path)
