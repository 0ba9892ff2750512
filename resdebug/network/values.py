"""The value of an input, parameter or constant: numbers in the file, an initialiser with its seed, or a stored tensor.

Each knows its type before it takes any memory, and gives its array when asked.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
import numpy as np

from resdebug.network import limits
from resdebug.network.document import kind_of
from resdebug.network.initialisers import INITIALISERS, AnyInitialiser, Initialiser, Ones, Shape, Zeros
from resdebug.network.positions import escape
from resdebug.network.tensorfiles import TensorFault, TensorFiles
from resdebug.network.types import FLOATS, ITEM_BYTES, TensorType, shape_text
from resdebug.text import did_you_mean, human_bytes, visible


class ValueFault(Exception):
    """A value is refused; ``path`` is the JSON pointer from the node to the place at fault."""

    def __init__(self, code: str, what: str, hint: str = "", path: str = "/value") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.hint = hint
        self.path = path


class Value(Protocol):
    """Where a leaf's numbers come from."""

    @property
    def type(self) -> TensorType:
        """Shape and element type, known beforehand."""
        ...

    def array(self) -> np.ndarray:
        """Return the numbers; takes the memory. Raises TensorFault when a file turns out to be at fault."""
        ...


class TensorFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tensor in an ``.npz`` or ``.safetensors`` file beside the graph file or below it."""

    file: str
    name: str


class Numbers(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A value that stands in the file itself, or came from memory."""

    numbers: np.ndarray
    type: TensorType

    @classmethod
    def of(cls, numbers: np.ndarray) -> Numbers:
        """Return a value of the array's own type."""
        return cls(numbers, TensorType(numbers.shape, numbers.dtype.name))

    def array(self) -> np.ndarray:
        """Return the numbers."""
        return self.numbers


@dataclass(frozen=True, slots=True)
class Missing:
    """A value of which only the type is known: a trace does not hold what its target does not depend on."""

    type: TensorType

    def array(self) -> np.ndarray:
        """Raise TensorFault."""
        raise TensorFault("T009", "the trace does not hold these numbers", "open the network it was made from")


@dataclass(frozen=True, slots=True)
class Made:
    """A value that an initialiser makes."""

    rule: AnyInitialiser
    type: TensorType

    def array(self) -> np.ndarray:
        """Make the numbers. Raises TensorFault when they do not fit into the element type."""
        return fitted(self.rule.fill(), self.type.dtype)


@dataclass(frozen=True, slots=True)
class Read:
    """A value that lies in a tensor file."""

    files: TensorFiles
    source: TensorFile
    type: TensorType

    def array(self) -> np.ndarray:
        """Read the numbers. Raises TensorFault when the file is at fault, or they do not fit into the element type."""
        return fitted(self.files.read(self.source.file, self.source.name), self.type.dtype)


SINGLE: Final = TensorType(())
"""Of a value that is one number, where nothing else is said."""

_TYPED: Final = frozenset({"dtype", "shape"})


def read_value(node: dict[str, Any], default: str, files: TensorFiles, limit: int) -> Value:
    """Return the value of the leaf ``node`` with element type ``dtype`` of the node, else ``default``.

    Raises ValueFault with the place inside the node.
    """
    if type(node.get("value")) is float and default == "float64" and node.keys().isdisjoint(_TYPED):
        number = np.array(node["value"])
        number.flags.writeable = False
        return Numbers(number, SINGLE)
    dtype = node.get("dtype", default)
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        shown = f'"{visible(dtype)}"' if isinstance(dtype, str) else kind_of(dtype)
        raise ValueFault("S011", f"unknown element type {shown}", "use one of " + ", ".join(ITEM_BYTES), "/dtype")
    shape = _declared_shape(node)
    raw = node.get("value")
    if raw is None:
        hint = 'give "value": numbers, {"init": "normal", "shape": [...], "seed": 1}, or {"file": ..., "name": ...}'
        raise ValueFault("S010", "has no value", hint, "/value" if "value" in node else "")
    if isinstance(raw, Missing):
        value: Value = raw
    elif isinstance(raw, np.ndarray | np.generic):
        value = _from_memory(np.asarray(raw), dtype if "dtype" in node else None, default)
    elif isinstance(raw, dict):
        value = _from_file(raw, node, default, files) if "file" in raw else _from_rule(raw, dtype, limit)
    else:
        value = Numbers.of(_from_lists(raw, dtype, shape))
    if shape is not None and shape != value.type.shape:
        what = f"declares shape {shape_text(shape)} and its value has {shape_text(value.type.shape)}"
        raise ValueFault("S012", what, "drop the shape, or correct it", "/shape")
    return value


def _declared_shape(node: dict[str, Any]) -> tuple[int, ...] | None:
    if "shape" not in node:
        return None
    try:
        return tuple(msgspec.convert(node["shape"], Shape))
    except msgspec.ValidationError as error:
        raise ValueFault("S012", f"shape is not a list of sizes: {error}", "", "/shape") from None


def _from_memory(array: np.ndarray, dtype: str | None, default: str) -> Numbers:
    """Copy an array that came with a networkx graph; floats take the network's type unless the node names one."""
    name = dtype or (default if array.dtype.kind == "f" else array.dtype.name)
    if array.dtype.kind not in "fiub" or name not in ITEM_BYTES:
        what = f"an array of {visible(str(array.dtype))} is no tensor"
        raise ValueFault("S011", what, "use one of " + ", ".join(ITEM_BYTES))
    try:
        return Numbers.of(fitted(np.array(array), name))
    except TensorFault as error:
        raise ValueFault(error.code, error.what, error.hint) from None


def _from_file(raw: dict[str, Any], node: dict[str, Any], default: str, files: TensorFiles) -> Read:
    _known_keys(raw, TensorFile, "a tensor in a file")
    try:
        source = msgspec.convert(raw, TensorFile)
    except msgspec.ValidationError as error:
        raise ValueFault("S013", *_explained(error)) from None
    try:
        stored = files.describe(source.file, source.name)
    except TensorFault as error:
        at = "/value/name" if error.code in {"W011", "W024"} else "/value/file"
        raise ValueFault(error.code, error.what, error.hint, at) from None
    dtype = node.get("dtype") or (default if stored.type.is_float else stored.type.dtype)
    if stored.type.is_float and dtype not in FLOATS:
        what = f"{stored.type.dtype} in the file is not turned into {dtype}"
        raise ValueFault("S015", what, "round it yourself, or leave the dtype out", "/dtype")
    return Read(files, source, TensorType(stored.type.shape, dtype))


def _from_rule(raw: dict[str, Any], dtype: str, limit: int) -> Made:
    names = {str(kind.__struct_config__.tag): kind for kind in INITIALISERS}
    init = raw.get("init")
    if not isinstance(init, str) or init not in names:
        what = f'unknown initialiser "{visible(init)}"' if isinstance(init, str) else 'has no "init" and no "file"'
        hint = (did_you_mean(init, names) if isinstance(init, str) else "") or "init is one of " + ", ".join(names)
        raise ValueFault("S013", what, hint, "/value/init" if "init" in raw else "/value")
    _known_keys(raw, names[init], init)
    try:
        rule: AnyInitialiser = msgspec.convert(raw, AnyInitialiser)
    except msgspec.ValidationError as error:
        raise ValueFault("S013", *_explained(error)) from None
    type_ = TensorType(tuple(rule.shape), dtype)
    if type_.nbytes > limit or type_.extent > limits.ADDRESSABLE:
        size = f"{type_} is {human_bytes(type_.extent)}, over the limit of {human_bytes(limit)}"
        raise ValueFault("S001", size, "make it smaller, or raise the limit with --memory", "/value/shape")
    if not type_.is_float and not (isinstance(rule, Zeros | Ones) or getattr(rule, "value", 0.5).is_integer()):
        raise ValueFault("S015", f"{init} makes fractions, which are not turned into {dtype}", "", "/value/init")
    return Made(rule, type_)


_PATH = re.compile(r"(.*) - at `\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")


def split_path(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return what a msgspec error says, and where, as a JSON pointer from the value that was converted."""
    match = _PATH.match(str(error))
    if match is None:
        return visible(str(error).replace("`", "")), ""
    steps = "".join(f"/{index or key}" for index, key in _STEP.findall(match.group(2)))
    return visible(match.group(1).replace("`", "")), steps


def _known_keys(raw: dict[str, Any], kind: type, called: str) -> None:
    """Refuse a key that ``kind`` does not have, naming the nearest that it has."""
    known = [*kind.__struct_fields__, "init"] if issubclass(kind, Initialiser) else list(kind.__struct_fields__)  # type: ignore[attr-defined]
    for key in raw:
        if key not in known:
            what = f'{called} takes no "{visible(key)}"'
            raise ValueFault("S013", what, did_you_mean(key, known), f"/value{escape(key)}")


def fitted(array: np.ndarray, dtype: str) -> np.ndarray:
    """Return ``array`` with another element type, its numbers unchanged but for rounding to a narrower float.

    Raises TensorFault when a number is beyond the element type, or a fraction would be cut off.
    """
    if array.dtype.name == dtype:
        return array
    with np.errstate(all="ignore"):
        result = array.astype(dtype)
        if dtype in FLOATS:
            lost = np.isfinite(array) & ~np.isfinite(result) if array.dtype.kind == "f" else np.zeros(1, bool)
        else:
            lost = result != array
    if lost.any():
        where = tuple(int(i) for i in np.argwhere(lost)[0])
        what = f"{array[where]} at {list(where)} does not fit into {dtype}"
        raise TensorFault("S015", what, "use a wider dtype")
    return result


def _explained(error: msgspec.ValidationError) -> tuple[str, str, str]:
    what, path = split_path(error)
    hint = 'an initialiser is {"init": ..., "shape": [...]} with init one of ' + ", ".join(
        str(rule.__struct_config__.tag) for rule in INITIALISERS
    )
    return what, hint, f"/value{path}"


_NESTED: dict[tuple[type, int], Any] = {}


def _nested(element: type, depth: int) -> Any:
    """Return ``list[list[... element]]``, so that the decoder's own strictness refuses strings and booleans."""
    key = (element, depth)
    if key not in _NESTED:
        _NESTED[key] = element if depth == 0 else list[_nested(element, depth - 1)]  # type: ignore[misc]
    return _NESTED[key]


def _from_lists(raw: Any, dtype: str, shape: tuple[int, ...] | None) -> np.ndarray:
    depth, inner = 0, raw
    while isinstance(inner, list):
        depth += 1
        if depth > limits.DIMENSIONS:
            raise ValueFault("S014", f"nested deeper than {limits.DIMENSIONS} dimensions", "flatten it")
        if not inner:
            break
        inner = inner[0]
    element = float if dtype in FLOATS else bool if dtype == "bool" else int
    try:
        numbers = msgspec.convert(raw, _nested(element, depth))
    except msgspec.ValidationError as error:
        what, path = split_path(error)
        raise ValueFault(
            "S014", what, "a value is a number or evenly nested lists of numbers", f"/value{path}"
        ) from None
    array = _array(numbers, dtype, depth)
    if shape is not None and array.ndim == 1 and shape != array.shape:
        if math.prod(shape) != array.size:
            what = f"shape {shape_text(shape)} takes {math.prod(shape)} numbers and the value has {array.size}"
            raise ValueFault("S012", what, "", "/value")
        array = array.reshape(shape)
    return array


def _array(numbers: Any, dtype: str, depth: int) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):
            array = np.array(numbers, dtype=dtype)
    except OverflowError:
        raise ValueFault("S014", f"a number does not fit into {dtype}", "use a wider dtype") from None
    except ValueError:
        what, path = _ragged(numbers, depth)
        raise ValueFault("S014", what, "every row needs the same length", f"/value{path}") from None
    if dtype == "float32" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        path = "/value" + "".join(f"/{i}" for i in where)
        raise ValueFault("S014", "a number is beyond float32", "use float64, or scale it down", path)
    return array


def _ragged(numbers: Any, depth: int) -> tuple[str, str]:
    """Return what is uneven in nested lists that numpy refused, and where."""
    level: list[tuple[Any, str]] = [(numbers, "")]
    for _ in range(depth - 1):
        level = [(row, f"{path}/{i}") for rows, path in level for i, row in enumerate(rows)]
        expected = len(level[0][0]) if level else 0
        for row, path in level:
            if len(row) != expected:
                return f"a row of {len(row)} among rows of {expected}", path
    return "nested unevenly", ""
