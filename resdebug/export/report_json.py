"""A report as JSON, and the JSON Schema in which every number has a name, a unit and a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from resdebug.analysis.report.comparison import Comparison
from resdebug.analysis.report.registry import SECTIONS
from resdebug.analysis.report.structure import (
    Cell,
    CurveKind,
    Finding,
    Label,
    Quantity,
    Report,
    Section,
    SectionKind,
    TableKind,
    Weight,
)

FORMAT: Final = "resdebug-report"
VERSION: Final = 1

NOT_FINITE: Final = ("NaN", "Infinity", "-Infinity")
"""JSON has no numbers for these: they are written as strings."""


def as_json(reports: Iterable[Report], comparison: Comparison | None = None) -> dict[str, Any]:
    """Return plain data for one report, or for two with what they have in common; strict JSON can hold it."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "reports": [_report(report) for report in reports],
        "comparison": None if comparison is None else _comparison(comparison),
    }


def _report(report: Report) -> dict[str, Any]:
    return {
        "network": report.network,
        "target": report.target,
        "rule": report.rule,
        "source": report.source,
        "findings": [_finding(finding) for finding in report.findings],
        "sections": {section.kind.name: _section(section) for section in report.sections},
        "left_out": [{"section": left.name, "why": left.why} for left in report.left_out],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "question": section.kind.question,
        "numbers": {number.kind.name: plain(number.value) for number in section.numbers},
        "tables": {
            table.kind.name: [
                {column.name: plain(cell) for column, cell in zip(table.kind.columns, row, strict=True)}
                for row in table.rows
            ]
            for table in section.tables
        },
        "curves": {
            curve.kind.name: [
                {
                    "name": series.name,
                    "points": [
                        {curve.kind.x.name: plain(x), curve.kind.y.name: plain(y)}
                        | ({"node": series.places[k]} if series.places else {})
                        for k, (x, y) in enumerate(zip(series.xs, series.ys, strict=True))
                    ],
                }
                for series in curve.series
            ]
            for curve in section.curves
        },
        "notes": list(section.notes),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    kind = finding.number.kind
    return {
        "weight": finding.weight.name.lower(),
        "place": finding.place,
        "what": finding.what,
        "suggestion": finding.suggestion,
        "number": {
            "name": kind.name, "unit": kind.unit, "about": kind.about, "value": plain(finding.number.value),
        },
    }  # fmt: skip


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "first": comparison.first,
        "second": comparison.second,
        "numbers": [
            {
                "section": row.section, "name": row.kind.name, "unit": row.kind.unit, "about": row.kind.about,
                "first": plain(row.first), "second": plain(row.second), "ratio": plain(row.ratio),
            }
            for row in comparison.numbers
        ],
    }  # fmt: skip


def plain(value: Cell) -> Cell:
    """Return a cell as strict JSON can hold it."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def json_schema() -> dict[str, Any]:
    """Return the schema of ``as_json``; ``unit`` stands beside ``title`` and ``description`` of every number."""
    kinds = [row.kind() for row in SECTIONS.values()]
    text = {"type": "string"}
    left_out = _object({"section": {"enum": [kind.name for kind in kinds]}, "why": text})
    report = _object({
        "network": text,
        "target": text,
        "rule": text,
        "source": {"enum": ["live", "recorded"]},
        "findings": {"type": "array", "items": {"$ref": "#/$defs/finding"}},
        "sections": _object({kind.name: _section_schema(kind) for kind in kinds}, optional=True),
        "left_out": {"type": "array", "items": left_out},
    })  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A report of resdebug",
        "$defs": {"finding": _finding_schema(), "report": report, "comparison": _comparison_schema()},
        **_object({
            "format": {"const": FORMAT},
            "version": {
                "const": VERSION, "title": "version", "unit": "1", "description": "The version of this format.",
            },
            "reports": {"type": "array", "items": {"$ref": "#/$defs/report"}, "minItems": 1, "maxItems": 2},
            "comparison": {"anyOf": [{"$ref": "#/$defs/comparison"}, {"type": "null"}]},
        }),
    }  # fmt: skip


def _finding_schema() -> dict[str, Any]:
    text = {"type": "string"}
    value = _number("value", "named beside it", "The number that the finding rests on; its unit stands beside it.")
    return _object({
        "weight": {"enum": [weight.name.lower() for weight in Weight]},
        "place": {**text, "description": "A node's name; empty where it is about the whole network."},
        "what": text,
        "suggestion": text,
        "number": _object({"name": text, "unit": text, "about": text, "value": value}),
    })  # fmt: skip


def _comparison_schema() -> dict[str, Any]:
    text = {"type": "string"}
    row = _object({
        "section": text,
        "name": text,
        "unit": text,
        "about": text,
        "first": _number("first", "named beside it", "The first network's number."),
        "second": _number("second", "named beside it", "The second network's number."),
        "ratio": _number("ratio", "1", "The second number divided by the first."),
    })  # fmt: skip
    return _object({"first": text, "second": text, "numbers": {"type": "array", "items": row}})


def _section_schema(kind: SectionKind) -> dict[str, Any]:
    return {
        "title": kind.name,
        "description": kind.question,
        **_object({
            "question": {"const": kind.question},
            "numbers": _object({number.name: _column(number) for number in kind.numbers}, optional=True),
            "tables": _object({table.name: _table(table) for table in kind.tables}, optional=True),
            "curves": _object({curve.name: _curve(curve) for curve in kind.curves}, optional=True),
            "notes": {"type": "array", "items": {"type": "string"}},
        }),
    }  # fmt: skip


def _table(kind: TableKind) -> dict[str, Any]:
    row = _object({column.name: _column(column) for column in kind.columns})
    return {"description": kind.about, "type": "array", "items": row}


def _curve(kind: CurveKind) -> dict[str, Any]:
    point = _object({kind.x.name: _column(kind.x), kind.y.name: _column(kind.y), "node": {"type": "string"}})
    point["required"].remove("node")
    series = _object({"name": {"type": "string"}, "points": {"type": "array", "items": point}})
    return {"description": kind.about, "type": "array", "items": series}


def _column(column: Quantity | Label) -> dict[str, Any]:
    if isinstance(column, Label):
        return {"title": column.title, "description": column.about, "type": ["string", "null"]}
    if column.whole:
        about = {"title": column.title, "unit": column.unit, "description": column.about}
        return {**about, "type": ["integer", "null"]}
    return _number(column.title, column.unit, column.about)


def _number(title: str, unit: str, about: str) -> dict[str, Any]:
    possible = [{"type": ["number", "null"]}, {"enum": list(NOT_FINITE)}]
    return {"title": title, "unit": unit, "description": about, "anyOf": possible}


def _object(properties: dict[str, Any], *, optional: bool = False) -> dict[str, Any]:
    required = [] if optional else list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
