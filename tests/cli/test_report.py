"""``resdebug report`` as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_two_networks_in_one_table_and_one_plot() -> None:
    done = run("report", PLAIN, "--compare", RESIDUAL, "--section", "profile")
    assert done.returncode == 0
    assert "plain20 beside residual20" in done.stdout
    assert done.stdout.count("reaches input") == 1
    assert done.stdout.count("┌") == 1


def test_files(tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    done = run("report", PLAIN, "--section", "profile", "-o", str(page))
    assert (done.returncode, done.stderr) == (0, "")
    assert "findings: 1" in done.stdout
    before = page.read_bytes()
    assert before.startswith(b"<!DOCTYPE html>")
    refused = run("report", PLAIN, "-o", str(page))
    assert (refused.returncode, page.read_bytes()) == (73, before)
    done = run("report", PLAIN, "--section", "profile", "-o", str(tmp_path / "r.json"), "--json")
    assert json.loads(done.stdout)["findings"] == 1
    written = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    printed = json.loads(run("report", PLAIN, "--section", "profile", "--json").stdout)
    assert written == printed
    assert run("report", PLAIN, "-o", str(tmp_path / "r.pdf")).returncode == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html", "r.json"]


def test_a_trace_is_reported_too(tmp_path: Path) -> None:
    trace = str(tmp_path / "t.jsonl")
    assert run("trace", PLAIN, "-o", trace).returncode == 0
    done = run("report", trace, "--section", "profile", "--json")
    report = json.loads(done.stdout)["reports"][0]
    assert report["source"] == "recorded"
    assert report["findings"][0]["weight"] == "warning"


def test_faults() -> None:
    assert run("report").returncode == 2
    assert run("report", "nowhere.json").returncode == 66
    wrong = run("report", PLAIN, "--section", "profil")
    assert wrong.returncode == 2
    assert 'did you mean "profile"?' in wrong.stderr
    assert run("report", PLAIN, "--width", "10").returncode == 2


def test_the_list_and_the_schema_need_no_network() -> None:
    rows = json.loads(run("report", "--list", "--json").stdout)
    assert {"profile", "parameters", "duel"} <= {row["section"] for row in rows}
    assert json.loads(run("report", "--schema").stdout)["title"] == "A report of resdebug"


def test_an_ascii_terminal_gets_the_report_all_the_same() -> None:
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    done = run("report", RESIDUAL, "--section", "overview", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def test_no_screen_is_loaded() -> None:
    assert loaded_by("report", "--help") == set()
    assert loaded_by("report", PLAIN, "--section", "profile") <= {"numpy"}
