"""The installed command in a real terminal: keys in, screen out, terminal restored."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support import GRAPHS, residual_chain
from tests.terminal.tmux import Tmux

WITHOUT = shutil.which("tmux") is None
pytestmark = pytest.mark.skipif(WITHOUT, reason="tmux is not installed: no real terminal to test in")

RESTORED = "0 0 1"


def test_main_job(tmp_path: Path) -> None:
    shutil.copy(GRAPHS / "resblock.json", tmp_path)
    with Tmux(tmp_path) as terminal:
        terminal.start("resblock.json")
        terminal.wait_for("The seed:")
        terminal.press("n", "n", "n")
        screen = terminal.wait_for("add̄ is complete")
        assert "⊕┄╮" in screen, "nothing has travelled the skip yet"
        terminal.press("s", "s")
        screen = terminal.wait_for("add sent x a contribution through the skip (1 of 2)")
        assert "the adjoint passes" in screen
        terminal.wait_for("◐◀┛  x")
        assert "conv1 (branch) … still to come" in screen
        terminal.press("S", "N", "N")
        terminal.wait_for("relu2̄ is complete")
        terminal.type("7n")
        screen = terminal.wait_for("x̄ is complete: 2 contributions were added, not averaged (skip + branch).")
        assert re.search(r"1 add +skip +x̄ \+= add̄ ", screen)
        assert re.search(r"2 conv1 +branch +x̄ \+= convᵀ\(conv1̄, W1\) ", screen)
        assert "2 added, not averaged; equal to the adjoint" in screen
        terminal.press("x")
        terminal.wait_for("Export the trace")
        terminal.press("Enter")
        terminal.wait_for("Wrote resblock.trace.jsonl")
        terminal.press("q")
        terminal.wait_for("ended 0")
        assert terminal.modes() == RESTORED
        _, *records = [json.loads(line) for line in (tmp_path / "resblock.trace.jsonl").read_text().splitlines()]
        sent = [r for r in records if r["event"] == "contributed" and r["node"] == "x"]
        assert [(r["consumer"], r["slot"]) for r in sent] == [("add", "b"), ("conv1", "x")]
        terminal.start("resblock.trace.jsonl")
        terminal.wait_for("(recorded)")
        terminal.type("9n")
        terminal.wait_for("x̄ is complete: 2 contributions were added")
        terminal.press("q")
        terminal.wait_for(lambda screen: screen.count("ended 0") == 2)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (50, 15)])
def test_sizes_and_resizing_while_stepping(tmp_path: Path, size: tuple[int, int]) -> None:
    with Tmux(tmp_path, columns=size[0], rows=size[1]) as terminal:
        terminal.start(str(GRAPHS / "two_path.json"))
        terminal.wait_for("The seed:")
        for columns, rows in ((60, 20), (20, 5), (110, 30)):
            terminal.resize(columns, rows)
            terminal.press("n")
        terminal.resize(*size)
        terminal.wait_for(lambda screen: "ā is complete" in screen and "Ledger of ā" in screen)
        terminal.press("q")
        terminal.wait_for("ended 0")


@pytest.mark.parametrize(("name", "code"), [("TERM", 143), ("HUP", 129), ("INT", 130), ("QUIT", 131)])
def test_signals_restore_the_terminal(tmp_path: Path, name: str, code: int) -> None:
    with Tmux(tmp_path) as terminal:
        terminal.start(str(GRAPHS / "two_path.json"))
        terminal.wait_for("The seed:")
        assert terminal.modes() != RESTORED
        terminal.signal(name)
        terminal.wait_for(f"ended {code}")
        assert terminal.modes() == RESTORED


def test_bytes_that_are_no_text_are_ignored(tmp_path: Path) -> None:
    with Tmux(tmp_path) as terminal:
        terminal.start(str(GRAPHS / "two_path.json"))
        terminal.wait_for("The seed:")
        terminal._tmux("send-keys", "-H", "ff", "fe", "80", "c3", "28")
        terminal.press("n")
        terminal.wait_for("d̄ is complete")
        terminal.press("q")
        terminal.wait_for("ended 0")


def test_bad_file_leaves_a_message_and_its_code(tmp_path: Path) -> None:
    text = (GRAPHS / "two_path.json").read_text(encoding="utf-8").replace('"op": "mul"', '"op": "mull"')
    (tmp_path / "bad.json").write_text(text, encoding="utf-8")
    with Tmux(tmp_path) as terminal:
        terminal.start("bad.json")
        screen = terminal.wait_for("ended 65")
        assert re.search(r"bad\.json:\d+:\d+: error\[G020\]", screen)
        assert 'did you mean "mul"?' in screen
        assert terminal.modes() == RESTORED


def test_two_passes_side_by_side(tmp_path: Path) -> None:
    for name in ("residual20", "plain20", "two_path"):
        shutil.copy(GRAPHS / f"{name}.json", tmp_path)
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    with Tmux(tmp_path) as terminal:
        terminal.start("diff residual20.json plain20.json --screen")
        screen = terminal.wait_for("the first divergence")
        assert "looks like missing skip" in screen
        terminal.press("a", "A", "N")
        terminal.wait_for("the same up to here")
        terminal.press("q")
        terminal.wait_for("ended 1")
        assert terminal.modes() == RESTORED
        terminal.start("diff two_path.json two_path.json --screen")
        terminal.wait_for("the two passes are the same: 4 values, 4 contributions, 5 adjoints")
        terminal.press("q")
        terminal.wait_for("ended 0")
        terminal.start("diff two_path.json bad.json --screen")
        terminal.wait_for("ended 65")
        assert terminal.modes() == RESTORED


def test_dumb_and_missing_terminals_are_refused(tmp_path: Path) -> None:
    with Tmux(tmp_path) as terminal:
        terminal.type("export TERM=dumb")
        terminal.press("Enter")
        terminal.start(str(GRAPHS / "two_path.json"))
        screen = terminal.wait_for("ended 2")
        assert "resdebug trace" in screen.replace("\n", "")


@pytest.mark.parametrize(
    "environment", [{"TERM": "xterm"}, {"TERM": "xterm-256color", "NO_COLOR": "1"}, {"TERM": "screen", "COLORTERM": ""}]
)
def test_kinds_of_terminal(tmp_path: Path, environment: dict[str, str]) -> None:
    with Tmux(tmp_path, columns=80, rows=24) as terminal:
        for name, value in environment.items():
            terminal.type(f"export {name}={value}")
            terminal.press("Enter")
        terminal.start(str(GRAPHS / "two_path.json"))
        terminal.wait_for("The seed:")
        terminal.press("n", "n", "n")
        terminal.wait_for("7.0 + 4.0 = 11.0")
        if "NO_COLOR" in environment:
            codes = re.findall(r"\x1b\[([0-9;:]*)m", terminal.screen(colours=True))
            colours = {c for c in codes if re.search(r"[34]8[;:]2[;:]", c)}
            assert all(_is_grey(c) for c in colours), colours
        terminal.press("q")
        terminal.wait_for("ended 0")


def _is_grey(code: str) -> bool:
    triples = re.findall(r"[34]8[;:]2[;:]+(\d+)[;:](\d+)[;:](\d+)", code)
    return all(len(set(triple)) == 1 for triple in triples)


def test_a_locale_without_unicode_gets_ascii(tmp_path: Path) -> None:
    with Tmux(tmp_path, columns=80, rows=24) as terminal:
        terminal.type("export LC_ALL=C")
        terminal.press("Enter")
        terminal.start(str(GRAPHS / "two_path.json"))
        terminal.wait_for("The seed:")
        terminal.press("n", "n", "n")
        assert terminal.wait_for("7.0 + 4.0 = 11.0").isascii()
        terminal.press("q")
        terminal.wait_for("ended 0")


def test_a_long_network(tmp_path: Path) -> None:
    residual_chain(3400, 0.0001).save(tmp_path / "long.json")
    with Tmux(tmp_path) as terminal:
        terminal.start("long.json")
        terminal.wait_for("The seed:")
        terminal.type("6000n")
        terminal.wait_for("x400")
        terminal.press("G")
        terminal.wait_for("x̄0 is complete: 2 contributions were added")
        terminal.press("g")
        terminal.wait_for("Nothing has happened yet")
        terminal.press("q")
        terminal.wait_for("ended 0")
