"""Every rule has a trace that breaks it, and a sound trace breaks none."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import resdebug
from resdebug.errors import BadInput, MissingInput
from resdebug.verification.rules import RULES
from resdebug.verification.verifier import verify
from tests.cli.running import run
from tests.support import GRAPHS
from tests.verification.fixtures import BREAK, beside, first, lines_of, save, sound, write

SMALL = ("two_path", "resblock", "preact_block", "bottleneck", "digits_resnet", "plain20", "residual20")


@pytest.mark.parametrize("name", SMALL)
def test_sound_traces_break_no_rule(name: str, tmp_path: Path) -> None:
    report = verify(write(GRAPHS / f"{name}.json", tmp_path / "t.jsonl"))
    assert report.findings == []
    assert report.exit_code == 0
    assert not report.not_derived
    assert report.derived["contributions"] == report.contributions > 3


@pytest.mark.parametrize("rule", ["mean", "overwrite", "first"])
def test_wrong_rules_are_added_as_they_say(rule: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    assert run("trace", str(GRAPHS / "resblock.json"), "--rule", rule, "-o", str(path)).returncode == 0
    assert verify(path).findings == []
    lines = lines_of(path)
    lines[0]["rule"] = "sum"
    assert "V040" in {f.rule for f in verify(save(lines, tmp_path / "u.jsonl")).findings}


@pytest.mark.parametrize("rule", BREAK)
def test_every_rule_can_be_broken(rule: str, tmp_path: Path) -> None:
    lines = sound(tmp_path)
    assert verify(save(lines, tmp_path / "edited.jsonl")).findings == []
    BREAK[rule](lines)
    report = verify(save(lines, tmp_path / "edited.jsonl"))
    assert rule in {finding.rule for finding in report.findings}, report.findings
    assert report.exit_code == (65 if rule in {"V001", "V002", "V004", "V005", "V020"} else 1)


def test_no_rule_is_without_a_fixture() -> None:
    assert set(RULES) == {*BREAK, "V003", "V022"}


def test_one_changed_number_is_named_with_its_place(tmp_path: Path) -> None:
    lines = sound(tmp_path)
    first(lines, "contributed", consumer="d", slot="b")["contribution"]["data"] = 4.000000000000001
    finding = verify(save(lines, tmp_path / "t.jsonl")).findings[0]
    assert (finding.rule, finding.node, finding.slot, finding.line) == ("V040", "c", "b", 9)
    assert (finding.index, finding.found, finding.expected) == ((), 4.0, 4.000000000000001)


def test_any_flipped_bit_of_a_trace_and_of_its_tensors_is_caught(tmp_path: Path) -> None:
    """A bit anywhere: in numbers, names, checksums, the digest, line ends, the header of the tensors."""
    path = write(GRAPHS / "digits_resnet.json", tmp_path / "t.jsonl")
    rng = random.Random(3)
    for file in (path, tmp_path / "t.jsonl.safetensors"):
        whole = file.read_bytes()
        heads = [rng.randrange(min(len(whole), 3000)) for _ in range(8)]
        for at in [0, len(whole) - 1, *heads, *(rng.randrange(len(whole)) for _ in range(12))]:
            changed = bytearray(whole)
            changed[at] ^= 1 << rng.randrange(8)
            file.write_bytes(changed)
            try:
                report = verify(path)
            except BadInput:
                continue
            assert report.findings, (file.name, at, bytes(whole[at - 20 : at + 20]))
        file.write_bytes(whole)
    assert verify(path).findings == []


def test_flipped_bits_are_caught_by_mathematics_where_checksums_are_made_to_fit(tmp_path: Path) -> None:
    """Elementary operators leave no room: one bit of a number changed, the line sealed again."""
    import struct

    lines = sound(tmp_path)
    rng = random.Random(5)
    keys = ("value", "adjoint", "contribution", "partial")
    places = [(i, key) for i, line in enumerate(lines) for key in keys if i and key in line]
    for i, key in places:
        changed = json.loads(json.dumps(lines))
        tensor = changed[i][key]
        (bits,) = struct.unpack("<Q", struct.pack("<d", tensor["data"]))
        (number,) = struct.unpack("<d", struct.pack("<Q", bits ^ 1 << rng.randrange(62)))
        tensor["data"] = number
        sealed = []
        for line in changed:
            body = json.dumps(line, separators=(",", ":")).encode()[:-1]
            sealed.append(b'%b,"crc":%d}\n' % (body, zlib.crc32(body)))
        (tmp_path / "t.jsonl").write_bytes(b"".join(sealed))
        report = verify(tmp_path / "t.jsonl")
        assert any(finding.line in {i + 1, i + 2, 1} for finding in report.findings), (i, key)


def test_lines_are_sealed_all_or_none(tmp_path: Path) -> None:
    path = write(GRAPHS / "two_path.json", tmp_path / "t.jsonl")
    text = path.read_bytes()
    path.write_bytes(text.replace(b'"k":5', b'"k": 5'))
    assert [(f.rule, f.line) for f in verify(path).findings] == [("V003", 6)]
    lines = text.splitlines(keepends=True)
    lines[5] = lines[5][: lines[5].rfind(b',"crc"')] + b"}\n"
    path.write_bytes(b"".join(lines))
    report = verify(path)
    assert [(f.rule, f.line) for f in report.findings] == [("V003", 6)]
    assert report.exit_code == 65


def test_the_file_beside_is_of_this_trace_and_holds_nothing_else(tmp_path: Path) -> None:
    lines = sound(tmp_path)
    lines[0]["tensors"] = "t.jsonl.safetensors"
    path = save(lines, tmp_path / "t.jsonl")
    assert [f.rule for f in verify(path).findings] == ["V022"]
    beside(tmp_path / "t.jsonl.safetensors", lines[0], "stowaway")
    (finding,) = verify(path).findings
    assert finding.rule == "V022"
    assert "stowaway" in finding.what
    beside(tmp_path / "t.jsonl.safetensors", lines[0] | {"digest": "sha256:0"}, "x")
    assert "another trace" in verify(path).findings[0].what


def test_a_trace_cut_off_anywhere_is_no_whole_trace(tmp_path: Path) -> None:
    path = write(GRAPHS / "two_path.json", tmp_path / "t.jsonl")
    whole = path.read_bytes()
    for end in range(0, len(whole), 41):
        path.write_bytes(whole[:end])
        try:
            report = verify(path)
        except BadInput:
            continue
        assert report.exit_code == 65, end
        assert report.findings[0].rule in {"V001", "V002", "V003", "V005"}, end


def test_levels_and_documents(tmp_path: Path) -> None:
    stats = verify(write(GRAPHS / "resblock.json", tmp_path / "s.jsonl", level="stats"))
    assert stats.findings == []
    assert sum(stats.not_derived.values()) == 23
    assert "statistics" in next(iter(stats.not_derived))
    assert verify(write(GRAPHS / "resblock.json", tmp_path / "a.jsonl", level="adjoints")).findings == []
    assert verify(write(GRAPHS / "resblock.json", tmp_path / "n.jsonl", nodes=["conv*", "x"])).findings == []
    document = verify(write(GRAPHS / "resblock.json", tmp_path / "d.json"))
    assert document.findings == []
    assert document.notes == []


def test_one_bit_of_one_number_of_a_document_is_caught(tmp_path: Path) -> None:
    """Also where the number is the result of a rounded computation, and where the document was laid out anew."""
    path = write(GRAPHS / "resblock.json", tmp_path / "d.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    assert verify(path).findings == []
    conv = next(r for r in document["records"] if r.get("node") == "conv1")
    row = conv["value"]["data"][0][0][0]
    row[1] = float(np.nextafter(row[1], 1.0))
    path.write_text(json.dumps(document), encoding="utf-8")
    finding = verify(path).findings[0]
    assert (finding.rule, finding.node) == ("V026", "conv1")
    with pytest.raises(BadInput, match="checksum"):
        resdebug.load_trace(path)
    for record in document["records"]:
        for tensor in record.values():
            if isinstance(tensor, dict):
                tensor.pop("crc", None)
    path.write_text(json.dumps(document), encoding="utf-8")
    assert any("no checksums" in note for note in verify(path).notes)


@pytest.mark.parametrize(("key", "rule"), [("value", "V050"), ("contribution", "V051")])
def test_numbers_derived_together_are_found_as_one_by_one(key: str, rule: str, tmp_path: Path) -> None:
    """Scalars of one operator are derived in one go: which are wrong is told each with its place, in order."""
    graph = tmp_path / "random.json"
    assert run("new", "random", "--nodes", "400", "-o", str(graph)).returncode == 0
    lines = lines_of(write(graph, tmp_path / "t.jsonl"))
    assert verify(save(lines, tmp_path / "u.jsonl")).findings == []
    edges = lines[0]["network"]["edges"]
    changed: dict[int, str] = {}
    for i, record in enumerate(lines[1:], start=2):
        near = {e["source"] for e in edges if e["target"] == record.get("node")}
        if key in record and record[key]["data"] and near and i % 5 == 0 and not near & set(changed.values()):
            changed[i] = str(record.get("consumer", record["node"]))
            record[key]["data"] *= 1 + 1e-9
    assert len(changed) > 20
    found = verify(save(lines, tmp_path / "u.jsonl")).findings
    assert changed.items() <= {f.line: f.node for f in found if f.rule == rule}.items()
    assert [f.line for f in found if f.line > 1] == sorted(f.line for f in found if f.line > 1)
    for finding in found:
        if finding.line in changed and finding.rule == rule:
            assert finding.found == pytest.approx(finding.expected, rel=2e-9)
            assert finding.found != finding.expected
    assert rule == "V050" or {f.line for f in found if f.rule == rule} == set(changed)


@pytest.mark.parametrize("nonsense", [None, [], {}, 7, "float128", [[1]]])
@pytest.mark.parametrize("key", ["shape", "dtype", "data", "name", "statistics", "crc"])
def test_a_tensor_may_say_anything(nonsense: object, key: str, tmp_path: Path) -> None:
    """Whatever stands where a shape, a type or a number belongs is a finding, or of no consequence."""
    lines = sound(tmp_path)
    for line in lines[1:-1]:
        for tensor in line.values():
            if isinstance(tensor, dict):
                tensor[key] = nonsense
    found = {f.rule for f in verify(save(lines, tmp_path / "t.jsonl")).findings}
    sound_still = (key in {"name", "statistics", "crc"} and nonsense is None) or (key, nonsense) == ("shape", [])
    assert bool(found) != (sound_still or (key == "crc" and nonsense != 7))


def test_any_flipped_bit_of_a_document_is_caught(tmp_path: Path) -> None:
    """But for the last of more digits than a number has bits, and for blanks."""
    path = write(GRAPHS / "resblock.json", tmp_path / "d.json")
    whole = path.read_bytes()
    rng = random.Random(7)
    for at in [whole.rfind(b"crc"), whole.find(b'"crc"') + 2, *(rng.randrange(len(whole)) for _ in range(60))]:
        changed = bytearray(whole)
        changed[at] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        try:
            findings = verify(path).findings
        except BadInput:
            continue
        if not findings:
            assert json.loads(bytes(changed)) == json.loads(whole), (at, whole[at - 20 : at + 20])
    path.write_bytes(whole)
    assert verify(path).findings == []


def test_unknown_operators_are_said_to_be_taken_on_trust(tmp_path: Path) -> None:
    lines = sound(tmp_path)
    lines[0]["digest"] = ""
    next(n for n in lines[0]["network"]["nodes"] if n["id"] == "c")["op"] = "mystery\x1b[31m"
    report = verify(save(lines, tmp_path / "t.jsonl"))
    assert report.findings == []
    assert report.not_derived == {"no formula for operator mystery⟨U+001B⟩[31m": 3}


def test_the_command_shows_hostile_names_as_text(tmp_path: Path) -> None:
    text = json.dumps(sound(tmp_path)).replace('"c"', json.dumps("c\x1b[2J\u202e"))
    lines = json.loads(text)
    lines[0]["digest"] = ""
    first(lines, "completed", node="c\x1b[2J\u202e")["adjoint"]["data"] = 5.0
    done = run("verify", str(save(lines, tmp_path / "t.jsonl")))
    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr
    assert "c⟨U+001B⟩[2J⟨U+202E⟩" in done.stdout
    assert "V041" in done.stdout


def test_the_command(tmp_path: Path) -> None:
    path = write(GRAPHS / "resblock.json", tmp_path / "t.jsonl")
    done = run("verify", str(path))
    assert done.returncode == 0
    assert "every rule holds" in done.stdout
    assert "15 of 15 contributions" in done.stdout
    told = json.loads(run("verify", str(path), "--json").stdout)
    assert told["holds"] is True
    assert told["derived"] == {"values": 8, "contributions": 15}
    rules = run("verify", "--rules").stdout.splitlines()
    assert [line[:4] for line in rules] == list(RULES)
    assert run("verify", str(GRAPHS / "resblock.json")).returncode == 65
    assert run("verify", str(tmp_path / "missing.jsonl")).returncode == 66
    assert run("verify").returncode == 2
    with pytest.raises(MissingInput):
        verify(tmp_path / "missing.jsonl")


def test_the_verifier_loads_nothing_of_what_it_checks(tmp_path: Path) -> None:
    path = write(GRAPHS / "resblock.json", tmp_path / "t.jsonl")
    code = (
        "import sys\nfrom resdebug.cli import main\n"
        f"code = main(['verify', {str(path)!r}])\n"
        "loaded = {m.split('.')[1] for m in sys.modules if m.startswith('resdebug.')}\n"
        "print(*sorted(loaded), file=sys.stderr)\nsys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert set(done.stderr.split()) == {"cli", "errors", "text", "verification", "version"}
