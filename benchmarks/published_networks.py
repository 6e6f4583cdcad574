"""The work of published architectures, by arithmetic: for rows whose model files are not at hand.

    python benchmarks/published_networks.py     prints the multiply-accumulates of each, in millions

Each function builds one family from its paper's table and counts what
`edgekit.fit.latency.cost.work` counts in a file. tests/integration/test_latency_table.py holds the
counts to those that the rows' sources publish. Batch normalization and ReLU are folded into the
layers before them, as converters do; a layer over Keras' own inputs and outputs (rescaling,
dequantization) is left out.
"""

import csv
import re
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.devices.profile import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

KERAS = Path(__file__).parent / "keras_networks.csv"


@dataclass(kw_only=True, slots=True)
class Network:
    """A network while it is built: the shape that it has come to, and its work so far."""

    height: int
    width: int
    channels: int = 3
    work: dict[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))
    operators: set[str] = field(default_factory=set)

    @property
    def macs(self) -> float:
        """Multiply-accumulates of all kinds."""
        return sum(self.work[kind] for kind in KINDS[:4])

    def conv(
        self, filters: int, size: int | tuple[int, int] = 1, *, stride: int = 1, valid: bool = False
    ) -> "Network":
        """Add a convolution; ``size`` is its height and width."""
        height, width = (size, size) if isinstance(size, int) else size
        self._slide(height, width, stride, valid=valid)
        pointwise = height == width == 1
        macs = self.height * self.width * self.channels * filters * height * width
        self.work["pointwise" if pointwise else "convolution"] += macs
        self.channels = filters
        return self.plain("CONV_2D 1x1" if pointwise else "CONV_2D")

    def depthwise(self, size: int = 3, *, stride: int = 1) -> "Network":
        """Add a depthwise convolution of one filter a channel."""
        self._slide(size, size, stride)
        self.work["depthwise"] += self.height * self.width * self.channels * size * size
        return self.plain("DEPTHWISE_CONV_2D")

    def dense(self, units: int) -> "Network":
        """Add a fully connected layer over all that there is."""
        self.work["fully_connected"] += self.height * self.width * self.channels * units
        self.height, self.width, self.channels = 1, 1, units
        return self.plain("FULLY_CONNECTED")

    def pool(
        self, size: int, *, stride: int, valid: bool = False, average: bool = False
    ) -> "Network":
        """Add a pooling layer."""
        self._slide(size, size, stride, valid=valid)
        return self.plain("AVERAGE_POOL_2D" if average else "MAX_POOL_2D")

    def mean(self, op: str = "MEAN") -> "Network":
        """Add an average over the whole image."""
        self.height = self.width = 1
        return self.plain(op)

    def plain(self, op: str) -> "Network":
        """Add an operator that keeps the shape."""
        self.work["output_element"] += self.height * self.width * self.channels
        self.work["call"] += 1
        self.operators.add(op)
        return self

    def beside(self, *branches: "Callable[[Network], Network]") -> "Network":
        """Add branches that start from here; their channels lie side by side."""
        ends = [branch(Network(height=self.height, width=self.width, channels=self.channels))
                for branch in branches]  # fmt: skip
        for end in ends:
            self._take(end)
        self.height, self.width = ends[0].height, ends[0].width
        self.channels = sum(end.channels for end in ends)
        return self.plain("CONCATENATION")

    def shortcut(self, branch: "Callable[[Network], Network]") -> "Network":
        """Add a branch that starts from here and is added later: its work alone."""
        self._take(branch(Network(height=self.height, width=self.width, channels=self.channels)))
        return self

    def padded(self, rows: int) -> "Network":
        """Widen the image by ``rows`` on each side; converters fold such padding in."""
        self.height += 2 * rows
        self.width += 2 * rows
        return self

    def _take(self, other: "Network") -> None:
        for kind in KINDS:
            self.work[kind] += other.work[kind]
        self.operators |= other.operators

    def _slide(self, height: int, width: int, stride: int, *, valid: bool = False) -> None:
        if valid:
            self.height = (self.height - height) // stride + 1
            self.width = (self.width - width) // stride + 1
        else:
            self.height, self.width = ceil(self.height / stride), ceil(self.width / stride)


def image(size: int, channels: int = 3) -> Network:
    """Return a network that has only its square input."""
    return Network(height=size, width=size, channels=channels)


def eights(channels: float) -> int:
    """Return ``channels`` as a multiple of eight, at most a tenth less."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def classified(net: Network, classes: int, *, slim: bool) -> Network:
    """Add the head of TF-Slim, a 1 x 1 convolution, or of the STM32 model zoo."""
    if slim:
        return net.mean("AVERAGE_POOL_2D").conv(classes).plain("RESHAPE").plain("SOFTMAX")
    return net.mean().dense(classes).plain("SOFTMAX")


def mobilenet_v1(
    alpha: float, size: int, *, channels: int = 3, classes: int = 1001, slim: bool = True
) -> Network:
    """Howard et al., arXiv 1704.04861, table 1."""
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *5 * [(512, 1)]]
    net = image(size, channels).conv(max(8, int(32 * alpha)), 3, stride=2)
    for filters, stride in [*blocks, (1024, 2), (1024, 1)]:
        net.depthwise(stride=stride).conv(max(8, int(filters * alpha)))
    return classified(net, classes, slim=slim)


def mobilenet_v2(alpha: float, size: int, *, classes: int = 1001, slim: bool = True) -> Network:
    """Sandler et al., arXiv 1801.04381, table 2."""
    net = image(size).conv(eights(32 * alpha), 3, stride=2)
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
              (6, 160, 3, 2), (6, 320, 1, 1)]  # fmt: skip
    for expansion, filters, repeats, stride in stages:
        for index in range(repeats):
            inverted(net, expansion * net.channels, eights(filters * alpha), 3,
                     stride if index == 0 else 1)  # fmt: skip
    return classified(net.conv(eights(1280 * max(1, alpha))), classes, slim=slim)


def inverted(
    net: Network, wide: int, filters: int, size: int, stride: int,
    *, squeeze: bool = False, swish: bool = False,
) -> Network:  # fmt: skip
    """Add an inverted bottleneck, of the MobileNets from the second on."""
    before, added = net.channels, stride == 1 and net.channels == filters
    if wide != before:
        activated(net.conv(wide), swish=swish)
    activated(net.depthwise(size, stride=stride), swish=swish)
    if squeeze:
        small = eights(wide / 4)
        net.shortcut(lambda at: at.mean().conv(small).conv(wide).plain("HARD_SWISH")).plain("MUL")
    net.conv(filters)
    return net.plain("ADD") if added else net


def activated(net: Network, *, swish: bool) -> Network:
    """Add the activation that is an operator of its own; ReLU is not."""
    return net.plain("HARD_SWISH") if swish else net


V3_LARGE = (
    (3, 16, 16, False, False, 1), (3, 64, 24, False, False, 2), (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2), (5, 120, 40, True, False, 1), (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2), (3, 200, 80, False, True, 1), (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1), (3, 480, 112, True, True, 1), (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2), (5, 960, 160, True, True, 1), (5, 960, 160, True, True, 1),
)  # fmt: skip
V3_SMALL = (
    (3, 16, 16, True, False, 2), (3, 72, 24, False, False, 2), (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2), (5, 240, 40, True, True, 1), (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1), (5, 144, 48, True, True, 1), (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1), (5, 576, 96, True, True, 1),
)  # fmt: skip


def mobilenet_v3(name: str, alpha: float, *, minimalistic: bool = False) -> Network:
    """Howard et al., arXiv 1905.02244, tables 1 and 2, at 224 x 224; minimalistic: TF-Slim's."""
    blocks, head = (V3_LARGE, 1280) if name == "large" else (V3_SMALL, 1024)
    net = activated(image(224).conv(16, 3, stride=2), swish=not minimalistic)
    before = 16  # in the table, which gives widths for alpha = 1
    for size, wide, filters, squeeze, swish, stride in blocks:
        inverted(
            net,
            eights(net.channels * wide / before),
            eights(alpha * filters),
            3 if minimalistic else size,
            stride,
            squeeze=squeeze and not minimalistic,
            swish=swish and not minimalistic,
        )
        before = filters
    last = 960 if name == "large" else 576
    activated(net.conv(eights(alpha * last)), swish=not minimalistic).mean("AVERAGE_POOL_2D")
    activated(net.conv(head), swish=not minimalistic)
    return net.conv(1001).plain("RESHAPE").plain("SOFTMAX")


def efficientnet_lite(level: int) -> Network:
    """tensorflow/tpu, efficientnet/lite: EfficientNet without squeezing, ends not widened."""
    width, depth, size = ((1, 1, 224), (1, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280),
                          (1.4, 1.8, 300))[level]  # fmt: skip
    net = image(size).conv(32, 3, stride=2)
    stages = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
              (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]  # fmt: skip
    for index, (repeats, kernel, stride, expansion, filters) in enumerate(stages):
        fixed = index in (0, len(stages) - 1)
        for turn in range(repeats if fixed else ceil(depth * repeats)):
            inverted(net, expansion * net.channels, eights(width * filters), kernel,
                     stride if turn == 0 else 1)  # fmt: skip
    return net.conv(1280).mean().dense(1000).plain("SOFTMAX")


def squeezenet_1_1(size: int, classes: int) -> Network:
    """Iandola et al., github.com/forresti/SqueezeNet, SqueezeNet_v1.1, as the STM32 model zoo's."""
    net = image(size).conv(64, 3, stride=2, valid=True).pool(3, stride=2, valid=True)
    for squeezed, expanded, pooled in (
        (16, 64, False), (16, 64, True), (32, 128, False), (32, 128, True),
        (48, 192, False), (48, 192, False), (64, 256, False), (64, 256, False),
    ):  # fmt: skip
        net.conv(squeezed)
        net.beside(lambda at, n=expanded: at.conv(n), lambda at, n=expanded: at.conv(n, 3))  # type: ignore[misc]
        if pooled:
            net.pool(3, stride=2, valid=True)
    return net.conv(classes).mean().plain("SOFTMAX")


def resnet_v1(blocks: int, classes: int) -> Network:
    """He et al., arXiv 1512.03385, section 4.2, of 32 x 32; MLPerf Tiny's has one block a stage."""
    net = image(32).conv(16, 3)
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            if stride > 1:
                net.shortcut(lambda at, n=filters: at.conv(n, stride=2))  # type: ignore[misc]
            net.conv(filters, 3, stride=stride).conv(filters, 3).plain("ADD")
    return net.mean("AVERAGE_POOL_2D").plain("RESHAPE").dense(classes).plain("SOFTMAX")


def miniresnet(stacks: int, *, form: str) -> Network:
    """STM32 model zoo, of 64 x 50: version 2, version 1 as of 2023, and as of 2024 (``"tl"``)."""
    net = Network(height=64, width=50, channels=1).padded(3).conv(64, 7, stride=2, valid=True)
    net.padded(1).pool(3, stride=2, valid=True)
    for stack in range(stacks):
        filters = 64 * 2**stack
        for block in range(2):
            strided = block == (0 if form == "tl" else 1)
            if block == 0 or (form == "v1" and strided):
                net.shortcut(lambda at, n=filters, s=strided: at.conv(n, stride=1 + s))  # type: ignore[misc]
            first, second = (1, 1 + strided) if form == "v2" else (1 + strided, 1)
            net.conv(filters, stride=first).conv(filters, 3, stride=second).plain("ADD")
    return net.plain("RESHAPE").dense(10).plain("SOFTMAX")


def yamnet_256() -> Network:
    """STM32 model zoo: the first six blocks of YAMNet, which is MobileNet V1 over 64 x 96."""
    net = Network(height=64, width=96, channels=1).conv(32, 3, stride=2)
    for filters, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        net.depthwise(stride=stride).conv(filters)
    return net.mean().dense(10).plain("SOFTMAX")


def stmnist() -> Network:
    """STM32 model zoo: ST MNIST, 36 classes."""
    net = image(28, 1).conv(16, 3, stride=2).depthwise().conv(32, 3).depthwise(stride=2).conv(64)
    return net.mean().dense(36).plain("SOFTMAX")


def inception_v1() -> Network:
    """Szegedy et al., arXiv 1409.4842, table 1, with TF-Slim's 3 x 3 in place of 5 x 5."""
    net = image(224).conv(64, 7, stride=2).pool(3, stride=2).conv(64).conv(192, 3).pool(3, stride=2)
    for a, b, c, d, e, f, pooled in (
        (64, 96, 128, 16, 32, 32, 0), (128, 128, 192, 32, 96, 64, 3), (192, 96, 208, 16, 48, 64, 0),
        (160, 112, 224, 24, 64, 64, 0), (128, 128, 256, 24, 64, 64, 0),
        (112, 144, 288, 32, 64, 64, 0), (256, 160, 320, 32, 128, 128, 2),
        (256, 160, 320, 32, 128, 128, 0), (384, 192, 384, 48, 128, 128, 0),
    ):  # fmt: skip
        net.beside(
            lambda at, a=a: at.conv(a),  # type: ignore[misc]
            lambda at, b=b, c=c: at.conv(b).conv(c, 3),  # type: ignore[misc]
            lambda at, d=d, e=e: at.conv(d).conv(e, 3),  # type: ignore[misc]
            lambda at, f=f: at.pool(3, stride=1).conv(f),  # type: ignore[misc]
        )
        if pooled:
            net.pool(pooled, stride=2)
    return classified(net, 1001, slim=True)


def inception_v4() -> Network:
    """Szegedy et al., arXiv 1602.07261, figures 3 to 9, of 299 x 299."""
    net = image(299).conv(32, 3, stride=2, valid=True).conv(32, 3, valid=True).conv(64, 3)
    net.beside(
        lambda at: at.pool(3, stride=2, valid=True),
        lambda at: at.conv(96, 3, stride=2, valid=True),
    )
    net.beside(
        lambda at: at.conv(64).conv(96, 3, valid=True),
        lambda at: at.conv(64).conv(64, (1, 7)).conv(64, (7, 1)).conv(96, 3, valid=True),
    )
    net.beside(
        lambda at: at.conv(192, 3, stride=2, valid=True),
        lambda at: at.pool(3, stride=2, valid=True),
    )
    for _ in range(4):
        net.beside(
            lambda at: at.conv(96),
            lambda at: at.conv(64).conv(96, 3),
            lambda at: at.conv(64).conv(96, 3).conv(96, 3),
            lambda at: at.pool(3, stride=1, average=True).conv(96),
        )
    net.beside(
        lambda at: at.conv(384, 3, stride=2, valid=True),
        lambda at: at.conv(192).conv(224, 3).conv(256, 3, stride=2, valid=True),
        lambda at: at.pool(3, stride=2, valid=True),
    )
    for _ in range(7):
        net.beside(
            lambda at: at.conv(384),
            lambda at: at.conv(192).conv(224, (1, 7)).conv(256, (7, 1)),
            lambda at: (
                at.conv(192).conv(192, (7, 1)).conv(224, (1, 7)).conv(224, (7, 1)).conv(256, (1, 7))
            ),
            lambda at: at.pool(3, stride=1, average=True).conv(128),
        )
    net.beside(
        lambda at: at.conv(192).conv(192, 3, stride=2, valid=True),
        lambda at: (
            at.conv(256).conv(256, (1, 7)).conv(320, (7, 1)).conv(320, 3, stride=2, valid=True)
        ),
        lambda at: at.pool(3, stride=2, valid=True),
    )
    for _ in range(3):
        net.beside(
            lambda at: at.conv(256),
            lambda at: both_ways(at.conv(384)),
            lambda at: both_ways(at.conv(384).conv(448, (3, 1)).conv(512, (1, 3))),
            lambda at: at.pool(3, stride=1, average=True).conv(256),
        )
    return net.mean("AVERAGE_POOL_2D").plain("RESHAPE").dense(1001).plain("SOFTMAX")


def both_ways(net: Network) -> Network:
    """Add a 1 x 3 and a 3 x 1 convolution side by side."""
    return net.beside(lambda at: at.conv(256, (1, 3)), lambda at: at.conv(256, (3, 1)))


def kernel(op: str, macs: float, outputs: float) -> Network:
    """Return one operator of a library measured alone."""
    net = Network(height=1, width=1, channels=int(outputs)).plain(op)
    kind = {"CONV_2D": "convolution", "CONV_2D 1x1": "pointwise", "DEPTHWISE_CONV_2D": "depthwise",
            "FULLY_CONNECTED": "fully_connected"}[op]  # fmt: skip
    net.work[kind] = macs
    return net


def from_keras(name: str) -> Network:
    """Return a network of `KERAS`, which benchmarks/keras_networks.py counts."""
    with KERAS.open(encoding="utf-8") as stream:
        row = next(row for row in csv.DictReader(stream) if row["network"] == name)
    work = {kind: float(row[kind]) for kind in KINDS}
    net = Network(height=1, width=1, work=work)
    net.operators.update(row["operators"].split("; "))
    return net


_ZOO = {"classes": 5, "slim": False}
"""Form: a pattern that the whole name of a row's model matches, and what it is."""
_FORMS: tuple[tuple[str, "Callable[..., Network]"], ...] = (
    (r"MobileNet_V1_([\d.]+)_(\d+)(?:_quant)?",
     lambda alpha, size: mobilenet_v1(float(alpha), int(size))),
    (r"MobileNet_V2_1.0_224_quant", lambda: mobilenet_v2(1, 224)),
    (r"mobilenet_v2_([\d.]+)_(\d+)", lambda alpha, size: mobilenet_v2(float(alpha), int(size))),
    (r"mobilenet_v3_(large|small)_(?:([\d.]+)|minimalistic)_224",
     lambda name, alpha: mobilenet_v3(name, float(alpha or 1), minimalistic=alpha is None)),
    (r"efficientnet-lite(\d)", lambda level: efficientnet_lite(int(level))),
    (r"mobilenet_v1_([\d.]+)_(\d+)_(?:int8|fft flowers)",
     lambda alpha, size: mobilenet_v1(float(alpha), int(size), **_ZOO)),
    (r"mobilenet_v1_0.25_96_grayscale_(?:int8|tfs flowers)",
     lambda: mobilenet_v1(0.25, 96, channels=1, **_ZOO)),
    (r"mobilenet_v1_([\d.]+)_224 imagenet",
     lambda alpha: mobilenet_v1(float(alpha), 224, classes=1000, slim=False)),
    (r"mobilenet_v2_0.35_(\d+)_int8", lambda size: mobilenet_v2(0.35, int(size), **_ZOO)),
    (r"squeezenet_v1.1_(\d+)_int8", lambda size: squeezenet_1_1(int(size), 5)),
    (r"resnet_v1_8_32_int8", lambda: resnet_v1(1, 10)),
    (r"resnet_v1_32_32(?:_tfs)?_int8", lambda: resnet_v1(5, 100)),
    (r"miniresnetv2_(\d)stacks_64x50(?:_tl)?_int8", lambda n: miniresnet(int(n), form="v2")),
    (r"miniresnet_(\d)stacks_64x50_int8", lambda n: miniresnet(int(n), form="v1")),
    (r"miniresnet_(\d)stacks_64x50_tl_int8", lambda n: miniresnet(int(n), form="tl")),
    (r"yamnet_256_64x96(?:_tl)?_int8", yamnet_256),
    (r"stmnist_v1_int8", stmnist),
    (r"Inception_V1_quant", inception_v1),
    (r"Inception_V4(?:_quant)?", inception_v4),
    (r"Inception_V3(?:_quant)?", lambda: from_keras("InceptionV3")),
    (r"Inception_ResNet_V2", lambda: from_keras("InceptionResNetV2")),
    (r"NASNet mobile", lambda: from_keras("NASNetMobile")),
    (r"ResNet_V2_101", lambda: from_keras("ResNet101V2")),
    (r"MobileNetV3-Small 224", lambda: mobilenet_v3("small", 1)),
    # The kernels that esp-nn's README measured alone.
    (r"KERNEL conv 1x1 64->64 on 10x10", lambda: kernel("CONV_2D 1x1", 409_600, 6400)),
    (r"KERNEL conv 1x1 16->16 on 8x8", lambda: kernel("CONV_2D 1x1", 16_384, 1024)),
    (r"KERNEL conv 3x3 3->64 on 8x8 valid", lambda: kernel("CONV_2D", 62_208, 2304)),
    (r"KERNEL conv 3x3 3->64 on 10x10 valid", lambda: kernel("CONV_2D", 110_592, 4096)),
    (r"KERNEL dwconv 3x3x16 on 16x16 valid", lambda: kernel("DEPTHWISE_CONV_2D", 28_224, 3136)),
    (r"KERNEL dwconv 3x3x16 on 18x18 valid", lambda: kernel("DEPTHWISE_CONV_2D", 36_864, 4096)),
    (r"KERNEL dwconv 5x5 4ch mult 8 on 12x12", lambda: kernel("DEPTHWISE_CONV_2D", 115_200, 4608)),
    (r"KERNEL fully connected 271->3", lambda: kernel("FULLY_CONNECTED", 813, 3)),
)  # fmt: skip


def published(name: str) -> Network | None:
    """Return the network that a row calls ``name``; None where nobody says what it is."""
    for pattern, build in _FORMS:
        match = re.fullmatch(pattern, name)
        if match:
            return build(*match.groups())
    return None


if __name__ == "__main__":
    for family in (
        mobilenet_v1(1, 224), mobilenet_v2(1, 224), mobilenet_v3("large", 1),
        mobilenet_v3("small", 1), *map(efficientnet_lite, range(5)), inception_v1(), inception_v4(),
    ):  # fmt: skip
        print(f"{family.macs / 1e6:10.1f}", " ".join(sorted(family.operators)))
