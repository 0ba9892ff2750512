"""JSONL and JSON, read by the standard library and by a reader written from the format's description alone."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resdebug.errors import UsageError
from resdebug.export.registry import FORMATS, choose_format, export
from resdebug.passes.protocol import Pass
from tests.support import block, residual_chain, two_path


def strict(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def exported(pass_: Pass, path: Path) -> str:
    size = export(pass_, path)
    assert size == path.stat().st_size
    return path.read_text(encoding="utf-8")


def array(tensor: dict[str, Any]) -> np.ndarray:
    return np.array(tensor["data"], dtype=tensor["dtype"]).reshape(tensor["shape"])


def test_jsonl_is_one_event_a_line(tmp_path: Path) -> None:
    pass_ = two_path().run()
    header, *records = map(strict, exported(pass_, tmp_path / "t.jsonl").splitlines())
    assert (header["format"], header["version"], header["target"], header["rule"]) == ("resdebug-trace", 2, "d", "sum")
    assert header["events"] == len(pass_.events) == len(records) - 1
    assert [r["k"] for r in records[:-1]] == list(range(1, len(records)))
    assert (records[-1]["event"], records[-1]["k"]) == ("end", len(pass_.events))
    assert [r["event"] for r in records] == [
        *["evaluated"] * 4, "seeded", "completed", *["contributed"] * 2, "completed", *["contributed"] * 2,
        "completed", "completed", "end",
    ]  # fmt: skip
    sent = [r for r in records if r["event"] == "contributed" and r["node"] == "a"]
    assert [(r["consumer"], r["slot"], r["contribution"]["data"], r["partial"]["data"]) for r in sent] == [
        ("d", "a", 7.0, 7.0),
        ("c", "a", 4.0, 11.0),
    ]


def test_json_says_the_same_in_one_document(tmp_path: Path) -> None:
    pass_ = block().run()
    document = strict(exported(pass_, tmp_path / "t.json"))
    header, *records = map(strict, exported(pass_, tmp_path / "t.jsonl").splitlines())
    for line in (header, *records):
        del line["crc"]
    # There a line has a checksum, here a tensor.
    tensors = [part for record in document["records"] for part in record.values() if isinstance(part, dict)]
    assert tensors
    for tensor in tensors:
        assert tensor.pop("crc") == zlib.crc32(np.array(tensor["data"], np.float64).tobytes())
    assert document.pop("records") == records
    assert document == header


def test_a_reader_that_only_adds_arrives_at_the_adjoints(tmp_path: Path) -> None:
    pass_ = block(projection=True).run()
    _, *records = map(strict, exported(pass_, tmp_path / "t.jsonl").splitlines())
    sums: dict[str, np.ndarray] = {}
    for record in records:
        if record["event"] == "seeded":
            sums[record["node"]] = array(record["adjoint"])
        elif record["event"] == "contributed":
            sent = array(record["contribution"])
            sums[record["node"]] = sums[record["node"]] + sent if record["node"] in sums else sent
            np.testing.assert_array_equal(sums[record["node"]], array(record["partial"]))
        elif record["event"] == "completed":
            np.testing.assert_array_equal(sums[record["node"]], array(record["adjoint"]))
    adjoint = pass_.adjoint("x")
    assert adjoint is not None
    np.testing.assert_array_equal(sums["x"], adjoint)


def test_header_holds_the_network_and_its_digest(tmp_path: Path) -> None:
    first = strict(exported(block().run(), tmp_path / "a.jsonl").splitlines()[0])
    again = strict(exported(block().run(), tmp_path / "b.jsonl").splitlines()[0])
    assert first["digest"] == again["digest"]
    other = block()
    other.graph.nodes["gamma1"]["value"] = [1.0, 0.90000001]
    changed = strict(exported(other.run(), tmp_path / "c.jsonl").splitlines()[0])
    assert changed["digest"] != first["digest"]
    nodes = {node["id"]: node for node in first["network"]["nodes"]}
    assert nodes["conv1"] == {
        "id": "conv1", "op": "conv2d", "stride": 1, "padding": 1, "dilation": 1, "groups": 1, "block": "b1",
    }  # fmt: skip
    assert nodes["W1"]["shape"] == [2, 2, 3, 3]
    assert "value" not in nodes["W1"]


def test_written_as_it_goes(tmp_path: Path) -> None:
    pass_ = residual_chain(20).run()
    told: list[tuple[int, int]] = []
    export(pass_, tmp_path / "t.jsonl", progress=lambda done, total: told.append((done, total)))
    assert told == [(min(k, len(pass_.events)), len(pass_.events)) for k in range(1, len(pass_.events) + 2)]


def test_choosing_a_format() -> None:
    assert choose_format(Path("x.JSON"), None).name == "json"
    assert choose_format(Path("x.txt"), "jsonl").name == "jsonl"
    assert choose_format(None, None).name == "jsonl"
    for path, name in ((Path("x.yaml"), None), (Path("x"), None), (Path("x.json"), "yaml")):
        with pytest.raises(UsageError) as caught:
            choose_format(path, name)
        assert caught.value.faults[0].code == "X005"
        assert "jsonl" in caught.value.faults[0].hint


def test_every_format_has_a_writer_and_says_what_it_is() -> None:
    for name, format_ in FORMATS.items():
        assert format_.name == name
        assert callable(format_.writer())
        assert format_.about
