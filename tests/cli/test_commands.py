"""The command line: results on stdout, everything else on stderr, exit codes as documented."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import resdebug
from resdebug.codes import CODES
from resdebug.export.registry import export
from resdebug.passes.selection import selection
from tests.cli.running import run
from tests.support import GRAPHS, block, two_path


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    return two_path().save(tmp_path / "net.json")


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for command in ("open", "trace", "new", "ops", "schema", "explain-code", "completion"):
        assert command in done.stdout


def test_version() -> None:
    done = run("--version")
    assert done.stdout.startswith("resdebug ")
    assert done.returncode == 0


def test_no_arguments_is_a_usage_error_with_help() -> None:
    done = run()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["trace"],
        ["trace", "net.json"],
        ["trace", "net.json", "-o", "t.jsonl", "--rule", "median"],
        ["trace", "net.json", "-o", "t.jsonl", "--memory", "lots"],
        ["ops", "konv2d"],
        ["explain-code", "Q1"],
        ["net.json", "--no-such-option"],
        ["trace", "net.json", "-o", "t.yaml"],
        ["trace", "net.json", "-o", "t.jsonl", "--format", "yaml"],
    ],
)
def test_faults_of_the_command_line(graph: Path, arguments: list[str]) -> None:
    done = run(*arguments, cwd=graph.parent)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error[")
    assert "hint:" in done.stderr
    assert [p.name for p in graph.parent.iterdir()] == ["net.json"]


def test_escape_sequences_in_arguments_are_made_visible() -> None:
    for arguments in (
        ["net.json", "--\x1b[31m"],
        ["\x1b]0;evil\x07.json"],
        ["ops", "\x1b[2J"],
        ["trace", "\x1b[2J", "-o", "\x9bx.jsonl"],
    ):
        done = run(*arguments)
        assert done.returncode in {2, 66}
        assert all(c == "\n" or c.isprintable() for c in done.stderr)
        assert "⟨U+001B⟩" in done.stderr


def test_trace_says_what_it_wrote(graph: Path) -> None:
    done = run("trace", "net.json", "-o", "t.jsonl", cwd=graph.parent)
    assert done.returncode == 0
    assert re.fullmatch(r"t\.jsonl: about [\d.]+ KiB to write\n", done.stderr)
    assert done.stdout.startswith("t.jsonl: 13 events")
    again = run("trace", "net.json", "-o", "t.jsonl", cwd=graph.parent)
    assert again.returncode == 73
    assert "--force" in again.stderr
    forced = run("trace", "net.json", "-o", "t.jsonl", "--force", "--json", cwd=graph.parent)
    told = json.loads(forced.stdout)
    assert told.pop("expected").items() >= {"exact": False}.items()
    assert told == {
        "file": "t.jsonl",
        "format": "jsonl",
        "events": 13,
        "bytes": (graph.parent / "t.jsonl").stat().st_size,
        "rule": "sum",
        "level": "full",
    }


def test_trace_of_a_trace_changes_form(graph: Path) -> None:
    run("trace", "net.json", "-o", "a.jsonl", cwd=graph.parent)
    assert run("trace", "a.jsonl", "-o", "b.json", cwd=graph.parent).returncode == 0
    assert run("trace", "b.json", "-o", "c.jsonl", cwd=graph.parent).returncode == 0
    assert (graph.parent / "a.jsonl").read_bytes() == (graph.parent / "c.jsonl").read_bytes()
    refused = run("trace", "a.jsonl", "-o", "d.jsonl", "--rule", "mean", cwd=graph.parent)
    assert refused.returncode == 2


def test_statistics_of_every_event_in_less_memory(tmp_path: Path) -> None:
    graph, stats, none = (tmp_path / name for name in ("net.json", "stats.jsonl", "none.jsonl"))
    assert run("new", "resnet20", "-o", str(graph)).returncode == 0
    # Its values and adjoints take some 9 MB, and without parameters what is kept of it some 2.
    done = run("trace", str(graph), "-o", str(stats), "--level", "stats", "--json", "--memory=6M")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in stats.read_text().splitlines()]
    assert (lines[0]["format"], lines[0]["level"]) == ("resdebug-trace", "stats")
    assert len(lines) == lines[0]["events"] + 2 == json.loads(done.stdout)["events"] + 2
    assert [line["k"] for line in lines[1:-1]] == list(range(1, lines[0]["events"] + 1))
    p = resdebug.differentiate(resdebug.load(graph))
    completed = [line for line in lines[1:] if line["event"] == "completed"]
    found = {line["node"]: line["adjoint"]["statistics"]["norm"] for line in completed}
    assert found
    for node, size in found.items():
        assert size == pytest.approx(float(np.linalg.norm(np.asarray(p.adjoint(node), dtype=float))), rel=1e-6)
    refused = run("trace", str(graph), "-o", str(none), "--level", "stats", "--memory=100k")
    assert refused.returncode == 65
    assert not none.exists()


def test_what_does_not_fit_into_memory_is_run_while_it_is_written(tmp_path: Path) -> None:
    graph, kept, streamed = (tmp_path / name for name in ("net.json", "kept.jsonl", "streamed.jsonl"))
    assert run("new", "resnet20", "-o", str(graph)).returncode == 0
    assert run("trace", str(graph), "-o", str(kept)).returncode == 0
    done = run("trace", str(graph), "-o", str(streamed), "--memory=6M")
    assert done.returncode == 0
    assert "is run when it is written" in done.stderr
    p, q = resdebug.load_trace(kept), resdebug.load_trace(streamed)
    assert p.digest() == q.digest()
    for node in p.network.nodes:
        for mine, theirs in ((p.value(node.name), q.value(node.name)), (p.adjoint(node.name), q.adjoint(node.name))):
            assert (mine is None) == (theirs is None)
            assert mine is None or theirs is None or mine.tobytes() == theirs.tobytes()
        for row, other in zip(p.ledger(node.name), q.ledger(node.name), strict=True):
            assert row.contribution.tobytes() == other.contribution.tobytes()


def test_trace_to_stdout(graph: Path) -> None:
    done = run("trace", str(graph), "-o", "-")
    lines = done.stdout.splitlines()
    assert json.loads(lines[0])["target"] == "d"
    assert json.loads(lines[-1]).items() >= {"event": "end", "k": 13}.items()


def test_target_and_rule_options(graph: Path) -> None:
    done = run("trace", str(graph), "-o", "-", "--target", "c", "--rule", "overwrite")
    header = json.loads(done.stdout.splitlines()[0])
    assert (header["target"], header["rule"]) == ("c", "overwrite")
    unknown = run("trace", str(graph), "-o", "-", "--target", "q")
    assert unknown.returncode == 65
    assert "G050" in unknown.stderr


def test_bad_data_names_every_fault_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(
        '{"directed": true, "multigraph": true, "graph": {},\n'
        ' "nodes": [{"id": "a", "op": "inptu"},\n'
        '           {"id": "b", "op": "input"}],\n'
        ' "edges": [{"source": "a", "target": "q"}]}\n'
    )
    done = run("trace", "bad.json", "-o", "t.jsonl", cwd=tmp_path)
    assert done.returncode == 65
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("bad.json")]
    assert [line.split(": ")[0] for line in lines] == ["bad.json:2:30", "bad.json:3:12", "bad.json:4:38"]
    assert "did you mean" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["bad.json"]
    machine = run("trace", "bad.json", "-o", "t.jsonl", "--diagnostics=json", cwd=tmp_path)
    told = json.loads(machine.stderr)["diagnostics"]
    assert [(d["code"], d["line"], d["column"]) for d in told] == [("G020", 2, 30), ("S010", 3, 12), ("G021", 4, 38)]
    assert told[0]["pointer"] == "/nodes/0/op"


@pytest.mark.parametrize(
    ("name", "code"), [("missing.json", "J001"), (".", "J002"), ("empty.json", "J021"), ("text.json", "J020")]
)
@pytest.mark.parametrize("command", [[], ["trace", "-o", "t.jsonl"]])
def test_what_is_no_graph(tmp_path: Path, name: str, code: str, command: list[str]) -> None:
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "text.json").write_text("hello")
    done = run(*command, name, cwd=tmp_path)
    if not command and code.startswith("J02"):
        assert done.returncode == 2, "without a terminal the file is not even read"
        return
    assert done.returncode == (66 if code in {"J001", "J002"} else 65)
    assert f"[{code}]" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_terminal_suggests_the_headless_command(graph: Path) -> None:
    done = run(str(graph), stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "stdin is not a terminal" in done.stderr
    assert "resdebug trace" in done.stderr


def test_warnings_go_to_stderr_and_do_not_fail(tmp_path: Path) -> None:
    b = two_path()
    b.add("aside", "exp", {"x": "b"})
    b.save(tmp_path / "net.json")
    done = run("trace", "net.json", "-o", "-", cwd=tmp_path)
    assert done.returncode == 0
    assert "warning[G060]" in done.stderr
    assert "aside" in done.stderr


def test_memory_limit(tmp_path: Path) -> None:
    block().save(tmp_path / "net.json")
    done = run("trace", "net.json", "-o", "-", "--memory", "1k", cwd=tmp_path)
    assert done.returncode == 65
    assert "S002" in done.stderr
    assert run("trace", "net.json", "-o", os.devnull, "--memory", "1M", cwd=tmp_path).returncode == 2
    assert run("trace", "net.json", "-o", "t.jsonl", "--memory", "1MiB", cwd=tmp_path).returncode == 0


def test_full_closed_and_broken_stdout(graph: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("trace", str(graph), "-o", "-", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 74
    assert "No space left" in done.stderr
    shell = f"{sys.executable} -m resdebug trace {graph} -o - "
    piped = subprocess.run(
        ["bash", "-c", f"{shell} | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.stderr == ""
    assert piped.stdout.strip() in {"0", "141"}, "a short trace may be through before the pipe breaks"
    closed = subprocess.run(["bash", "-c", f"{shell} >&-"], capture_output=True, text=True, check=False)
    assert closed.returncode == 74
    assert closed.stderr.startswith("error[X004]")


FORMATS = [
    "jsonl", "json", "npz", "safetensors", "csv", "parquet", "graphml", "dot", "mermaid", "markdown", "latex", "html",
    "perfetto", "replay", "asciicast",
]  # fmt: skip


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_to_a_full_device_and_a_broken_pipe(graph: Path, format_: str) -> None:
    if format_ == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    command = ("trace", str(graph), "--format", format_, "-o", "-")
    with Path("/dev/full").open("wb") as full:
        done = run(*command, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 74
    assert done.stderr == "error[X004]: writing broke off: No space left on device\n"
    reading, writing = os.pipe()
    os.close(reading)
    done = run(*command, capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_no_format_is_left_out_above() -> None:
    from resdebug.export.registry import FORMATS as KNOWN

    assert {*KNOWN, "asciicast"} == set(FORMATS)


def test_a_pipe_that_breaks_ends_silently(tmp_path: Path) -> None:
    from tests.support import residual_chain

    residual_chain(3000).save(tmp_path / "net.json")
    shell = f"{sys.executable} -m resdebug trace net.json -o - | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("141", "")


def test_the_input_is_never_overwritten_even_by_force(graph: Path) -> None:
    before = graph.read_bytes()
    done = run("trace", str(graph), "-o", str(graph), "--force")
    assert done.returncode == 73
    assert "it would be lost" in done.stderr
    assert graph.read_bytes() == before


def test_schema_accepts_every_graph_and_refuses_a_broken_one() -> None:
    schema = json.loads(run("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in GRAPHS.glob("*.json"):
        assert not list(validator.iter_errors(json.loads(path.read_text(encoding="utf-8")))), path
    broken = json.loads((GRAPHS / "two_path.json").read_text(encoding="utf-8"))
    broken["nodes"][2]["op"] = "ad"
    assert not validator.is_valid(broken)
    broken["nodes"][2] = {"id": "c", "op": "conv2d", "stride": 0}
    assert not validator.is_valid(broken)


def test_explain_code() -> None:
    assert run("explain-code", "g021").stdout == f"G021  {CODES['G021']}\n"
    assert json.loads(run("explain-code", "--json").stdout) == CODES


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_a_script_the_shell_accepts(shell: str) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    for word in ("explain-code", "densenet121", "conv_transpose2d"):
        assert word in done.stdout
    if shell == "bash":
        checked = subprocess.run(["bash", "-n"], input=done.stdout, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_interrupt() -> None:
    code = (
        "from resdebug.cli import main\nimport resdebug.cli.parser as p\n"
        "def stop(a): raise KeyboardInterrupt\n"
        "p.parse = stop\nprint(main([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "130"


def test_a_bug_of_ours_writes_a_crash_file_without_variables() -> None:
    code = (
        "from resdebug.cli import main\nimport resdebug.cli.parser as p\n"
        "def stop(a):\n    secret = 'hunter2'\n    raise RuntimeError('boom')\n"
        "p.parse = stop\nraise SystemExit(main([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    path = Path(done.stderr.strip().rsplit(" ", 1)[1])
    text = path.read_text(encoding="utf-8")
    path.unlink()
    assert "RuntimeError: boom" in text
    assert "hunter2'" not in text.replace("secret = 'hunter2'", "")


def test_commands_on_a_trace_of_statistics_say_what_is_missing(tmp_path: Path) -> None:
    export(two_path().run(), tmp_path / "t.jsonl", selection=selection("stats"))
    done = run("run", str(tmp_path / "t.jsonl"), "--quiet", "-c", "end", "-c", "ledger a", "-c", "print adj a")
    assert done.returncode == 0
    assert re.search(r"1 +d +a +7 +7\n +2 +c +a +4 +11", done.stdout)
    assert "norm 11, min 11, max 11" in done.stdout
    assert done.stdout.count("not in this trace: written with --level stats") == 2
    done = run("run", str(tmp_path / "t.jsonl"), "-c", "where-from a")
    assert done.returncode == 65
    assert "error[T014]" in done.stderr
    done = run("report", str(tmp_path / "t.jsonl"), "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert set(told["reports"][0]["sections"]) >= {"overview", "profile", "parameters", "finite"}
    assert run("report", str(tmp_path / "t.jsonl"), "--section", "blocks").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "resdebug diff net.json net.json, without --screen"),
        (["--json"], 2, "--json is about what is printed"),
        (["--all"], 2, "--all is about what is printed"),
        (["--map", "a*=b"], 2, "same number of stars"),
        (["--map", "a"], 2, '"a" is no rename'),
    ],
)
def test_a_comparison_on_the_screen_needs_a_terminal(graph: Path, arguments: list[str], code: int, told: str) -> None:
    done = run("diff", "net.json", "net.json", "--screen", *arguments, cwd=graph.parent, stdin=subprocess.DEVNULL)
    assert done.returncode == code
    assert done.stdout == ""
    assert told in done.stderr


def test_a_comparison_on_the_screen_misses_a_file_first(graph: Path) -> None:
    assert run("diff", str(graph), "none.json", "--screen", stdin=subprocess.DEVNULL).returncode == 66
