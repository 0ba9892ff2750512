"""``resdebug ops``: the operators with their formulas."""

from __future__ import annotations

import argparse
import inspect
import json
from typing import Any

import msgspec

from resdebug.errors import Fault, UsageError
from resdebug.ops import CATALOGUE
from resdebug.ops.base import Operator
from resdebug.ops.formula import bar, fill, placeholders
from resdebug.text import did_you_mean, visible


def run(options: argparse.Namespace) -> int:
    """Print the table of operators, or all about one."""
    if options.name is not None and options.name not in CATALOGUE:
        what = f'there is no operator "{visible(options.name)}"'
        raise UsageError(Fault("G020", what, did_you_mean(options.name, CATALOGUE) or "resdebug ops lists them all"))
    chosen = list(CATALOGUE.values()) if options.name is None else [CATALOGUE[options.name]]
    told = [describe(operator) for operator in chosen]
    if options.json:
        print(json.dumps(told if options.name is None else told[0], ensure_ascii=False, indent=1))
    elif options.name is None:
        width = max(len(row["op"]) for row in told)
        for row in told:
            print(f"{row['op']:<{width}}  {row['formula']}")
    else:
        print(in_full(told[0]))
    return 0


def describe(operator: type[Operator]) -> dict[str, Any]:
    """Return all that an operator says of itself, as plain data."""
    return {
        "op": operator.op(),
        "about": inspect.getdoc(operator) or "",
        "formula": _generic(operator.formula),
        "variadic": operator.variadic,
        "slots": [
            {
                "name": slot.name,
                "optional": slot.optional,
                "elements": slot.elements,
                "contribution": _generic(slot.contribution),
                "because": slot.because,
            }
            for slot in operator.slots
        ],
        "attributes": [
            {"name": f.name, "required": f.required, "default": None if f.required else msgspec.to_builtins(f.default)}
            for f in msgspec.structs.fields(operator)
        ],
        "convention": operator.convention,
    }


def _generic(template: str) -> str:
    """Fill a template with the placeholders' own names."""
    words = {name: name for name in placeholders(template)} | {bar("y"): "ȳ"}
    return fill(template, words)


def in_full(told: dict[str, Any]) -> str:
    """Return one operator's description as text."""
    lines = [f"{told['op']}: {told['about']}", "", f"  {told['formula']}", ""]
    if told["slots"]:
        lines.append("slots" + (" (any number: x0, x1, ...)" if told["variadic"] else ""))
    for slot in told["slots"]:
        notes = [
            note
            for note, holds in (("optional", slot["optional"]), ("whole numbers", slot["elements"] == "integer"))
            if holds
        ]
        lines.append(f"  {slot['name']}" + (f" ({', '.join(notes)})" if notes else ""))
        lines.append(f"    {slot['contribution'] or 'takes no adjoint'}")
        if slot["because"]:
            lines.append(f"    {slot['because']}")
    if told["attributes"]:
        lines.append("attributes")
    for field in told["attributes"]:
        default = "required" if field["required"] else f"default {json.dumps(field['default'])}"
        lines.append(f"  {field['name']}: {default}")
    if told["convention"]:
        lines.append(f"convention: {told['convention']}")
    return "\n".join(lines)
