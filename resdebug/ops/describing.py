"""All that an operator says of itself, as plain data: formulas in every form, slots, attributes, shapes, source."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from resdebug.ops.base import Operator
from resdebug.ops.formula import Form, adjoint, bar, fill, name, placeholders, setting
from resdebug.text import MACRON

FEW = 10


def describe(operator: type[Operator]) -> dict[str, Any]:
    """Return an operator's description; formulas are given in every form."""
    return {
        "op": operator.op(),
        "family": operator.__module__.rpartition(".")[2],
        "about": " ".join((inspect.getdoc(operator) or "").split()),
        "formula": written(operator, operator.formula),
        "shapes": operator.shapes,
        "variadic": operator.variadic,
        "slots": [
            {
                "name": slot.name,
                "optional": slot.optional,
                "elements": slot.elements,
                "contribution": written(operator, slot.contribution) if slot.differentiable else None,
                "because": slot.because,
            }
            for slot in operator.slots
        ],
        "attributes": [attribute(field) for field in msgspec.structs.fields(operator)],
        "convention": operator.convention,
        "source": operator.source,
    }


def written(operator: type[Operator], template: str) -> dict[str, str]:
    """Return a formula in every form, with the names of slots and attributes, as it is for a typical node."""
    slots = {"y", *(slot.name for slot in operator.slots)}
    known = slots | {bar(name) for name in slots} | set(operator.__struct_fields__)
    forms = {}
    for form in Form:
        words = {p: name_in(form, p) for p in placeholders(template) & known}
        words |= {key: setting(word, form) for key, word in operator.generic_words.items()}
        forms[form.value] = fill(template, words, form)
    return forms


def name_in(form: Form, placeholder: str) -> str:
    """Write a slot's or an attribute's own name, or its adjoint."""
    return adjoint(placeholder[:-1], form) if placeholder.endswith(MACRON) else name(placeholder, form)


def attribute(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    """Return an attribute's name, what it takes, its default and what it means."""
    info = msgspec.inspect.type_info(field.type)
    meaning = ""
    if isinstance(info, msgspec.inspect.Metadata):
        meaning = (info.extra_json_schema or {}).get("description", "")
    return {
        "name": field.encode_name,
        "type": type_text(info),
        "required": field.required,
        "default": None if field.required else msgspec.to_builtins(field.default),
        "about": meaning,
    }


def type_text(info: msgspec.inspect.Type) -> str:
    """Say what an attribute takes: ``whole number ≥ 1 or list of 2``."""
    match info:
        case msgspec.inspect.Metadata():
            return type_text(info.type)
        case msgspec.inspect.UnionType():
            return " or ".join(type_text(t) for t in info.types)
        case msgspec.inspect.IntType():
            return "whole number" + _bounds(info.ge, info.gt, info.le, info.lt)
        case msgspec.inspect.FloatType():
            return "number" + _bounds(info.ge, info.gt, info.le, info.lt)
        case msgspec.inspect.ListType():
            count = info.min_length or 0
            most = info.max_length
            size = f" {count}" if count and count == most else f" {count} or more" if count else ""
            size = f" {count} to {most}" if count and most is not None and count < most < FEW else size
            return f"list of{size} {_plural(type_text(info.item_type))}"
        case msgspec.inspect.LiteralType():
            return " or ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in info.values)
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.StrType():
            return "text"
        case msgspec.inspect.NoneType():
            return "null"
    return type(info).__name__


def _plural(text: str) -> str:
    return text.replace("number", "numbers", 1)


def _bounds(ge: float | None, gt: float | None, le: float | None, lt: float | None) -> str:
    if ge is not None and (le is not None and le < 1e6):
        return f" from {ge:g} to {le:g}"
    least = f" ≥ {ge:g}" if ge is not None else f" > {gt:g}" if gt is not None else ""
    # Bounds that only keep arithmetic from overflowing are no news to anybody.
    most = f" ≤ {le:g}" if le is not None and le < 1e6 else f" < {lt:g}" if lt is not None and lt < 1e6 else ""
    return least + most
