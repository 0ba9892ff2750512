"""A sound trace, and for every rule what breaks it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors.numpy import save_file

from resdebug.api import open_pass
from resdebug.export.registry import choose_format, export_files
from resdebug.passes.selection import selection
from tests.support import GRAPHS

Lines = list[dict[str, Any]]


def write(graph: Path, path: Path, **options: Any) -> Path:
    """Trace a network the way the command does."""
    pass_ = open_pass(graph)
    chosen = selection(options.pop("level", None), options.pop("nodes", ()))
    export_files(pass_, path, choose_format(path, None), force=True, selection=chosen, **options)
    return path


def lines_of(path: Path) -> Lines:
    """Return header and records without their checksums, as one who edits a trace leaves them."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line.pop("crc", None)
    return lines


def save(lines: Lines, path: Path) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def sound(folder: Path) -> Lines:
    """The trace of d = a · (a + b), 13 events: a, b, c, d evaluated, d seeded and visited, then c and a, b."""
    return lines_of(write(GRAPHS / "two_path.json", folder / "sound.jsonl"))


def first(lines: Lines, event: str, **keys: str) -> dict[str, Any]:
    return next(x for x in lines[1:] if x["event"] == event and all(x[k] == v for k, v in keys.items()))


def drop(lines: Lines, record: dict[str, Any]) -> None:
    lines.remove(record)
    renumber(lines)


def renumber(lines: Lines) -> None:
    for k, record in enumerate(lines[1:], start=1):
        record["k"] = k if record["event"] != "end" else k - 1
    lines[0]["events"] = lines[-1]["k"]


def swap(lines: Lines, i: int, j: int) -> None:
    lines[i], lines[j] = lines[j], lines[i]
    renumber(lines)


def _insert(lines: Lines, at: int, record: dict[str, Any]) -> None:
    lines.insert(at, copy.deepcopy(record))
    renumber(lines)


def _scaled(tensor: dict[str, Any], factor: float) -> None:
    tensor["data"] = tensor["data"] * factor


def _statistics(tensor: dict[str, Any], **other: Any) -> None:
    x = tensor.pop("data")
    tensor["statistics"] = {
        "norm": abs(x), "minimum": x, "maximum": x, "mean": x, "deviation": 0.0, "zeros": 0, "nans": 0, "infinities": 0,
    } | other  # fmt: skip


def _cycle(x: Lines) -> None:
    edge = next(e for e in x[0]["network"]["edges"] if e["target"] == "c" and e["slot"] == "b")
    edge["source"] = "d"


def _beside(x: Lines) -> None:
    x[0]["tensors"] = "sound.jsonl.safetensors"
    first(x, "evaluated", node="a")["value"] = {"shape": [], "dtype": "float64", "name": "nowhere"}


def _late_value(x: Lines) -> None:
    c = first(x, "evaluated", node="c")
    x.remove(c)
    x.insert(x.index(first(x, "evaluated", node="d")) + 1, c)
    renumber(x)


def _early(x: Lines) -> None:
    """Complete a before c has delivered to it: the fork's mistake."""
    a = first(x, "completed", node="a")
    x.remove(a)
    x.insert(x.index(first(x, "completed", node="c")), a)
    renumber(x)


BREAK: Final[dict[str, Callable[[Lines], Any]]] = {
    "V001": lambda x: x[0].pop("rule"),
    "V002": lambda x: x[3].pop("node"),
    "V004": lambda x: x[4].update(k=9),
    "V005": lambda x: x[0].update(events=12),
    "V010": lambda x: x[0]["network"]["edges"].append({"source": "ghost", "target": "d", "slot": "c"}),
    "V011": _cycle,
    "V012": lambda x: x[0]["network"]["nodes"][0].update(note="another"),
    "V020": lambda x: first(x, "completed", node="c")["adjoint"].update(data=[4.0]),
    "V021": _beside,
    "V023": lambda x: first(x, "completed", node="c")["adjoint"].update(dtype="float32"),
    "V024": lambda x: _statistics(first(x, "evaluated", node="a")["value"], zeros=7),
    "V025": lambda x: _statistics(first(x, "evaluated", node="a")["value"]),
    "V026": lambda x: first(x, "evaluated", node="a")["value"].update(crc=1),
    "V030": _late_value,
    "V031": lambda x: first(x, "seeded")["adjoint"].update(data=2.0),
    "V032": _early,
    "V033": lambda x: drop(x, first(x, "contributed", consumer="c", slot="b")),
    "V034": lambda x: drop(x, first(x, "completed", node="b")),
    "V040": lambda x: _scaled(first(x, "contributed", consumer="c", slot="a")["partial"], 0.5),
    "V041": lambda x: _scaled(first(x, "completed", node="a")["adjoint"], 0.5),
    "V050": lambda x: _scaled(first(x, "evaluated", node="c")["value"], 1 + 2**-50),
    "V051": lambda x: _scaled(first(x, "contributed", consumer="d", slot="b")["contribution"], 1 + 2**-50),
}
"""Per rule, a change after which it does not hold; V003 and V022 are about bytes and have tests of their own."""


def beside(path: Path, header: dict[str, Any], extra: str) -> None:
    """Write a file of tensors that no record names."""
    about = {"format": header["format"], "version": str(header["version"]), "digest": header["digest"]}
    save_file({extra: np.zeros(2)}, path, metadata=about)
