"""Generated networks have the parameters and the shape that their papers give them."""

from __future__ import annotations

import numpy as np
import pytest

import resdebug
from resdebug.errors import UsageError
from resdebug.generators.builder import Builder
from resdebug.generators.kinds import KINDS, make
from resdebug.generators.options import Options
from resdebug.network.building import build
from resdebug.network.model import Network
from resdebug.ops import CATALOGUE


def made(kind: str, **options: object) -> Builder:
    return make(kind, Options(**options))  # type: ignore[arg-type]


def network(builder: Builder) -> Network:
    return build(builder.document, CATALOGUE, limit=1 << 62)


# He et al. 2015, table 6, give 0.27, 0.46, 0.66, 0.85, 1.7 and 19.4 million for CIFAR; for ImageNet the counts are
# those that PyTorch's models publish. ResNet-20 by hand: convolutions 432 + 6·2304 + (4608 + 5·9216) +
# (18432 + 5·36864) = 267 696, batch norms 2·(7·16 + 6·32 + 6·64) = 1376, the classifier 650: 269 722.
COUNTS = {
    "resnet20": 269_722, "resnet32": 0.46e6, "resnet44": 0.66e6, "resnet56": 0.85e6, "resnet110": 1.7e6,
    "resnet1202": 19.4e6, "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032,
    "resnet101": 44_549_160, "resnet152": 60_192_808, "wide_resnet": 36.5e6, "resnext50": 25_028_904,
    "se_resnet50": 28.1e6, "densenet121": 7_978_856, "mobilenetv2": 3_504_872, "convnext_tiny": 28_589_128,
    "unet": 31.03e6,
}  # fmt: skip


@pytest.mark.parametrize("kind", COUNTS)
def test_parameter_counts_are_those_of_the_papers(kind: str) -> None:
    found, published = made(kind).parameter_count, COUNTS[kind]
    if isinstance(published, int):
        assert found == published
    else:
        assert found == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_passes_every_shape_rule_at_its_own_size(kind: str) -> None:
    net = network(made(kind))
    assert net.warnings == ()
    assert net.target == "loss"
    assert net.dtype == "float32"
    assert all(node.name for node in net.nodes)


@pytest.mark.parametrize(
    ("kind", "op", "count"),
    [
        # Layers with weights: 6n + 2 in all, the last one fully connected.
        ("resnet20", "conv2d", 19), ("resnet110", "conv2d", 109), ("resnet1202", "conv2d", 1201),
        ("resnet20", "add", 9), ("resnet110", "add", 54),
        # 20 convolutions and 3 projections; 8 blocks. 1 + 16·3 + 4; 16 blocks.
        ("resnet18", "conv2d", 20), ("resnet18", "add", 8), ("resnet50", "conv2d", 53), ("resnet50", "add", 16),
        ("densenet121", "conv2d", 120), ("densenet121", "concat", 58), ("mobilenetv2", "add", 10),
        ("convnext_tiny", "add", 18), ("unet", "concat", 4), ("highway", "sigmoid", 20),
        ("transformer", "softmax", 6), ("rnn", "tanh", 16),
    ],
)  # fmt: skip
def test_networks_have_the_layers_they_should(kind: str, op: str, count: int) -> None:
    assert sum(node["op"] == op for node in made(kind).nodes) == count


def test_plain_has_the_same_layers_and_no_skips() -> None:
    residual, plain = made("resnet20"), made("resnet20", plain=True)
    assert plain.parameter_count == residual.parameter_count
    assert not [n for n in plain.nodes if n["op"] == "add"]
    assert made("resnet50", plain=True).parameter_count < made("resnet50").parameter_count, "without projections"


def test_rezero_starts_as_the_identity() -> None:
    net = network(made("resnet20", rezero=True, dtype="float64", image_size=8))
    pass_ = resdebug.differentiate(net)
    # α = 0: the branch adds nothing, and relu of what a relu gave is itself.
    after, before = pass_.value("layer1.0.relu_out"), pass_.value("relu")
    assert after is not None
    assert before is not None
    assert np.array_equal(after, before)
    assert sum(node.name.endswith("alpha") for node in net.nodes) == 9
    # So the weights inside get nothing yet, and α itself does.
    assert not np.any(pass_.adjoint("layer1.0.conv1.weight"))
    assert np.any(pass_.adjoint("layer1.0.alpha"))


def test_fixup_sends_nothing_below_the_classifier_at_the_start() -> None:
    pass_ = resdebug.differentiate(network(made("resnet20", fixup=True, dtype="float64", image_size=8)))
    assert np.any(pass_.adjoint("fc.weight"))
    assert not np.any(pass_.adjoint("conv1.weight"))
    assert not [n for n in pass_.network.nodes if n.op == "batch_norm"]


def test_fixup_branches_start_smaller_by_the_paper_s_rule() -> None:
    # L^(−1/(2m − 2)) with L = 9 blocks of m = 2 layers: a third of He's √(2 / (16·9)).
    (weight,) = [n for n in made("resnet20", fixup=True).nodes if n["id"] == "layer1.0.conv1.weight"]
    assert weight["value"]["std"] == pytest.approx((2 / 144) ** 0.5 / 3, rel=1e-12)
    (last,) = [n for n in made("resnet20", fixup=True).nodes if n["id"] == "layer1.0.conv2.weight"]
    assert last["value"]["init"] == "zeros"


@pytest.mark.parametrize("count", [4, 5, 10, 11, 999, 1000])
def test_a_random_graph_has_the_size_that_was_asked_and_no_idle_part(count: int) -> None:
    for seed in range(5):
        net = network(made("random", nodes=count, seed=seed))
        assert len(net.nodes) == count
        assert net.warnings == ()
        assert net.target == "loss"
        consumed = {edge.source for edge in net.edges}
        assert {n.name for n in net.nodes} - consumed == {"loss"}


def test_random_graphs_stay_finite_and_fork() -> None:
    net = network(made("random", nodes=5000, dtype="float64"))
    pass_ = resdebug.differentiate(net)
    assert all(np.isfinite(np.asarray(pass_.value(node.name))).all() for node in net.nodes)
    assert sum(len(edges) > 1 for edges in net.consumers) > 500


def test_labels_and_tokens_are_in_range() -> None:
    for kind, name, below in (("resnet20", "labels", 10), ("transformer", "tokens", 1000)):
        (node,) = [n for n in made(kind, batch=50).nodes if n["id"] == name]
        assert 0 <= min(node["value"]) <= max(node["value"]) < below
        assert len(set(node["value"])) > 5


def test_blocks_are_named() -> None:
    net = network(made("resnet18"))
    assert {n.block for n in net.nodes} == {"", *(f"layer{i}.{j}" for i in range(1, 5) for j in range(2))}


def test_no_option_is_ignored_in_silence() -> None:
    for kind, option in (("resnet20", "width"), ("unet", "plain"), ("random", "classes"), ("rnn", "norm")):
        with pytest.raises(UsageError, match=f"{kind} has no --{option}"):
            made(kind, **{option: "pre" if option == "norm" else 3})


def test_the_python_face_generates_too() -> None:
    net = resdebug.generate("resnet20", seed=3, image_size=8, dtype="float64")
    assert len(net.nodes) == len(made("resnet20").nodes)
    assert net.dtype == "float64"
    assert resdebug.generate("random", nodes=10).dtype == "float64"
    with pytest.raises(UsageError, match=r'no setting "sead".*\n.*did you mean "seed"'):
        resdebug.generate("resnet20", sead=3)
    with pytest.raises(UsageError, match=r"layer2\.0\.bn1"):
        resdebug.generate("resnet18", image_size=8)
