"""The library itself, through its C interface, version 3 (dnnl.h)."""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from collections.abc import Sequence
from ctypes import POINTER, Structure, byref, c_char, c_char_p, c_float, c_int, c_int64, c_size_t, c_uint, c_void_p
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from resdebug.ops.base import Array

VARIABLE: Final = "RESDEBUG_ONEDNN"
"""Names another build of the library; ``off`` does without."""

FILE: Final = "libdnnl.so.3"
MAJOR: Final = 3
OPENMP: Final = 2
"""The kind of threads (``dnnl_cpu_runtime``) whose number can be told."""

_CPU: Final = 1
_IN_ORDER: Final = 1
_SINGLE: Final = 3
_ANY: Final = 1
_LOOPS: Final = 8
_ALIGNED: Final = 64
_UNIMPLEMENTED: Final = (2, 3)
"""Statuses ``invalid_arguments`` and ``unimplemented``: the library has no such primitive."""

Handle = c_void_p


_pointer: Final = c_size_t.from_address
_HEAD: Final = object.__basicsize__ if sys.implementation.name == "cpython" else 0


def address(array: NDArray[Any]) -> int:
    """Return where the elements of ``array`` begin.

    An array of numpy is an object's head and then this pointer (``PyArrayObject_fields`` in ndarraytypes.h). To read it
    takes an eighth of the time of asking, which for small tensors is half the time of a call.
    """
    return _pointer(id(array) + _HEAD).value if _HEAD else int(array.__array_interface__["data"][0])


class _Version(Structure):
    _fields_ = (
        ("major", c_int),
        ("minor", c_int),
        ("patch", c_int),
        ("hash", c_char_p),
        ("cpu_runtime", c_uint),
        ("gpu_runtime", c_uint),
    )


class _Argument(Structure):
    _fields_ = (("index", c_int), ("memory", c_void_p))


class Missing(Exception):
    """The library has no such primitive."""


class Library:
    """A loaded library with its engine for the processor."""

    def __init__(self, path: str) -> None:
        """Load it. Raises OSError or AttributeError where it is not this library, Missing for a build of no use."""
        self.c = ctypes.CDLL(path)
        self.c.dnnl_version.restype = POINTER(_Version)
        version = self.c.dnnl_version().contents
        if version.major != MAJOR or version.cpu_runtime != OPENMP:
            raise Missing
        self.version = f"{version.major}.{version.minor}.{version.patch}"
        self.c.dnnl_primitive_desc_query_md.restype = c_void_p
        self.c.dnnl_memory_desc_get_size.restype = c_size_t
        self.c.dnnl_memory_set_data_handle.argtypes = (c_void_p, c_void_p)
        self.c.dnnl_primitive_execute.argtypes = (c_void_p, c_void_p, c_int, POINTER(_Argument))
        operand = c_void_p, c_int64
        self._gemm = self.c.dnnl_sgemm
        self._gemm.argtypes = (c_char, c_char, *(c_int64,) * 3, c_float, *operand, *operand, c_float, *operand)
        self.engine = self.made("dnnl_engine_create", c_int(_CPU), c_size_t(0))

    def do(self, name: str, *arguments: Any) -> None:
        """Call a function. Raises Missing, MemoryError or RuntimeError by its status."""
        status = getattr(self.c, name)(*arguments)
        if status:
            if status in _UNIMPLEMENTED:
                raise Missing
            raise MemoryError(f"oneDNN: {name}") if status == 1 else RuntimeError(f"oneDNN: {name}: status {status}")

    def made(self, name: str, *arguments: Any) -> Handle:
        """Call a function that makes something."""
        made = Handle()
        self.do(name, byref(made), *arguments)
        return made

    def limited(self, count: int) -> int:
        """Let this thread's calls work with so many threads; return how many it was before."""
        before = int(self.c.omp_get_max_threads())
        self.c.omp_set_num_threads(c_int(count))
        return before

    def stream(self) -> Handle:
        """Return a queue of calls, for one thread."""
        return self.made("dnnl_stream_create", self.engine, c_int(_IN_ORDER))

    def laid(self, shape: Sequence[int], strides: Sequence[int]) -> Handle:
        """Describe a tensor in single precision, ``strides`` in elements."""
        return self.made("dnnl_memory_desc_create_with_strides", len(shape), sizes(shape), _SINGLE, sizes(strides))

    def open(self, shape: Sequence[int]) -> Handle:
        """Describe a tensor whose layout is the library's choice."""
        return self.made("dnnl_memory_desc_create_with_tag", len(shape), sizes(shape), _SINGLE, _ANY)

    def chosen(self, description: Handle, which: int) -> Handle:
        """Return the layout that the library chose for one operand of a primitive."""
        return Handle(self.c.dnnl_primitive_desc_query_md(description, c_int(which), 0))

    def loops(self, description: Handle) -> str:
        """Return what the library calls the loops that it chose; plain ones are ``ref``, and slow."""
        name = c_char_p()
        self.do("dnnl_primitive_desc_query", description, c_int(_LOOPS), 0, byref(name))
        return (name.value or b"").decode("ascii", "replace")

    def primitive(self, description: Handle) -> Handle:
        """Return what a description describes. Raises Missing where it would be slow."""
        if self.loops(description).startswith("ref"):
            raise Missing
        return self.made("dnnl_primitive_create", description)

    def size(self, layout: Handle) -> int:
        """Return how many bytes a layout takes."""
        return int(self.c.dnnl_memory_desc_get_size(layout))

    def room(self, layout: Handle) -> Array:
        """Return uninitialised memory for a layout, aligned as fast loops like it."""
        count = -(-self.size(layout) // 4)
        plain = np.empty(count + _ALIGNED // 4, np.float32)
        start = -plain.ctypes.data % _ALIGNED // 4
        return plain[start : start + count]

    def gemm(self, turned: bool, counts: tuple[int, int, int], a: int, lead: int, b: int, y: int, add: bool) -> None:
        """Set ``y`` to ``a @ b``, or add that, all given by their addresses; where ``turned``, memory has ``a`` so.

        ``counts`` are the rows of ``y``, its columns, and the columns of ``a``; ``lead`` are the elements from row to
        row of what memory has.
        """
        columns = counts[1]
        start = 1 if add else 0
        status = self._gemm(b"T" if turned else b"N", b"N", *counts, 1, a, lead, b, columns, start, y, columns)
        if status:
            raise MemoryError("oneDNN") if status == 1 else RuntimeError(f"oneDNN: gemm: status {status}")

    def memory(self, layout: Handle, array: NDArray[Any] | None = None) -> Handle:
        """Return a view of an array's memory; without one, of memory that is named with every call."""
        return self.made(
            "dnnl_memory_create", layout, self.engine, c_void_p(array.ctypes.data if array is not None else 0)
        )

    def reorder(self, source: Handle, target: Handle) -> Handle:
        """Return the primitive that copies from one layout to another."""
        described = self.made("dnnl_reorder_primitive_desc_create", source, self.engine, target, self.engine, None)
        return self.made("dnnl_primitive_create", described)


class Call:
    """A primitive with its operands; where these lie is said with every call. For one thread."""

    def __init__(self, library: Library, stream: Handle, primitive: Handle, *operands: tuple[int, Handle]) -> None:
        """``operands`` are pairs of the argument's index in dnnl.h, and its layout."""
        self._set = library.c.dnnl_memory_set_data_handle
        self._run = library.c.dnnl_primitive_execute
        self._memories = [library.memory(layout).value for _, layout in operands]
        pairs = zip(operands, self._memories, strict=True)
        arguments = (_Argument * len(operands))(*(_Argument(index, memory) for (index, _), memory in pairs))
        self._all = primitive, stream, len(operands), arguments

    def __call__(self, *arrays: NDArray[Any]) -> None:
        """Run it on operands, each in one piece of memory as its layout says. Raises MemoryError or RuntimeError."""
        put = self._set
        for memory, array in zip(self._memories, arrays, strict=True):
            put(memory, address(array))
        status = self._run(*self._all)
        if status:
            raise MemoryError("oneDNN") if status == 1 else RuntimeError(f"oneDNN: status {status}")


def sizes(numbers: Sequence[int]) -> Any:
    """Return numbers as an array of C."""
    return (c_int64 * len(numbers))(*numbers)


@lru_cache(maxsize=1)
def library() -> Library | None:
    """Return the library, loaded once; None where it is missing, of no use, or not wanted."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted.lower() in {"off", "0", "no"}:
        return None
    folders = [sysconfig.get_path("data"), sysconfig.get_path("data", sysconfig.get_preferred_scheme("user"))]
    for path in [wanted] if wanted else [str(Path(folder, "lib", FILE)) for folder in folders]:
        if Path(path).is_file():
            try:
                return Library(path)
            except (OSError, AttributeError, Missing):
                continue
    return None
