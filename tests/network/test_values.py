"""The numbers of inputs, parameters and constants: from rules, from the file itself, from tensor files."""

from __future__ import annotations

import math
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save as save_safetensors

import resdebug
from resdebug.errors import ResdebugError
from resdebug.network.tensorfiles import TensorFault
from resdebug.network.values import fitted
from tests.network.making import entry, load, npy, npy_of, npz, plain, safetensors

Numbers = NDArray[Any]

SEVEN = [0.0012301533574825742, 0.2987455375084699, -0.2741378553622176]
"""The first draws of a normal distribution by PCG64 with seed 7, from numpy.random.default_rng."""


def leaf_of(
    folder: Path, value: Any, files: dict[str, bytes] | None = None, about: str = "float64", **more: Any
) -> Numbers:
    """Return what a pass has at a leaf with this value; the target does not depend on it."""
    nodes = [{"id": "one", "op": "input", "value": 1.0}, {"id": "end", "op": "sum"}]
    nodes.append({"id": "a", "op": "parameter", "value": value, **more})
    edges = [{"source": "one", "target": "end"}]
    document = plain(graph={"target": "end", "dtype": about}, nodes=nodes, edges=edges)
    network = load(folder, document, files)
    array = resdebug.differentiate(network).value("a")
    assert array is not None
    assert (network["a"].shape, network["a"].dtype) == (array.shape, array.dtype.name)
    assert not array.flags.writeable
    return array


def same(left: Numbers, right: Numbers) -> bool:
    """Whether two arrays have the same type, shape and bits (in native order)."""
    return (left.dtype, left.shape) == (right.dtype, right.shape) and left.tobytes() == right.tobytes()


@pytest.mark.parametrize("shape", [[], [3], [2, 3], [0], [4, 0, 2], [1] * 32])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "rule", [{"init": "zeros"}, {"init": "ones"}, {"init": "constant", "value": 2.5}], ids=lambda r: str(r["init"])
)
def test_constant_rules(rule: dict[str, Any], dtype: str, shape: list[int], tmp_path: Path) -> None:
    array = leaf_of(tmp_path, {**rule, "shape": shape}, about=dtype)
    expected = {"zeros": 0.0, "ones": 1.0, "constant": 2.5}[rule["init"]]
    assert array.shape == tuple(shape)
    assert array.dtype.name == dtype
    assert array.ravel().tolist() == [expected] * math.prod(shape)


RANDOM: list[dict[str, Any]] = [{"init": "normal"}, {"init": "uniform"}, {"init": "kaiming_normal"}]


@pytest.mark.parametrize("rule", RANDOM, ids=lambda r: str(r["init"]))
def test_a_seed_gives_the_same_numbers_and_another_others(rule: dict[str, Any], tmp_path: Path) -> None:
    first = leaf_of(tmp_path, {**rule, "shape": [5, 4], "seed": 3})
    assert same(first, leaf_of(tmp_path, {**rule, "shape": [5, 4], "seed": 3}))
    other = leaf_of(tmp_path, {**rule, "shape": [5, 4], "seed": 4})
    assert not np.intersect1d(first, other).size
    assert len(np.unique(first)) == 20


@pytest.mark.parametrize(
    ("rule", "mean", "variance"),
    [
        ({"init": "normal"}, 0, 1),
        ({"init": "normal", "mean": 3, "std": 0.5}, 3, 0.25),
        ({"init": "normal", "std": 0}, 0, 0),
        ({"init": "uniform"}, 1 / 2, 1 / 12),
        ({"init": "uniform", "low": -3, "high": 1}, -1, 16 / 12),
        ({"init": "kaiming_normal"}, 0, 2 / (16 * 3 * 3)),
    ],
    ids=str,
)
def test_statistics(rule: dict[str, Any], mean: float, variance: float, tmp_path: Path) -> None:
    shape = [200, 16, 3, 3]
    array = leaf_of(tmp_path, {**rule, "shape": shape, "seed": 12})
    count = math.prod(shape)
    # Five standard errors; that of a normal sample's variance is variance · √(2 / n), of a uniform one's less.
    assert abs(array.mean() - mean) <= 5 * math.sqrt(variance / count)
    assert abs(array.var() - variance) <= 5 * variance * math.sqrt(2 / count)


def test_uniform_stays_within_its_bounds(tmp_path: Path) -> None:
    array = leaf_of(tmp_path, {"init": "uniform", "low": -2, "high": 6, "shape": [10_000], "seed": 1})
    assert -2 <= array.min() < -1.99
    assert 5.99 < array.max() < 6
    # Every eighth of the interval has its share: 1250, give or take five standard deviations of 33.
    counts, _ = np.histogram(array, bins=8, range=(-2, 6))
    assert np.max(np.abs(counts - 1250)) < 165


@pytest.mark.parametrize(("shape", "fan_in"), [([4000], 1), ([400, 10], 10), ([40, 10, 2, 5], 100)])
def test_kaiming_counts_all_axes_but_the_first(shape: list[int], fan_in: int, tmp_path: Path) -> None:
    array = leaf_of(tmp_path, {"init": "kaiming_normal", "shape": shape, "seed": 5})
    assert array.var() * fan_in / 2 == pytest.approx(1, abs=5 * math.sqrt(2 / 4000))


def test_draws_are_numpys(tmp_path: Path) -> None:
    assert leaf_of(tmp_path, {"init": "normal", "shape": [3], "seed": 7}).tolist() == SEVEN
    scaled = leaf_of(tmp_path, {"init": "kaiming_normal", "shape": [1, 3], "seed": 7})
    assert scaled.ravel().tolist() == pytest.approx([math.sqrt(2 / 3) * x for x in SEVEN], rel=1e-15)
    big = leaf_of(tmp_path, {"init": "uniform", "shape": [2, 2], "seed": 10**30})
    assert same(big, np.random.default_rng(10**30).random((2, 2)))


def test_float32_rounds_the_draws_of_float64(tmp_path: Path) -> None:
    array = leaf_of(tmp_path, {"init": "normal", "shape": [3], "seed": 7}, about="float32")
    packed = b"".join(struct.pack("=f", x) for x in SEVEN)
    assert array.dtype == np.float32
    assert array.tobytes() == packed


FLOATS = [0.1, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, 1 / 3, 1e22, -123456.789]


def test_inline_floats_bit_by_bit(tmp_path: Path) -> None:
    array = leaf_of(tmp_path, [FLOATS, FLOATS[::-1]])
    assert array.tobytes() == struct.pack("=16d", *FLOATS, *FLOATS[::-1])
    assert array.shape == (2, 8)


def test_inline_float32_bit_by_bit(tmp_path: Path) -> None:
    numbers = [0.1, -0.0, 1e-45, 3.4028234e38, 1 / 3, 16777217.0]
    array = leaf_of(tmp_path, numbers, dtype="float32")
    assert array.tobytes() == struct.pack("=6f", *numbers)


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [
        ("int64", [-(2**63), 2**63 - 1, 2**53 + 1]),
        ("int32", [-(2**31), 2**31 - 1, 0]),
        ("int16", [-(2**15), 2**15 - 1, 7]),
        ("int8", [-128, 127, 0]),
        ("uint8", [0, 255, 128]),
        ("bool", [True, False, True]),
    ],
)
def test_inline_whole_numbers(dtype: str, numbers: list[int], tmp_path: Path) -> None:
    array = leaf_of(tmp_path, [numbers], dtype=dtype)
    assert (array.dtype.name, array.shape, array.tolist()) == (dtype, (1, 3), [numbers])


@pytest.mark.parametrize(
    ("value", "shape"), [(3, ()), ([], (0,)), ([[], []], (2, 0)), ([[[1]]], (1, 1, 1)), ([1, 2.5], (2,))]
)
def test_inline_shapes(value: Any, shape: tuple[int, ...], tmp_path: Path) -> None:
    assert leaf_of(tmp_path, value).shape == shape


def test_flat_numbers_fill_a_shape_in_c_order(tmp_path: Path) -> None:
    assert leaf_of(tmp_path, [1, 2, 3, 4, 5, 6], shape=[2, 3]).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert leaf_of(tmp_path, [7], shape=[]).tolist() == 7
    assert leaf_of(tmp_path, [], shape=[0, 3]).shape == (0, 3)


def tensor(dtype: str) -> Numbers:
    """Return numbers with every bit pattern that is of interest, NaN with a payload among them."""
    rng = np.random.default_rng(3)
    if dtype == "bool":
        return np.array([[True, False, True]])
    raw = rng.integers(0, 256, size=2 * 3 * np.dtype(dtype).itemsize, dtype=np.uint8)
    return raw.view(dtype).reshape(2, 3)


TYPES = ["float64", "float32", "int64", "int32", "int16", "int8", "uint8", "bool"]


@pytest.mark.parametrize("form", ["stored", "deflated", "fortran", "big-endian", "safetensors"])
@pytest.mark.parametrize("dtype", TYPES)
def test_stored_numbers_bit_by_bit(dtype: str, form: str, tmp_path: Path) -> None:
    array = tensor(dtype)
    other = array.astype(array.dtype.newbyteorder(">")) if form == "big-endian" else np.asarray(array, order="F")
    file = "w.safetensors" if form == "safetensors" else "w.npz"
    content = {
        "safetensors": lambda: save_safetensors({"w": array}),
        "deflated": lambda: npz(("w.npy", npy(array)), method=zipfile.ZIP_DEFLATED),
        "stored": lambda: npz(("w.npy", npy(array))),
    }.get(form, lambda: npz(("w.npy", npy(other))))()
    found = leaf_of(
        tmp_path, {"file": file, "name": "w"}, {file: content}, about="float32" if dtype == "float32" else "float64"
    )
    assert same(found, array)


@pytest.mark.parametrize("name", ["w", "block1/conv.weight", "schön", " ", "w.npy"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 2, 3, 4)])
def test_names_and_shapes_in_archives(shape: tuple[int, ...], name: str, tmp_path: Path) -> None:
    array = np.random.default_rng(1).standard_normal(shape)
    arrays: dict[str, Any] = {name: array, "other": np.zeros(3)}
    np.savez(tmp_path / "w.npz", **arrays)
    (tmp_path / "w.safetensors").write_bytes(save_safetensors(arrays))
    for file in ("w.npz", "w.safetensors"):
        assert same(leaf_of(tmp_path, {"file": file, "name": name}), array)


def test_files_below_the_graph(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    np.savez(tmp_path / "sub" / "deep" / "w.npz", w=np.arange(3.0))
    (tmp_path / "link.npz").symlink_to(Path("sub") / "deep" / "w.npz")
    for file in ("sub/deep/w.npz", "./sub/deep/w.npz", "link.npz"):
        assert leaf_of(tmp_path, {"file": file, "name": "w"}).tolist() == [0, 1, 2]


def test_an_archive_that_python_2_wrote(tmp_path: Path) -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2L,), }"
    content = npz(("w.npy", npy_of(header, struct.pack("<2d", 1.5, -2.0))))
    assert leaf_of(tmp_path, {"file": "w.npz", "name": "w"}, {"w.npz": content}).tolist() == [1.5, -2.0]


def test_half_precision_is_widened(tmp_path: Path) -> None:
    halves = np.array([1.0, -0.0, 65504, 6e-8, 1 / 3], dtype=np.float16)
    expected = [float(x) for x in halves]
    for file, content in (("w.npz", npz(("w.npy", npy(halves)))), ("w.safetensors", save_safetensors({"w": halves}))):
        for about in ("float64", "float32"):
            found = leaf_of(tmp_path, {"file": file, "name": "w"}, {file: content}, about=about)
            assert (found.dtype.name, found.tolist()) == (about, expected)


def test_brain_floats_are_the_upper_half_of_float32(tmp_path: Path) -> None:
    numbers = [1.0, -2.5, 0.0, 3.0e38, 1e-40]
    upper = [struct.pack("<f", x)[2:] for x in numbers]
    expected = [struct.unpack("<f", b"\0\0" + half)[0] for half in upper]
    content = safetensors({"v": entry("U8", [3], 0, 3), "w": entry("BF16", [5, 1], 3, 13)}, b"abc" + b"".join(upper))
    for about in ("float64", "float32"):
        found = leaf_of(tmp_path, {"file": "w.safetensors", "name": "w"}, {"w.safetensors": content}, about=about)
        assert (found.dtype.name, found.ravel().tolist(), found.shape) == (about, expected, (5, 1))


STORED = {
    "w.npz": npz(
        ("f4.npy", npy(np.array([1.5, 0.1], dtype=np.float32))),
        ("f8.npy", npy(np.array([1.5, 0.1]))),
        ("i8.npy", npy([3])),
    )
}


@pytest.mark.parametrize(
    ("name", "about", "own", "dtype"),
    [
        ("f4", "float64", None, "float64"),
        ("f4", "float32", None, "float32"),
        ("f4", "float64", "float32", "float32"),
        ("f8", "float32", "float64", "float64"),
        ("f8", "float32", None, "float32"),
        ("i8", "float32", None, "int64"),
        ("i8", "float64", "float64", "float64"),
        ("i8", "float64", "int32", "int32"),
    ],
)
def test_types_of_stored_numbers(name: str, about: str, own: str | None, dtype: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {} if own is None else {"dtype": own}
    found = leaf_of(tmp_path, {"file": "w.npz", "name": name}, STORED, about=about, **more)
    source = {"f4": [1.5, struct.unpack("f", struct.pack("f", 0.1))[0]], "f8": [1.5, 0.1], "i8": [3]}[name]
    expected = [struct.unpack("f", struct.pack("f", x))[0] for x in source] if dtype == "float32" else source
    assert (found.dtype.name, found.tolist()) == (dtype, expected)


@pytest.mark.parametrize(("own", "dtype"), [(None, "float32"), ("float64", "float64"), ("int64", "int64")])
def test_types_of_inline_numbers(own: str | None, dtype: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {} if own is None else {"dtype": own}
    assert leaf_of(tmp_path, [1, 2], about="float32", **more).dtype.name == dtype
    assert leaf_of(tmp_path, {"init": "ones", "shape": [2]}, about="float32", **more).dtype.name == dtype


LOSSY: list[tuple[str, Any, str]] = [
    ("a stored 300 as int8", {"file": "w.npz", "name": "i"}, "int8"),
    ("a stored -1 as uint8", {"file": "w.npz", "name": "n"}, "uint8"),
    ("a stored 1.7 as int64", {"file": "w.npz", "name": "f"}, "int64"),
    ("a stored 1.7 as bool", {"file": "w.npz", "name": "f"}, "bool"),
    ("a stored 1e300 as float32", {"file": "w.npz", "name": "l"}, "float32"),
    ("a constant 300 as int8", {"init": "constant", "shape": [1], "value": 300}, "int8"),
    ("a constant 0.5 as int64", {"init": "constant", "shape": [1], "value": 0.5}, "int64"),
    ("a constant 1e300 as float32", {"init": "constant", "shape": [1], "value": 1e300}, "float32"),
    ("a normal draw as int64", {"init": "normal", "shape": [4], "seed": 1}, "int64"),
]


@pytest.mark.parametrize(("value", "dtype"), [case[1:] for case in LOSSY], ids=[case[0] for case in LOSSY])
def test_numbers_that_do_not_fit_are_refused(value: Any, dtype: str, tmp_path: Path) -> None:
    """As inline ones are; a number that changed in silence would be an adjoint of another network."""
    members = {"i": np.array([300]), "n": np.array([-1]), "f": np.array([1.7]), "l": np.array([1e300])}
    content = npz(*((f"{name}.npy", npy(array)) for name, array in members.items()))
    with pytest.raises(ResdebugError):
        leaf_of(tmp_path, value, {"w.npz": content}, dtype=dtype)


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([300]), "int8"),
        (np.array([-1]), "uint8"),
        (np.array([1 << 40]), "int32"),
        (np.array([2, 0]), "bool"),
        (np.array([1e300]), "float32"),
        (np.array([0.5]), "int64"),
    ],
)
def test_numbers_are_never_changed_in_silence(array: np.ndarray, dtype: str) -> None:
    with pytest.raises(TensorFault) as caught:
        fitted(array, dtype)
    assert caught.value.code == "S015"


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([127, -128]), "int8"),
        (np.array([1, 0]), "bool"),
        (np.array([True, False]), "float64"),
        (np.array([np.nan, np.inf, 1e-300]), "float32"),
        (np.array([3.0]), "int64"),
    ],
)
def test_numbers_that_fit_are_converted(array: np.ndarray, dtype: str) -> None:
    assert fitted(array, dtype).dtype.name == dtype
