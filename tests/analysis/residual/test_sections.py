"""The sections of the report about residual blocks: their numbers are those of the questions."""

from __future__ import annotations

import math

import pytest

import resdebug
from resdebug.analysis.report import paths
from resdebug.analysis.report.registry import make_report
from resdebug.analysis.report.structure import Section, Settings
from resdebug.errors import UsageError
from resdebug.passes.protocol import Pass
from tests.support import GRAPHS, residual_chain


def ask(pass_: Pass, *names: str) -> dict[str, Section]:
    report = make_report(pass_, Settings(asked=frozenset(names)), lambda *_: None)
    return {section.kind.name: section for section in report.sections}


def test_numbers_of_a_chain() -> None:
    told = ask(residual_chain(6).run(), "blocks", "paths", "scaling")
    assert told["blocks"].number("residual_blocks") == 6
    assert told["blocks"].number("longest_chain") == 6
    assert told["blocks"].number("direct_term") == 1.0
    rows = told["blocks"].tables[0].rows
    assert [row[0] for row in rows] == [f"x{k}" for k in reversed(range(6))]
    assert all(row[6] == 0.5 for row in rows), "the branch is half of the skip"
    assert math.isclose(told["paths"].number("paths") or 0, math.log10(2**6))
    assert math.isclose(told["paths"].number("mean_length") or 0, 6 / 3), "a / (1 + a) a block"
    assert math.isclose(told["paths"].number("length_variance") or 0, 6 * (1 / 3) * (2 / 3))
    best = told["paths"].tables[1].rows
    assert best[0] == (1.0, 0, "x6 x5 x4 x3 x2 x1 x0"), "the skips alone"
    assert [row[0] for row in best[1:7]] == [0.5] * 6, "each branch alone"
    assert best[1][2] in {
        " ".join(w for k in range(6, -1, -1) for w in ([f"x{k}"] if k != j else [f"x{k}", f"f{j - 1}"]))
        for j in range(1, 7)
    }
    assert told["scaling"].number("worst_prediction") == 0.0
    assert len(told["scaling"].curves[0].series) == 6
    halved = next(series for series in told["scaling"].curves[1].series if series.name == "× 0.5")
    assert halved.ys == tuple(1.25 * 1.5**k for k in range(6)), "(1 + ½ · ½) at the top, 1.5 a block below it"


def test_a_network_without_blocks_says_so() -> None:
    plain = resdebug.differentiate(resdebug.load(GRAPHS / "plain20.json"))
    with pytest.raises(UsageError, match="no residual blocks"):
        ask(plain, "blocks")
    assert "blocks" not in ask(plain, "overview", "blocks")


def test_large_networks_get_the_moments_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of 6 branches is crossed with weight ½ / 1½: mean 6 · ⅓ and variance 6 · ⅓ · ⅔, without the family."""
    monkeypatch.setattr(paths, "WHOLE", 0)
    report = make_report(residual_chain(6).run(), Settings(), lambda *_: None)
    (section,) = (section for section in report.sections if section.kind.name == "paths")
    assert math.isclose(section.number("mean_length") or 0, 6 / 3)
    assert math.isclose(section.number("length_variance") or 0, 6 * (1 / 3) * (2 / 3))
    assert section.number("paths") is None
    assert section.tables == ()
    assert "Mean and variance alone" in section.notes[0]


def test_a_recorded_pass_is_asked_alike(tmp_path: object) -> None:
    from pathlib import Path

    from resdebug.export.registry import export

    live = residual_chain(5).run()
    path = Path(str(tmp_path)) / "t.jsonl"
    export(live, path)
    recorded = resdebug.load_trace(path)
    assert ask(recorded, "blocks", "paths") == ask(live, "blocks", "paths")
    with pytest.raises(UsageError, match="recorded"):
        ask(recorded, "scaling")
