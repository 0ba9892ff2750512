"""The scripted twin: transcripts, machines' JSON, and where a fault lies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resdebug.cli import main
from tests.cli.running import run
from tests.support import GRAPHS, block

TRANSCRIPTS = Path(__file__).parent / "transcripts"
RESBLOCK = str(GRAPHS / "resblock.json")


def test_a_script_prints_the_transcript_that_is_kept() -> None:
    expected = (TRANSCRIPTS / "resblock.txt").read_text(encoding="utf-8")
    done = run("run", RESBLOCK, "--script", str(TRANSCRIPTS / "resblock.script"), encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == expected


def test_a_trace_tells_the_same_through_a_pipe(tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    first = ["-c", "break fork", "-c", "continue", "-c", "ledger"]
    live = run("run", RESBLOCK, *first, "-c", f"export {trace}")
    assert live.returncode == 0
    assert trace.read_text(encoding="utf-8").count("\n") == 49
    recorded = run("run", str(trace), "--script", "-", input="break fork\ncontinue\n\n# a word\nledger\n")
    assert recorded.returncode == 0
    assert live.stdout.startswith(recorded.stdout)
    assert "2  conv1     x     branch" in recorded.stdout


def test_what_is_whole_of_a_torn_trace_is_run(tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    assert run("trace", RESBLOCK, "-o", str(trace)).returncode == 0
    trace.write_bytes(trace.read_bytes()[:5000])
    torn = run("run", str(trace), "-c", "where")
    assert torn.returncode == 65
    assert "--recover takes the events before it" in torn.stderr
    done = run("run", str(trace), "--recover", "-c", "where")
    assert done.returncode == 0
    assert "event 10/10: evaluated bn1" in done.stdout
    assert "it breaks off after event 10 of 47" in done.stderr


def here(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; return its exit code, stdout and stderr."""
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_json_is_a_line_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ["-c", "break fork", "-c", "c", "-c", "ledger", "-c", "print adj", "-c", "# no"]
    code, out, _ = here(capsys, "run", RESBLOCK, "--json", *commands)
    assert code == 0
    replies = [json.loads(line) for line in out.splitlines()]
    assert [r["command"] for r in replies] == ["break fork", "c", "ledger", "print adj"]
    assert (replies[1]["ending"], replies[1]["node"], replies[1]["stops"]) == ("stop", "x", [1])
    assert [row["way"] for row in replies[2]["rows"]] == ["skip", "branch"]
    assert len(replies[3]["data"]) == 18


@pytest.mark.parametrize(
    ("arguments", "code", "told", "printed"),
    [
        (["-c", "next", "-c", "break nrm(adj) > 1", "-c", "next"], 65, "-c:2:7: error[C011]", "> break nrm(adj) > 1\n"),
        (["-c", "run if  adj > 1"], 65, "-c:1:13: error[C012]", ""),
        (["-c", "frob"], 65, "-c:1:1: error[C001]", "> frob\n"),
        (["-c", "export {trace}.xyz"], 2, "-c:1:1: error[X005]", ""),
        (["-c", "export {graph}"], 73, "-c:1:1: error[X002]", ""),
        (["--script", "{folder}/none"], 66, "none: error[J001]", ""),
        (["--script", "{folder}"], 66, "error[J002]", ""),
        ([], 2, "no command is given", ""),
        (["-c", "\x1b[31m"], 65, "⟨U+001B⟩", ""),
    ],
)
def test_a_command_at_fault_ends_the_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str, printed: str
) -> None:
    graph = block().save(tmp_path / "net.json")
    before = graph.read_bytes()
    names = {"trace": str(tmp_path / "t"), "graph": str(graph), "folder": str(tmp_path)}
    found, out, err = here(capsys, "run", str(graph), *(a.format(**names) for a in arguments))
    assert found == code
    assert told in err
    assert "Traceback" not in err
    assert "\x1b" not in err + out
    assert out.endswith(printed)
    assert graph.read_bytes() == before
    assert list(tmp_path.iterdir()) == [graph]


def test_scripts_name_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "s.txt"
    script.write_bytes(b"\xef\xbb\xbfnext\r\n\r\n  # indented\r\nledger konv1\r\nnext\r\n")
    code, out, err = here(capsys, "run", RESBLOCK, "--script", str(script), "--quiet")
    assert (code, out) == (65, "event 18/47: completed loss\n")
    assert f"{script}:4:" in err
    script.write_bytes(b"next\n\xff")
    code, out, err = here(capsys, "run", RESBLOCK, "--script", str(script))
    assert (code, out) == (65, "")
    assert "J010" in err


def test_help_on_topics(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = here(capsys, "help", "conditions")
    assert code == 0
    for word in ("norm(adj) < 1e-7", "skip_share", "prev(x)", "known(x)"):
        assert word in out
    told = json.loads(here(capsys, "help", "conditions", "--json")[1])
    assert {"adj", "skip", "fanout"} <= {row["word"] for row in told["words"]}
    assert "conditions" in here(capsys, "help")[1]
    code, _, err = here(capsys, "help", "condtions")
    assert code == 2
    assert 'did you mean "conditions"?' in err
