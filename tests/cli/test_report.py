"""``resdebug report`` as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resdebug.cli import main
from tests.cli.running import ENVIRONMENT, run
from tests.support import GRAPHS
from tests.test_architecture import loaded_by

PLAIN, RESIDUAL = str(GRAPHS / "plain20.json"), str(GRAPHS / "residual20.json")


def test_text_for_people_in_a_pipe() -> None:
    done = run("report", PLAIN, "--section", "profile")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The gradient vanishes" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


Output = pytest.CaptureFixture[str]


def ran(output: Output, *arguments: str) -> tuple[int, str, str]:
    """Run the command within this process; return its exit code and what it printed on stdout and stderr."""
    code = main(["report", *arguments])
    printed = output.readouterr()
    return code, printed.out, printed.err


def test_two_networks_in_one_table_and_one_plot(capsys: Output) -> None:
    code, out, _ = ran(capsys, PLAIN, "--compare", RESIDUAL, "--section", "profile")
    assert code == 0
    assert "plain20 beside residual20" in out
    assert out.count("reaches input") == 1
    assert out.count("┌") == 1


def test_files(tmp_path: Path, capsys: Output) -> None:
    page = tmp_path / "r.html"
    code, out, err = ran(capsys, PLAIN, "--section", "profile", "-o", str(page))
    assert (code, err) == (0, "")
    assert "findings: 1" in out
    before = page.read_bytes()
    assert before.startswith(b"<!DOCTYPE html>")
    assert ran(capsys, PLAIN, "-o", str(page))[0] == 73
    assert page.read_bytes() == before
    _, out, _ = ran(capsys, PLAIN, "--section", "profile", "-o", str(tmp_path / "r.json"), "--json")
    assert json.loads(out)["findings"] == 1
    written = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert written == json.loads(ran(capsys, PLAIN, "--section", "profile", "--json")[1])
    assert ran(capsys, PLAIN, "-o", str(tmp_path / "r.pdf"))[0] == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html", "r.json"]


def test_a_trace_is_reported_too(tmp_path: Path, capsys: Output) -> None:
    trace = str(tmp_path / "t.jsonl")
    assert main(["trace", PLAIN, "-o", trace]) == 0
    capsys.readouterr()
    report = json.loads(ran(capsys, trace, "--section", "profile", "--json")[1])["reports"][0]
    assert report["source"] == "recorded"
    assert report["findings"][0]["weight"] == "warning"


def test_faults(capsys: Output) -> None:
    assert ran(capsys)[0] == 2
    assert ran(capsys, "nowhere.json")[0] == 66
    code, _, err = ran(capsys, PLAIN, "--section", "profil")
    assert code == 2
    assert 'did you mean "profile"?' in err
    assert ran(capsys, PLAIN, "--width", "10")[0] == 2


def test_the_list_and_the_schema_need_no_network(capsys: Output) -> None:
    rows = json.loads(ran(capsys, "--list", "--json")[1])
    assert {"profile", "parameters", "duel"} <= {row["section"] for row in rows}
    assert json.loads(ran(capsys, "--schema")[1])["title"] == "A report of resdebug"


def test_an_ascii_terminal_gets_the_report_all_the_same() -> None:
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    done = run("report", RESIDUAL, "--section", "overview", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def test_no_screen_is_loaded() -> None:
    assert loaded_by("report", "--help") == set()
    assert loaded_by("report", PLAIN, "--section", "profile") <= {"numpy"}
