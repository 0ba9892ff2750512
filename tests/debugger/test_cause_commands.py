"""The commands that ask for causes and change networks, through the interpreter and through ``resdebug run``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import resdebug
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.debugger import Debugger
from resdebug.errors import BadInput
from tests.cli.running import run
from tests.support import GRAPHS, Builder, block, residual_chain, two_path


def talk(pass_: resdebug.Pass, *lines: str) -> list[str]:
    interpreter = Interpreter(Debugger(pass_))
    return [answer for line in lines for answer in interpreter.lines(line)]


def test_where_from() -> None:
    said = talk(two_path().run(), "where-from a")
    assert said[1].split() == ["a", "11", "d.a", "of", "2", "7", "63.6%", "ȳ", "7", "100%"]
    assert said[-1] == "1 step to the seed at d"
    assert "x[0,1,2,2]" in "\n".join(talk(block().run(), "o x[0, 1, 2, 2]"))
    assert "C021" in talk(block().run(), "o x[0, 1, 2, 9]")[0]
    assert "C002" in talk(block().run(), "o x[0-1]")[0]


def test_a_long_way_is_shortened_and_says_so() -> None:
    said = talk(residual_chain(100).run(), "origin x0")
    assert len(said) < 50
    assert any("steps left out" in line for line in said)


def test_nan_tells_the_place_and_what_was_made_of_what() -> None:
    b = Builder("loss")
    b.leaf("x", [1.0, 800.0])
    b.add("e", "exp", {"x": "x"})
    b.add("s", "sub", {"a": "e", "b": "e"})
    b.add("loss", "sum", {"x": "s"})
    said = talk(b.run(), "nan", "nan x", "nan all")
    assert said[0] == "nan began at s[1] (sub), forward pass: ∞ − (∞): ∞ − ∞ is not a number"
    assert "  which began here: inf began at e[1] (exp), forward pass: overflow: exp(800) is too large" in said
    assert "  x = 800 (x[1])" in said
    assert talk(two_path().run(), "nan") == ["every value and every adjoint is finite"]


def test_whyzero() -> None:
    b = Builder("loss")
    b.leaf("x", [-1.0, -2.0])
    b.add("r", "relu", {"x": "x"})
    b.add("loss", "sum", {"x": "r"})
    assert talk(b.run(), "whyzero x") == [
        'the adjoint of "x" is zero: 1 of 1 blocked places cut it off from "loss"',
        "  r.x -> x: mask: relu lets nothing through where x ≤ 0 (all 2 elements, the greatest is -1)",
    ]


def test_changes_are_made_shown_and_undone() -> None:
    interpreter = Interpreter(Debugger(two_path().run()))
    said = [list(interpreter.lines(line)) for line in ("set b = 5", "diff", "undo", "ledger a", "redo", "changes")]
    assert said[0] == ["b = 5: 3 values and 3 adjoints computed again; 3 and 1 differ", "  d: 28 -> 36 (difference 8)"]
    assert said[1][-1].split() == ["ā", "11", "13", "2", "0.182"]
    assert said[2][1] == "  d: 36 -> 28 (difference -8)"
    assert said[5] == ["  1  b = 5"]
    assert float(interpreter.debugger.pass_.adjoint("a")) == 13.0  # type: ignore[arg-type]


def test_the_cursor_and_stops_stay_where_they_are() -> None:
    interpreter = Interpreter(Debugger(block().run()))
    interpreter.execute("break relu1")
    interpreter.execute("continue")
    at = interpreter.debugger.position
    interpreter.execute("set gamma1 = 2")
    assert interpreter.debugger.position == at
    assert interpreter.debugger.breakpoints == {"relu1"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("set b", "C002"), ("set b = x", "C002"), ("set b = {", "C002"), ("set nobody = 1", "C003"),
        ("set c = 1", "G052"), ("set c.x = 1", "G022"), ("cut d", "C002"), ("cut d.z", "C031"), ("zero d.z", "C031"),
        ("scale d.a much", "C002"), ("scale 2", "C002"), ("scale nothing.a 2", "C003"), ("seed nan", "G023"),
        ("seed", "C002"), ("rule median", "G053"), ("undo", "C032"), ("redo", "C032"), ("diff", "C005"),
        ("save", "C002"), ("save f.json", "C005"), ("set b = " + "[" * 5000, "C013"), ("whyzero nobody", "C003"),
        ("nan nobody", "C003"), ("where-from nobody[0]", "C003"),
    ],
)  # fmt: skip
def test_what_is_at_fault_is_told_and_changes_nothing(line: str, code: str) -> None:
    interpreter = Interpreter(Debugger(two_path().run()))
    before = interpreter.debugger.pass_
    with pytest.raises(BadInput) as caught:
        interpreter.execute(line)
    assert caught.value.faults[0].code == code
    assert interpreter.debugger.pass_ is before


def test_a_script_changes_saves_and_opens_again(tmp_path: Path) -> None:
    saved = tmp_path / "changed.json"
    graph = GRAPHS / "digits_resnet.json"
    done = run("run", str(graph), "-c", "scale block1 0.5", "-c", "whyzero", "-c", f"save {saved}", "-c", "end")
    assert done.returncode == 0, done.stderr
    told = json.loads(run("run", str(saved), "--json", "-c", "seed 2").stdout)
    net = resdebug.load(graph)
    assert told["before"] != float(resdebug.differentiate(net).value(net.target))  # type: ignore[arg-type]
    assert told["after"] == 2 * told["before"]
    assert run("run", str(saved), "-c", f"save {saved} --force").returncode == 73


def test_a_trace_answers_and_says_why_it_cannot_be_changed(tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    assert run("trace", str(GRAPHS / "resblock.json"), "-o", str(trace)).returncode == 0
    done = run("run", str(trace), "-c", "where-from x[0,0,1,1]", "-c", "nan", "-c", "whyzero x", "-c", "set x = 1")
    assert done.returncode == 65
    assert "to the seed at loss" in done.stdout
    assert "error[C030]: a recorded pass cannot be changed" in done.stderr


def test_numbers_that_json_lacks_can_be_planted() -> None:
    interpreter = Interpreter(Debugger(two_path().run()))
    interpreter.execute("set a = inf")
    assert np.isinf(interpreter.debugger.pass_.value("a"))  # type: ignore[arg-type]
    assert "the input holds it" in "\n".join(interpreter.lines("nan"))
