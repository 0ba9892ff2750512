"""Reading a file of gradients that somebody else computed: .npz, .safetensors or .json.

Nothing in such a file is executed: archives are read as tensor files of networks are.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from resdebug.errors import BadInput, Fault, MissingInput, Place
from resdebug.network import limits
from resdebug.network.document import decode, kind_of
from resdebug.network.source import open_regular, read_text
from resdebug.network.tensorfiles import TensorFault, TensorFiles, refused
from resdebug.ops.base import Array
from resdebug.text import visible

SUFFIXES: Final = (".npz", ".safetensors", ".json", ".pt")
WORDS: Final[Mapping[str, float]] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
FORMS: Final = "an .npz, .safetensors or .json file, or a PyTorch state dict as .pt"


def read_gradients(path: str | Path) -> dict[str, Array]:
    """Return the gradients in a file by name, floats as they are and whole numbers as float64.

    Raises MissingInput, BadInput (a file that is damaged or holds something else) and IOFailure.
    """
    path = Path(path)
    os.close(opened(path))
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _from_json(path)
    if suffix in {".npz", ".safetensors"}:
        return _from_tensor_file(path)
    what = f'gradients are not read from "{visible(path.suffix)}" files'
    raise BadInput(Fault("A002", what, f"give {FORMS}", Place(file=str(path))))


def opened(path: Path) -> int:
    """Open a file of gradients. Raises MissingInput, with a hint at one of nearly that name, and BadInput."""
    try:
        return open_regular(path, limits.TENSOR_FILE_BYTES)
    except MissingInput as error:
        fault = error.faults[0]
        raise MissingInput(Fault(fault.code, fault.what, _near(path) or fault.hint, fault.place)) from None


def _near(path: Path) -> str:
    from resdebug.text import did_you_mean

    try:
        names = sorted(p.name for p in path.parent.iterdir() if p.suffix in SUFFIXES)[:200]
    except OSError:
        return ""
    return did_you_mean(path.name, names)


def _from_tensor_file(path: Path) -> dict[str, Array]:
    # The command line may name a link; what it leads to is what is meant.
    real = Path(os.path.realpath(path))
    if real.suffix != path.suffix:
        what = f"is a link to a file of another kind, {visible(real.name)}"
        raise BadInput(Fault("A002", what, "name the file itself", Place(file=str(path))))
    files = TensorFiles(real.parent)
    try:
        return {name: _floating(files.read(real.name, name), name, path) for name in files.names(real.name)}
    except TensorFault as error:
        raise refused(error, Place(file=str(path))) from None


def _floating(array: np.ndarray, name: str, path: Path) -> Array:
    if array.dtype.kind not in "fiub":
        what = f'"{visible(name)}" holds {visible(str(array.dtype))}, not real numbers'
        raise BadInput(Fault("W024", what, "gradients are floats", Place(file=str(path))))
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _from_json(path: Path) -> dict[str, Array]:
    try:
        raw = decode(read_text(path), str(path))
    except BadInput as error:
        if [fault.code for fault in error.faults] != ["J040"]:
            raise
        fault = error.faults[0]
        raise BadInput(
            Fault("A003", "is no object of names and numbers", "write {name: numbers}", fault.place)
        ) from None
    found: dict[str, Array] = {}
    for name, value in flattened(raw):
        if name in found:
            what = f'"{visible(name)}" is there twice'
            raise BadInput(Fault("A003", what, "nested names are joined by dots", Place(file=str(path))))
        found[name] = _tensor(value, name, path)
    return found


def flattened(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield names and values; an object inside gives its name and a dot to what is in it."""
    stack: list[tuple[str, Any]] = [("", raw)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{name}.{key}" if name else key, inner) for key, inner in reversed(value.items())]
        else:
            yield name, value


def _tensor(value: Any, name: str, path: Path) -> Array:
    """Return evenly nested lists of numbers as an array; null is a number that is not filled in."""

    def fault(what: str) -> BadInput:
        hint = "a gradient is a number or evenly nested lists of numbers; null is one that is not filled in"
        return BadInput(Fault("A003", f'"{visible(name)}": {what}', hint, Place(file=str(path), node=name)))

    shape: list[int] = []
    level = [value]
    while level and isinstance(level[0], list):
        if len(shape) >= limits.DIMENSIONS:
            raise fault(f"nested deeper than {limits.DIMENSIONS} dimensions")
        size = len(level[0])
        uneven = next((row for row in level if not isinstance(row, list) or len(row) != size), None)
        if uneven is not None:
            raise fault("nested unevenly")
        shape.append(size)
        level = [item for row in level for item in row]
    for k, item in enumerate(level):
        if item is None:
            level[k] = math.nan
        elif isinstance(item, str) and item in WORDS:
            level[k] = WORDS[item]
        elif isinstance(item, bool) or not isinstance(item, int | float):
            raise fault("nested unevenly" if isinstance(item, list) else f"{kind_of(item)} is no number")
    try:
        return np.array(level, np.float64).reshape(shape)
    except OverflowError:
        raise fault("a number is beyond float64") from None
