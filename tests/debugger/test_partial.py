"""Questions to traces that hold a part: what their statistics can answer is answered as the whole pass answers it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import resdebug
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.nonfinite import births
from resdebug.debugger.provenance import provenance
from resdebug.debugger.zero import whyzero
from resdebug.errors import BadInput
from resdebug.export.registry import export
from resdebug.passes.events import Completed, Contributed, Evaluated, Seeded
from resdebug.passes.protocol import Of, Pass
from resdebug.passes.recorded import RecordedPass
from resdebug.passes.selection import selection
from tests.support import GRAPHS, Builder


def recorded(pass_: Pass, folder: Path, level: str = "stats", *nodes: str) -> RecordedPass:
    export(pass_, folder / "t.jsonl", selection=selection(level, nodes), force=True)
    return resdebug.load_trace(folder / "t.jsonl")


@pytest.fixture
def live() -> Pass:
    return resdebug.differentiate(resdebug.load(GRAPHS / "resblock.json"))


def test_norms_and_statistics_are_those_of_the_numbers(live: Pass, tmp_path: Path) -> None:
    partial = recorded(live, tmp_path)
    for node in (live.network.nodes[i] for i in live.schedule.reverse):
        adjoint = np.asarray(live.adjoint(node.name))
        told = partial.summary(Of.ADJOINT, node.name)
        assert told is not None
        assert told.size == adjoint.size
        assert partial.size_of(Of.ADJOINT, node.name) == pytest.approx(np.linalg.norm(adjoint), rel=1e-14)
        assert (told.minimum, told.maximum) == (adjoint.min(), adjoint.max())
        assert partial.lacking(Of.ADJOINT, node.name) == "not in this trace: written with --level stats"
        assert partial.adjoint(node.name) is None
    assert partial.lacking(Of.ADJOINT, "t") == "", "a constant has no adjoint anywhere"
    assert live.lacking(Of.ADJOINT, "x") == ""


@pytest.mark.parametrize(
    ("condition", "of"),
    [
        ("norm(adj) > 0.7", lambda a: np.linalg.norm(a) > 0.7),
        ("max(adj) > 0.2 and min(adj) < -0.2", lambda a: a.max() > 0.2 and a.min() < -0.2),
        ("absmax(adj) < 0.3", lambda a: np.abs(a).max() < 0.3),
        ("zeros(adj) > 0.2", lambda a: np.mean(a == 0) > 0.2),
        ("std(adj) > 0.2", lambda a: a.std() > 0.2),
    ],
)
def test_conditions_on_statistics_hold_where_they_hold_on_the_numbers(
    condition: str, of: object, live: Pass, tmp_path: Path
) -> None:
    partial = recorded(live, tmp_path, "full", "conv*")
    wanted = [
        k for k, event in enumerate(live.events, start=1)
        if isinstance(event, Completed) and of(np.asarray(live.adjoint(event.node)))  # type: ignore[operator]
    ]  # fmt: skip
    assert wanted
    assert resdebug.Debugger(partial).positions(condition) == wanted
    assert not Interpreter(resdebug.Debugger(partial)).execute(f"break {condition}").lines[1:]


def test_what_statistics_cannot_tell_is_said(live: Pass, tmp_path: Path) -> None:
    interpreter = Interpreter(resdebug.Debugger(recorded(live, tmp_path)))
    told = interpreter.execute("break cos(skip, branch) < 0.5").lines
    assert "0 places" in told[0]
    assert "not in this trace: written with --level stats" in told[-1]
    interpreter.execute("end")
    for command in ("print sum(adj(x) * adj(x))", "print adj(x)"):
        assert "not in this trace" in interpreter.execute(command).lines[-1]
    assert "not in this trace" not in " ".join(interpreter.execute("print norm(adj(x))").lines)
    size = np.linalg.norm(np.asarray(live.adjoint("x")))
    assert interpreter.execute("print norm(adj(x))").lines == (f"norm(adj(x)) = {size:.6g}",)


def overflowing() -> Builder:
    """y = exp(x) overflows at 1000, z = y · 0 makes NaN of it."""
    b = Builder("s", "overflow")
    b.leaf("x", [1.0, 1000.0, 2.0])
    b.leaf("w", [1.0, 0.0, 1.0], "parameter")
    b.add("y", "exp", {"x": "x"})
    b.add("z", "mul", {"a": "y", "b": "w"})
    b.add("s", "sum", {"x": "z"})
    return b


def test_the_birth_of_nan_is_found_by_statistics(tmp_path: Path) -> None:
    with np.errstate(all="ignore"):
        live = overflowing().run()
        whole = [(b.stage, b.node, b.made) for b in births(live)]
        partial = recorded(live, tmp_path)
    told = list(births(partial))
    assert (told[0].stage, told[0].node) == whole[0][:2]
    assert told[0].node == "y"
    assert "0 NaN and 1 infinite of 3 elements" in told[0].what
    assert "not in this trace" in told[0].what


def test_why_zero_is_answered_by_statistics_but_for_the_reason(tmp_path: Path) -> None:
    b = Builder("s", "dead")
    b.leaf("x", [-1.0, -2.0])
    b.add("r", "relu", {"x": "x"})
    b.add("s", "sum", {"x": "r"})
    live = b.run()
    whole, told = whyzero(live, "x"), whyzero(recorded(live, tmp_path), "x")
    assert told.verdict is whole.verdict
    assert [cut.edge and cut.edge.consumer for cut in told.cuts] == ["r"]
    assert "not in this trace" in told.cuts[0].what


def test_where_from_ends_where_the_trace_holds_no_more(live: Pass, tmp_path: Path) -> None:
    partial = recorded(live, tmp_path, "full", "x", "conv1")
    steps = list(provenance(partial, "x", (0, 0, 1, 1)))
    whole = list(provenance(live, "x", (0, 0, 1, 1)))
    assert steps[0].edge == whole[0].edge
    assert "not" in steps[-1].stopped
    assert len(steps) < len(whole)
    with pytest.raises(BadInput, match="T014"):
        list(provenance(recorded(live, tmp_path), "x", (0, 0, 1, 1)))


def test_a_trace_that_breaks_off_has_its_places(live: Pass, tmp_path: Path) -> None:
    export(live, tmp_path / "t.jsonl")
    lines = (tmp_path / "t.jsonl").read_bytes().splitlines(keepends=True)
    for kept in (5, 18, 31):
        (tmp_path / "cut.jsonl").write_bytes(b"".join(lines[: kept + 1]))
        debugger = resdebug.Debugger(resdebug.load_trace(tmp_path / "cut.jsonl", recover=True))
        whole = resdebug.Debugger(live)
        for condition in ("norm(adj) > 0.7", "norm(value) > 1", 'op == "relu"'):
            assert debugger.positions(condition) == [k for k in whole.positions(condition) if k <= kept]
        assert isinstance(debugger.last, Evaluated | Seeded | Completed | Contributed)
