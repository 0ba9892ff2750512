"""The table of kinds: what ``resdebug new`` can make, which options each takes, where it was published.

It imports no architecture, so that listing the kinds takes no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from resdebug.errors import Fault, UsageError
from resdebug.generators.options import Options
from resdebug.text import did_you_mean, visible

if TYPE_CHECKING:
    from resdebug.generators.builder import Builder

COMMON: Final = ("seed", "batch", "dtype")
IMAGES: Final = ("image_size", "classes")
VARIANTS: Final = ("preact", "plain", "rezero", "fixup")


@dataclass(frozen=True)
class Kind:
    """A network that can be generated: ``make`` of ``module`` is called with the options and ``setting``."""

    name: str
    about: str
    source: str
    module: str
    options: tuple[str, ...] = IMAGES
    setting: int = 0


_HE = "He et al. 2015, arXiv 1512.03385"

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        *(
            Kind(
                f"resnet{depth}",
                f"ResNet-{depth} for 32×32 images, {(depth - 2) // 2} basic blocks, shortcuts without parameters",
                f"{_HE}, section 4.2", "cifar_resnet", IMAGES + VARIANTS, depth,
            )
            for depth in (20, 32, 44, 56, 110, 1202)
        ),
        *(
            Kind(
                f"resnet{depth}",
                f"ResNet-{depth} for 224×224 images, {'basic' if depth < 50 else 'bottleneck'} blocks",
                f"{_HE}, table 1", "imagenet_resnet", IMAGES + VARIANTS, depth,
            )
            for depth in (18, 34, 50, 101, 152)
        ),
        Kind("wide_resnet", "WRN-28-10 for 32×32 images (--depth, --width)",
             "Zagoruyko and Komodakis 2016, arXiv 1605.07146", "wide_resnet", (*IMAGES, "depth", "width")),
        Kind("resnext50", "ResNeXt-50 (32×4d): bottlenecks of 32 groups", "Xie et al. 2017, arXiv 1611.05431",
             "imagenet_resnet", IMAGES, 50032),
        Kind("se_resnet50", "SE-ResNet-50: every branch reweighs its channels", "Hu et al. 2018, arXiv 1709.01507",
             "imagenet_resnet", IMAGES, 50016),
        Kind("densenet121", "DenseNet-121: every layer sees all before it", "Huang et al. 2017, arXiv 1608.06993",
             "densenet"),
        Kind("mobilenetv2", "MobileNetV2: inverted residuals with depthwise convolutions",
             "Sandler et al. 2018, arXiv 1801.04381", "mobilenet"),
        Kind("convnext_tiny", "ConvNeXt-T: depthwise 7×7, layer norm, GELU, layer scale",
             "Liu et al. 2022, arXiv 2201.03545", "convnext"),
        Kind("unet", "U-Net: an encoder and a decoder with skips by concatenation (--depth, --width)",
             "Ronneberger et al. 2015, arXiv 1505.04597", "unet", (*IMAGES, "depth", "width")),
        Kind("highway", "highway network: gates choose between transform and carry (--blocks, --width)",
             "Srivastava et al. 2015, arXiv 1505.00387", "highway", ("blocks", "width", "classes")),
        Kind("transformer", "Transformer language model (--blocks, --width, --heads, --tokens, --norm pre|post|rms)",
             "Vaswani et al. 2017, arXiv 1706.03762", "transformer",
             ("blocks", "width", "heads", "tokens", "vocabulary", "norm")),
        Kind("rnn", "a recurrent network unrolled in time (--steps, --width)", "Elman 1990, Cognitive Science 14",
             "rnn", ("steps", "width", "vocabulary")),
        Kind("random", "a random scalar graph (--nodes)", "", "random_graph", ("nodes",)),
    )
}  # fmt: skip


def make(name: str, options: Options) -> Builder:
    """Return the network of kind ``name``. Raises UsageError for a kind or options that do not exist."""
    if name not in KINDS:
        what = f'there is no kind "{visible(name)}"'
        raise UsageError(Fault("U001", what, did_you_mean(name, KINDS) or "resdebug new lists them all"))
    kind = KINDS[name]
    check(kind, options)
    builder: Builder = import_module(f"resdebug.generators.{kind.module}").make(kind, options)
    return builder


def check(kind: Kind, options: Options) -> None:
    """Refuse options that the kind does not take, and variants that exclude each other. Raises UsageError."""
    for name in Options.__dataclass_fields__:
        if name not in (*COMMON, *kind.options) and getattr(options, name) not in (None, False):
            others = ", ".join(k.name for k in KINDS.values() if name in k.options)
            what = f"{kind.name} has no --{name.replace('_', '-')}"
            raise UsageError(Fault("U001", what, f"it is for {others}"))
    chosen = [f"--{name}" for name in ("plain", "rezero", "fixup") if getattr(options, name)]
    if len(chosen) > 1 or (options.preact and options.fixup):
        given = " and ".join(chosen if len(chosen) > 1 else ["--preact", "--fixup"])
        raise UsageError(Fault("U001", f"{given} exclude each other", "choose one of them"))
