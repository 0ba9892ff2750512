"""A recorded pass answers exactly as the live one did."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resdebug
from resdebug.errors import BadInput
from resdebug.export.registry import export
from resdebug.network.tensorfiles import TensorFault
from resdebug.passes.protocol import Pass
from tests.support import Builder, block, two_path


def same(live: Pass, recorded: Pass) -> None:
    assert recorded.events[:] == live.events[:]
    assert recorded.target == live.target
    assert recorded.rule == live.rule
    assert recorded.digest() == live.digest()
    for node in live.network.nodes:
        name = node.name
        if not live.events.after_evaluation(node.index):
            assert recorded.value(name) is None
            continue
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
    path.write_text("".join(change([unsealed(line) for line in lines])))
    return path


def unsealed(line: str) -> str:
    """Leave the checksum out, as whoever changes a line does."""
    return re.sub(r',"crc":\d+}$', "}", line.rstrip("\n")) + "\n"


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
        (_replace(0, '"version":2', '"version":99'), "T002", 1),
        (_replace(0, '"rule":"sum"', '"rule":"total"'), "T002", 1),
        (_replace(3, '"node":"c"', '"node":"q"'), "T007", 4),
        (_replace(7, '"slot":"a"', '"slot":"z"'), "T007", 8),
        (_replace(3, '"data":7.0', '"data":[7.0]'), "T008", 4),
        (_replace(3, '"data":7.0', '"data":"seven"'), "T008", 4),
        (_replace(3, '"shape":[]', '"shape":[1]'), "T008", 4),
        (_replace(6, '"node":"d"', '"node":"b"'), "T006", 7),
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


def idle_leaf() -> Builder:
    """The target of two_path, and a leaf and an operator that it does not depend on."""
    b = two_path()
    b.leaf("z", np.array([5.0, 6.0]))
    b.add("idle", "neg", {"x": "z"})
    return b


def test_what_a_trace_does_not_hold_is_not_made_up(tmp_path: Path) -> None:
    live = idle_leaf().run()
    export(live, tmp_path / "t.jsonl")
    recorded = resdebug.load_trace(tmp_path / "t.jsonl")
    same(live, recorded)
    with pytest.raises(TensorFault, match="does not hold"):
        recorded.network.values["z"].array()
    with pytest.raises(BadInput, match="does not hold"):
        resdebug.differentiate(recorded.network).value("idle")
    export(recorded, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "t.jsonl").read_bytes()


def test_huge_leaves_that_are_not_there_take_no_memory(tmp_path: Path) -> None:
    export(idle_leaf().run(), tmp_path / "t.jsonl")
    lines = (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()
    header = json.loads(unsealed(lines[0]))
    for node in header["network"]["nodes"]:
        if node["id"] == "z":
            node["shape"] = [10**6, 10**6]
    (tmp_path / "t.jsonl").write_text("\n".join([json.dumps(header), *lines[1:]]), encoding="utf-8")
    with pytest.raises(BadInput, match=r"S00[12]"):
        resdebug.load_trace(tmp_path / "t.jsonl", memory=1 << 20)


def test_the_digest_is_of_the_numbers_that_were_run_on(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", w=np.array([1.0, 2.0]))
    b = Builder("y")
    b.leaf("x", {"file": "w.npz", "name": "w"})
    b.add("y", "sum", {"x": "x"})
    path = b.save(tmp_path / "net.json")
    live = resdebug.differentiate(resdebug.load(path))
    digest = live.digest()
    np.savez(tmp_path / "w.npz", w=np.array([7.0, 8.0]))
    assert resdebug.differentiate(resdebug.load(path)).digest() != digest
    assert live.digest() == digest
    (tmp_path / "w.npz").unlink()
    export(live, tmp_path / "t.jsonl")
    assert resdebug.load_trace(tmp_path / "t.jsonl").digest() == digest


def events(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the header and the records of a trace of two_path."""
    export(two_path().run(), folder / "t.jsonl")
    header, *records = map(json.loads, map(unsealed, (folder / "t.jsonl").read_text(encoding="utf-8").splitlines()))
    return header, records


def dropped(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    at = next(i for i, r in enumerate(records) if r["event"] == "contributed")
    return records[:at] + records[at + 1 :]


def doubled(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    at = next(i for i, r in enumerate(records) if r["event"] == "contributed")
    return records[: at + 1] + records[at:]


def early(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(records, key=lambda r: ["evaluated", "seeded", "contributed", "completed", "end"].index(r["event"]))


def unseeded(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r for r in records if r["event"] != "seeded"]


def uneven(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [records[2], *records[:2], *records[3:]]


@pytest.mark.parametrize("change", [dropped, doubled, early, unseeded, uneven], ids=lambda f: f.__name__)
def test_a_trace_whose_events_are_no_reverse_pass_is_refused(change: Any, tmp_path: Path) -> None:
    header, records = events(tmp_path)
    changed = [r | {"k": k - (r["event"] == "end")} for k, r in enumerate(change(records), start=1)]
    header["events"] = len(changed) - 1
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(r) for r in [header, *changed]), encoding="utf-8")
    with pytest.raises(BadInput, match="T006"):
        resdebug.load_trace(tmp_path / "t.jsonl")


def test_a_trace_with_another_target_or_count_is_refused(tmp_path: Path) -> None:
    header, records = events(tmp_path)
    for changed in ({"target": "c"}, {"events": 99}):
        text = "\n".join(json.dumps(r) for r in [header | changed, *records])
        (tmp_path / "t.jsonl").write_text(text, encoding="utf-8")
        with pytest.raises(BadInput, match="T006"):
            resdebug.load_trace(tmp_path / "t.jsonl")


def test_adjoints_have_the_element_type_of_their_node(tmp_path: Path) -> None:
    header, records = events(tmp_path)
    for record in records:
        if record["event"] == "completed":
            record["adjoint"] |= {"dtype": "int64", "data": 1}
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(r) for r in [header, *records]), encoding="utf-8")
    with pytest.raises(BadInput, match="T008"):
        resdebug.load_trace(tmp_path / "t.jsonl")


def test_nodes_may_be_visited_in_any_order_that_a_reverse_pass_can_have(tmp_path: Path) -> None:
    """a and b have all they wait for at the end of two_path: either may come first, and stepping follows the trace."""
    path = tmp_path / "t.jsonl"
    export(two_path().run(), path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line.pop("crc", None)
    first, second = (i for i, line in enumerate(lines) if line.get("event") == "completed" and line["node"] in "ab")
    lines[first]["k"], lines[second]["k"] = lines[second]["k"], lines[first]["k"]
    lines[first], lines[second] = lines[second], lines[first]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    live, recorded = two_path().run(), resdebug.load_trace(path)
    assert list(recorded.events[:-2]) == list(live.events[:-2])
    assert list(recorded.events[-2:]) == list(live.events[-2:])[::-1]
    debugger = resdebug.Debugger(recorded)
    debugger.jump(len(recorded.events))
    assert debugger.focus() == live.events[-2].node
    assert recorded.adjoint("a") == 11
    early = [*lines[:9], lines[first], *(x for i, x in enumerate(lines[9:], start=9) if i != first)]
    for k, line in enumerate(early[1:-1], start=1):
        line["k"] = k
    path.write_text("".join(json.dumps(line) + "\n" for line in early), encoding="utf-8")
    with pytest.raises(BadInput, match="is completed before its consumer"):
        resdebug.load_trace(path)


@pytest.mark.parametrize("left_out", [8, 4])
def test_a_torn_trace_does_not_hide_an_event_that_was_taken_out(tmp_path: Path, left_out: int) -> None:
    """A contribution (line 8) or a value (line 4) is missing, the numbers are made to fit, the end is torn."""
    path = tmp_path / "t.jsonl"
    export(two_path().run(), path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    kept = [line for number, line in enumerate(lines, start=1) if number != left_out][:-2]
    for k, line in enumerate(kept):
        line.pop("crc", None)
        if k:
            line["k"] = k
    path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
    with pytest.raises(BadInput, match="T006"):
        resdebug.load_trace(path, recover=True)
