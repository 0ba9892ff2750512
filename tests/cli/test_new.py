"""``resdebug new``: networks that load, from files that plain networkx reads."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pytest
from safetensors.numpy import load_file

import resdebug
from tests.cli.running import run


def new(folder: Path, *arguments: str) -> dict[str, object]:
    done = run("new", *arguments, "-o", str(folder / "net.json"), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, object] = json.loads(done.stdout)
    return told


def test_a_network_is_written_with_its_tensors_beside_it(tmp_path: Path) -> None:
    told = new(tmp_path, "resnet20", "--seed", "7")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.json", "net.safetensors"]
    assert told["tensors"] == str(tmp_path / "net.safetensors")
    data = json.loads((tmp_path / "net.json").read_text(encoding="utf-8"))
    graph = nx.node_link_graph(data, edges="edges")
    assert (len(graph), graph.number_of_edges()) == (told["nodes"], told["edges"])
    tensors = load_file(tmp_path / "net.safetensors")
    assert tensors["conv1.weight"].shape == (16, 3, 3, 3)
    assert tensors["conv1.weight"].dtype == "float32"
    net = resdebug.load(tmp_path / "net.json")
    assert net.target == told["target"] == "loss"
    assert "seed 7" in net.description


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    made = []
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        (tmp_path / name).mkdir()
        new(tmp_path / name, "resnet20", "--seed", seed)
        made.append([(tmp_path / name / f).read_bytes() for f in ("net.json", "net.safetensors")])
    assert made[0] == made[1]
    assert made[0][1] != made[2][1]


def test_small_networks_need_one_file(tmp_path: Path) -> None:
    told = new(tmp_path, "random", "--nodes", "500")
    assert told["tensors"] is None
    assert told["nodes"] == 500
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]


def test_nothing_is_replaced_without_force(tmp_path: Path) -> None:
    new(tmp_path, "resnet20")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    refused = run("new", "resnet20", "--seed", "1", "-o", str(tmp_path / "net.json"))
    assert refused.returncode == 73
    assert "exists already" in refused.stderr
    (tmp_path / "net.json").unlink()
    refused = run("new", "resnet20", "--seed", "1", "-o", str(tmp_path / "net.json"))
    assert refused.returncode == 73, "the tensors are somebody's too"
    assert [p.name for p in tmp_path.iterdir()] == ["net.safetensors"]
    assert (tmp_path / "net.safetensors").read_bytes() == before["net.safetensors"]
    new(tmp_path, "resnet20", "--seed", "1", "--force")
    assert (tmp_path / "net.safetensors").read_bytes() != before["net.safetensors"]


def test_kinds_are_listed() -> None:
    listed = run("new").stdout
    for kind in ("resnet1202", "resnet152", "wide_resnet", "densenet121", "unet", "transformer", "random"):
        assert f"\n{kind} " in f"\n{listed}"
    rows = json.loads(run("new", "--json").stdout)
    assert {"kind", "about", "source", "options"} == set(rows[0])


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (["resnet21", "-o", "n.json"], 'no kind "resnet21"', "resnet"),
        (["resnet20"], "no output", "-o FILE"),
        (["resnet20", "--heads", "4", "-o", "n.json"], "resnet20 has no --heads", "it is for transformer"),
        (["resnet20", "--plain", "--rezero", "-o", "n.json"], "exclude each other", "choose one"),
        (["resnet20", "--preact", "--fixup", "-o", "n.json"], "exclude each other", "choose one"),
        (["resnet18", "--image-size", "8", "-o", "n.json"], "layer2.0.bn1", "--image-size"),
        (["unet", "--image-size", "100", "-o", "n.json"], "cannot be halved", "multiple of 16"),
        (["wide_resnet", "--depth", "20", "-o", "n.json"], "depth 20", "16, 22, 28"),
        (["transformer", "--heads", "7", "-o", "n.json"], "7 heads", "--heads"),
        (["random", "--nodes", "3", "-o", "n.json"], "3 nodes", "at least 4"),
        (["resnet20", "--batch", "0", "-o", "n.json"], "whole number from 1", "--help"),
        (["resnet20", "-o", "n.safetensors"], "JSON file", "n.json"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], said: str, hint: str, tmp_path: Path) -> None:
    done = run("new", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
