"""The report's forms: text that fits, JSON in which every number is described, HTML that is inert."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import resdebug
from resdebug.analysis.report.comparison import compare
from resdebug.analysis.report.registry import SECTIONS, make_report
from resdebug.analysis.report.structure import Curve, CurveKind, Quantity, Report, Series, Settings
from resdebug.export import svg_plot, terminal_plot
from resdebug.export.plot_points import decades, drawable, ticks, written
from resdebug.export.report_html import STYLE, as_html
from resdebug.export.report_json import as_json, json_schema
from resdebug.export.report_text import Look, as_text, comparison_text
from tests.support import GRAPHS, Builder, block

HOSTILE = [
    "</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\x1b[31mred\x1b[0m", "a\nb\r\tc",
    "\u202egnp.exe", "&lt;b&gt;", "x" * 5000, "]]>--><!--", "</style><style>*{display:none}", "</title>",
]  # fmt: skip


def asked(pass_: resdebug.Pass) -> Report:
    return make_report(pass_, Settings(pairs=3, elements=1), lambda *_: None)


def load(name: str) -> Report:
    return asked(resdebug.differentiate(resdebug.load(GRAPHS / f"{name}.json")))


@pytest.fixture(scope="module")
def plain() -> Report:
    return load("plain20")


@pytest.fixture(scope="module")
def residual() -> Report:
    return load("residual20")


def sick() -> Report:
    """A report with NaN, infinities, a missing gradient and hostile names in every place that has names."""
    b = Builder("s", name=HOSTILE[0])
    b.leaf("x", [[1.0, 800.0], [-800.0, 0.0]])
    last = b.add(HOSTILE[1], "exp", {"x": "x"})
    b.add(HOSTILE[2], "sub", {"a": last, "b": last})
    last = HOSTILE[2]
    for k, name in enumerate(HOSTILE[3:]):
        b.leaf(name, 0.0, "parameter")
        last = b.add(f"{HOSTILE[k]}{k}", "mul", {"a": last, "b": name})
    b.add("r\x9b2J", "relu", {"x": last})
    b.add("s", "sum", {"x": "r\x9b2J"})
    return asked(b.run())


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def numbers_without_description(schema: dict[str, Any], value: Any, root: dict[str, Any], path: str = "") -> list[str]:
    """Return the paths of numbers for which the schema has no name, unit and sentence; also what it does not know."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if value is None:
        return []
    if "properties" not in schema and "items" not in schema and "anyOf" in schema and isinstance(value, dict):
        return numbers_without_description(schema["anyOf"][0], value, root, path)
    if isinstance(value, dict):
        return [
            fault
            for key, part in value.items()
            for fault in numbers_without_description(schema["properties"][key], part, root, f"{path}/{key}")
        ]
    if isinstance(value, list):
        return [
            fault
            for k, part in enumerate(value)
            for fault in numbers_without_description(schema["items"], part, root, f"{path}/{k}")
        ]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return []
    described = all(schema.get(key) for key in ("title", "unit", "description"))
    return [] if described and schema["description"].endswith(".") else [path]


def test_the_schema_is_one_and_every_number_is_described(plain: Report, residual: Report) -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for document in (as_json([plain]), as_json([plain, residual], compare(plain, residual)), as_json([sick()])):
        read = json.loads(json.dumps(document, allow_nan=False))
        assert [error.message for error in validator.iter_errors(read)] == []
        assert numbers_without_description(schema, read, schema) == []


def test_a_number_that_nobody_described_would_be_noticed(plain: Report) -> None:
    schema = json_schema()
    document = as_json([plain])
    del schema["$defs"]["report"]["properties"]["sections"]["properties"]["profile"]["properties"]["numbers"][
        "properties"
    ]["top_norm"]["unit"]
    assert numbers_without_description(schema, document, schema) == ["/reports/0/sections/profile/numbers/top_norm"]
    document["reports"][0]["sections"]["profile"]["numbers"]["new"] = 1.0
    assert not Draft202012Validator(schema).is_valid(document)


def test_every_declared_quantity_has_a_unit_and_a_sentence() -> None:
    for row in SECTIONS.values():
        kind = row.kind()
        assert kind.name == row.name
        columns = [column for table in kind.tables for column in table.columns]
        named = [*kind.numbers, *columns, *(axis for curve in kind.curves for axis in (curve.x, curve.y))]
        for one in named:
            assert re.fullmatch(r"[a-z0-9_.]+", one.name), one
            assert one.about[0].isupper() or one.about.startswith("exp"), one
            assert one.about.endswith("."), one
            assert not isinstance(one, Quantity) or one.unit, one
        assert len({number.name for number in kind.numbers}) == len(kind.numbers)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_text_fits_its_width(plain: Report, residual: Report, width: int) -> None:
    look = Look(width, rows=0)
    lines = as_text(plain, look) + comparison_text(compare(plain, residual), [plain, residual], look)
    lines += as_text(sick(), look)
    assert [line for line in lines if len(line) > width] == []


def test_text_is_inert_and_without_colour_plain() -> None:
    for line in as_text(sick(), Look(80, rows=0)):
        assert line.isprintable(), repr(line)
    assert any("⟨U+001B⟩" in line for line in as_text(sick(), Look(80, rows=0)))
    assert any("\x1b[" in line for line in as_text(sick(), Look(80, colour=True)))


def test_long_tables_say_what_they_leave_out(plain: Report) -> None:
    assert any("… and 30 rows more" in line for line in as_text(plain, Look(80, rows=12)))


def test_html_holds_hostile_names_as_text() -> None:
    harmless = asked(block().run())
    for text in (as_html([sick()]), as_html([sick(), harmless], compare(sick(), harmless))):
        page = Page(text)
        assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "iframe", "link", "object", "base", "form"})
        assert [tag for tag, _ in page.tags].count("style") == 1
        for _, attributes in page.tags:
            assert not any(name.startswith("on") or name in {"style", "href", "src"} for name in attributes)
        assert "</script><script>alert(1)</script>" in page.text
        assert not any(c in text for c in "\x1b\x9b\u202e\r")


def test_html_allows_nothing_but_its_own_style(plain: Report) -> None:
    text = as_html([plain])
    policy = next(a["content"] for tag, a in Page(text).tags if a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f"<style>{STYLE}</style>" in text
    assert "<polyline" in text
    assert "vanishes" in text


DEPTH = Quantity("depth", "operators", "Depth.", whole=True)
NORM = Quantity("norm", "1", "Norm.")


def curve(ys: tuple[float, ...], *, log: bool = True, name: str = "a") -> Curve:
    return Curve(CurveKind("c", "About.", DEPTH, NORM, log), (Series(name, tuple(map(float, range(len(ys)))), ys),))


def test_plots_say_what_they_do_not_show() -> None:
    shown = drawable(curve((1.0, 0.0, math.nan, 0.1)))
    assert shown.series[0].ys == (1.0, 0.1)
    assert shown.notes == ("not drawn, being zero, negative or not finite: 2",)
    many = drawable(curve(tuple(1.0 + k for k in range(1000))))
    assert len(many.series[0].ys) == 334
    assert many.series[0].ys[-1] == 1000.0
    assert many.notes == ("drawn: one point in 3",)
    for draw in (lambda c: "\n".join(terminal_plot.plot(c, 60, colour=False)), svg_plot.plot):
        assert "othing that can be drawn" in draw(curve((0.0, 0.0)))


def test_a_terminal_plot_puts_points_where_they_belong() -> None:
    lines = terminal_plot.plot(curve((1.0, 0.1, 0.01)), 60, colour=False, height=16)
    rows = [(k, line.index("●")) for k, line in enumerate(lines) if "●" in line]
    assert len(rows) == 3
    (top, left), (middle, centre), (bottom, right) = rows
    assert left < centre < right
    assert middle - top == bottom - middle
    assert "1┤" in lines[top]
    assert "0.01┤" in lines[bottom]


def test_an_svg_plot_puts_points_where_they_belong() -> None:
    points = re.search(r'points="([^"]*)"', svg_plot.plot(curve((1.0, 0.1, 0.01))))
    assert points is not None
    (x0, y0), (x1, y1), (x2, y2) = (map(float, pair.split(",")) for pair in points[1].split())
    assert (x0, x2) == (svg_plot.LEFT, svg_plot.WIDTH - svg_plot.RIGHT)
    assert (y0, y2) == (svg_plot.TOP, svg_plot.HEIGHT - svg_plot.BOTTOM)
    assert x1 == pytest.approx((x0 + x2) / 2, abs=0.06)
    assert y1 == pytest.approx((y0 + y2) / 2, abs=0.06)


def test_ticks_and_numbers_by_hand() -> None:
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]
    assert ticks(5, 8, 8, whole=True) == [5, 6, 7, 8]
    assert decades(1e-10, 1) == [1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]
    assert decades(2, 3) == [1, 10]
    assert [written(n) for n in (None, 1234567, 0.000012345, -0.5, math.inf, math.nan)] == [
        "–", "1,234,567", "1.234e−05", "−0.5", "∞", "NaN",
    ]  # fmt: skip
