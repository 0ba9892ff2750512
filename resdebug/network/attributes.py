"""The operators of a file's nodes, with their attributes; everything that is wrong with these."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Final

import msgspec
import numpy as np

from resdebug.network.distinct import Distinct
from resdebug.network.document import kind_of
from resdebug.network.faults import FaultList
from resdebug.network.positions import escape
from resdebug.network.signature import LEAVES, Catalogue, Signature
from resdebug.network.values import split_path
from resdebug.text import did_you_mean, visible

KNOWN_KEYS: Final = frozenset({"id", "op", "block", "name"})
LEAF_KEYS: Final = frozenset({"value", "dtype", "shape"})
MANY: Final = 64
"""With more different keys than this, nodes are looked at one by one."""

Fields = Mapping[str, msgspec.structs.FieldInfo]


class OperatorChecker:
    """Makes the operators, and reports what they do not know."""

    def __init__(self, catalogue: Catalogue, faults: FaultList) -> None:
        self.catalogue = catalogue
        self.faults = faults
        self.judged: dict[tuple[str, str], str | None] = {}
        self.known: dict[tuple[type, bytes], Signature] = {}
        """Operators by what they are."""

    def fields(self, op: str) -> Fields:
        """Return the attributes of an operator."""
        return fields_of(self.catalogue[op])

    @cached_property
    def words(self) -> frozenset[str]:
        """The names of all attributes there are."""
        return frozenset(name for op in self.catalogue for name in self.fields(op))

    def run(self, nodes: Sequence[Mapping[str, Any]], names: Sequence[str | None]) -> Distinct[Signature | None]:
        """Check all operators and their attributes; equal ones are one object, None where something is wrong."""
        ops: list[Any] = [node.get("op") for node in nodes]
        plain = self.plain(ops, nodes)
        if plain and None not in plain.values():
            number = {op: k for k, op in enumerate(plain)}
            return Distinct(tuple(plain.values()), np.fromiter(map(number.__getitem__, ops), np.intp, len(ops)))
        found = [plain.get(op) for op in ops] if plain else [None] * len(nodes)
        return Distinct.of([operator or self.operator(i, nodes[i], names) for i, operator in enumerate(found)])

    def plain(self, ops: Sequence[Any], nodes: Sequence[Mapping[str, Any]]) -> dict[str, Signature | None]:
        """Return the operators whose nodes have no attributes, and no key that looks like one; None for others.

        Nothing at all where nodes are too strange for that to be worth a look.
        """
        keys = set[str]().union(*nodes)
        if not {*map(type, ops)} <= {str} or len(keys) > MANY:
            return {}
        if "block" in keys and not {type(node.get("block", "")) for node in nodes} <= {str}:
            return {}
        plain: dict[str, Signature | None] = {op: self.bare(op) for op in dict.fromkeys(ops)}
        for key in keys - KNOWN_KEYS:
            for op in {op for op, node in zip(ops, nodes, strict=True) if key in node}:
                if op in self.catalogue and (key in self.fields(op) or self.judge(op, key) is not None):
                    plain[op] = None
        return plain

    def bare(self, op: str) -> Signature | None:
        """Return an operator without attributes, None where it needs some, or there is none of this name."""
        try:
            return self.one(msgspec.convert({}, self.catalogue[op]))
        except (KeyError, msgspec.ValidationError):
            return None

    def one(self, operator: Signature) -> Signature:
        """Return the first operator that equals this one, to the last bit: a factor of 0 is none of -0."""
        try:
            return self.known.setdefault((type(operator), msgspec.msgpack.encode(operator)), operator)
        except OverflowError:  # a number of many digits: its shape rule will have none of it
            return operator

    def operator(self, i: int, node: Mapping[str, Any], names: Sequence[str | None]) -> Signature | None:
        """Check a node's operator and its attributes; return the operator, or None where something is wrong."""
        op = node.get("op")
        name = names[i] or (str(node["id"]) if isinstance(node.get("id"), str | int) else f"#{i}")
        if not isinstance(op, str) or op not in self.catalogue:
            if node:
                shown = f"unknown operator {visible(op)}" if isinstance(op, str) else f"an op cannot be {kind_of(op)}"
                what = "has no op" if op is None else shown
                near = self.faults.suggest(op, self.catalogue) if isinstance(op, str) else ""
                hint = near or "resdebug ops lists them all"
                pointer = f"/nodes/{i}" + ("/op" if "op" in node else "")
                self.faults.add("G020", f'"{visible(name)}": {what}', hint, pointer=pointer, node=name)
            return None
        block = node.get("block", "")
        if not isinstance(block, str):
            what = f'"{visible(name)}": a block is named by a string, not by {kind_of(block)}'
            self.faults.add("J041", what, pointer=f"/nodes/{i}/block", node=name)
        fields = self.fields(op)
        given = {}
        for key, value in node.items():
            if key in fields:
                given[key] = value
            elif key not in KNOWN_KEYS and (hint_ := self.judge(op, key)) is not None:
                what = f'"{visible(name)}": {op} has no attribute "{visible(key)}"'
                self.faults.add("G022", what, hint_, pointer=f"/nodes/{i}{escape(key)}", node=name)
        try:
            operator: Signature = msgspec.convert(given, self.catalogue[op])
        except msgspec.ValidationError:
            self.explain_attributes(i, name, op, given)
            return None
        for key, value in given.items():
            if isinstance(value, float) and not math.isfinite(value):
                what = f'"{visible(name)}": {op}.{key} is {value}, which no file can hold'
                self.faults.add("G023", what, "give a finite number", pointer=f"/nodes/{i}{escape(key)}", node=name)
        return self.one(operator)

    def judge(self, op: str, key: str) -> str | None:
        """Say what a key that the operator does not know could have meant; None when it is somebody's own data."""
        if (op, key) not in self.judged:
            near = did_you_mean(key, self.fields(op)) if self.fields(op) else ""
            known = "its attributes: " + ", ".join(self.fields(op)) if self.fields(op) else f"{op} has no attributes"
            if key in LEAF_KEYS:
                verdict = None if op in LEAVES else "only inputs, parameters and constants have it"
            elif near.startswith("did you mean"):
                verdict = near
            else:
                verdict = known if key in self.words else None
            self.judged[op, key] = verdict
        return self.judged[op, key]

    def explain_attributes(self, i: int, name: str, op: str, given: Mapping[str, Any]) -> None:
        """Report every attribute that is missing or of the wrong kind."""
        for key, field in self.fields(op).items():
            if key not in given:
                if field.required:
                    what = f'"{visible(name)}": {op} needs the attribute "{key}"'
                    hint = f"resdebug ops {op} shows what it takes"
                    self.faults.add("G023", what, hint, pointer=f"/nodes/{i}", node=name)
                continue
            try:
                msgspec.convert(given[key], field.type)
            except msgspec.ValidationError as error:
                what, path = split_path(error)
                what = f'"{visible(name)}": {op}.{key}: {visible(what)}'
                hint = f"resdebug ops {op} shows what it takes"
                self.faults.add("G023", what, hint, pointer=f"/nodes/{i}{escape(key)}{path}", node=name)


@cache
def fields_of(operator: type[Signature]) -> Fields:
    """Return the attributes of an operator by name."""
    return {field.encode_name: field for field in msgspec.structs.fields(operator)}  # type: ignore[arg-type]
