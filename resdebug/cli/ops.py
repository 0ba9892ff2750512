"""``resdebug ops``: the operators with their formulas."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from itertools import groupby
from typing import Any

from resdebug.cli.arguments import Parser
from resdebug.errors import Fault, UsageError
from resdebug.text import did_you_mean, visible

WIDTH = 100


def arguments(sub: Parser) -> None:
    """Declare what the command takes."""
    sub.add_argument("name", nargs="?", metavar="OPERATOR", help="the operator to explain")
    sub.add_argument("--form", choices=("unicode", "ascii", "latex"), help="how formulas are written")
    sub.add_argument("--json", action="store_true", help="as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the table of operators, or all about one."""
    from resdebug.ops import CATALOGUE
    from resdebug.ops.describing import describe

    if options.name is not None and options.name not in CATALOGUE:
        what = f'there is no operator "{visible(options.name)}"'
        raise UsageError(Fault("G020", what, did_you_mean(options.name, CATALOGUE) or "resdebug ops lists them all"))
    chosen = list(CATALOGUE.values()) if options.name is None else [CATALOGUE[options.name]]
    told = [describe(operator) for operator in chosen]
    form = options.form or ("unicode" if _shows_mathematics() else "ascii")
    if options.json:
        print(json.dumps(told if options.name is None else told[0], indent=1))
    elif options.name is None:
        print("\n".join(table(told, form)))
    else:
        print("\n".join(in_full(told[0], form)))
    return 0


def _shows_mathematics() -> bool:
    try:
        "x̄ ⊙ √Σ".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def table(told: list[dict[str, Any]], form: str) -> list[str]:
    """Return a line per operator, by families."""
    width = max(len(row["op"]) for row in told)
    lines: list[str] = []
    for family, rows in groupby(told, key=lambda row: row["family"]):
        lines += ["", family.replace("_", " ")] if lines else [family.replace("_", " ")]
        lines += [f"  {row['op']:<{width}}  {row['formula'][form]}" for row in rows]
    return [*lines, "", f"{len(told)} operators; resdebug ops NAME explains one"]


def in_full(told: dict[str, Any], form: str) -> list[str]:
    """Return one operator's description as text."""
    lines = [*textwrap.wrap(f"{told['op']}: {told['about']}", WIDTH), "", f"  {told['formula'][form]}", ""]
    lines += paragraph("shapes", told["shapes"])
    if told["slots"]:
        lines.append("slots" + (" (any number: x0, x1, ...)" if told["variadic"] else ""))
    for slot in told["slots"]:
        lines += describe_slot(slot, form)
    if told["attributes"]:
        lines.append("attributes")
        lines += describe_attributes(told["attributes"])
    return [*lines, *paragraph("convention", told["convention"]), *paragraph("source", told["source"])]


def describe_slot(slot: dict[str, Any], form: str) -> list[str]:
    """Return a slot's name, what it takes, and its contribution with the reason."""
    elements = {"float": "", "integer": "whole numbers or a mask", "any": "any elements"}[slot["elements"]]
    notes = ", ".join(note for note in ("optional" if slot["optional"] else "", elements) if note)
    contribution = slot["contribution"][form] if slot["contribution"] else "takes no adjoint"
    lines = [f"  {slot['name']}" + (f" ({notes})" if notes else ""), f"    {contribution}"]
    return lines + textwrap.wrap(slot["because"], WIDTH, initial_indent="    ", subsequent_indent="    ")


def describe_attributes(attributes: list[dict[str, Any]]) -> list[str]:
    """Return a line per attribute: name, default, what it takes, what it means."""
    width = max(len(a["name"]) for a in attributes)
    lines = []
    for a in attributes:
        default = "required" if a["required"] else f"default {json.dumps(a['default'])}"
        about = f": {a['about']}" if a["about"] else ""
        text = f"{a['name']:<{width}}  {default}; {a['type']}{about}"
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent=" " * (width + 4))
    return lines


def paragraph(title: str, text: str) -> list[str]:
    """Return a title with its text, nothing where there is no text."""
    return textwrap.wrap(f"{title}: {text}", WIDTH, subsequent_indent="  ") if text else []
