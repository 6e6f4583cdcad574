"""Good inputs of every kind but models."""

import io
from functools import cache
from hashlib import sha256
from pathlib import Path

from PIL import Image
from random_graphs import random_graph

_ROOT = Path(__file__).parents[2]

PROJECT = (
    b"""\
targets = ["nano-33-ble", "nucleo-l4r5zi"]
seed = 3
shrink = true
metric = "accuracy"

[model]
source = "model.keras"
name = "net"

[data]
source = "data.npz"
validation_fraction = 0.25
calibration_samples = 20
scale = 0.00392
offset = -0.5
labels = ["no", "yes"]

[train]
epochs = 3
batch_size = 8
learning_rate = 0.001
loss = "mse"

[prune]
sparsity = 0.5
epochs = 20
schedule = "constant"
layers = { dense = 0.25, "conv_*" = 0.75 }

[quantize]
method = "ptq"

[limits]
accuracy_drop = 0.05
flash = "128KiB"
ram = "16 KiB"
latency = "20ms"
""",
    (_ROOT / "examples" / "gestures" / "edgekit.toml").read_bytes(),
    (_ROOT / "examples" / "digits" / "edgekit.toml").read_bytes(),
)

TARGET = tuple(
    (_ROOT / "targets" / f"{name}.toml").read_bytes()
    for name in ("nucleo-l4r5zi", "esp32-s3", "pixel-4", "pico")
)

COST_MODEL = tuple(
    path.read_bytes() for path in sorted((_ROOT / "targets" / "cost-models").glob("*-*-*.toml"))[:4]
)

LINKER_MAP = (
    b"""\
Archive member included to satisfy reference by file (symbol)

Memory Configuration

Name             Origin             Length             Attributes
FLASH            0x08000000         0x00100000         xr
RAM              0x20000000         0x00020000         xrw
*default*        0x00000000         0xffffffff

Linker script and memory map

LOAD app.o

.text           0x0000000008000000      0x200
 *(.text .text.*)
 .text.main     0x0000000008000000      0x180 app.o
                0x0000000008000000                main
 .rodata.name.of.a.long.section_model
                0x0000000008000180       0x80 model_net.o

.data           0x0000000020000000       0x30 load address 0x0000000008000200
 .data.table    0x0000000020000000       0x30 app.o

.bss            0x0000000020000030      0x800
 .bss.arena     0x0000000020000030      0x800 app.o
                0x0000000020000030                net_arena

.debug_info     0x0000000000000000     0x5000
 .debug_info    0x0000000000000000     0x5000 app.o
OUTPUT(firmware.elf elf32-littlearm)
""",
)

_SERIAL = """\
boot: nothing of ours
@edgekit begin protocol=1 model=digits sha256={sha256} arena_bytes=640 clock=cycles \
ticks_per_second=64000000
@edgekit arena used_bytes=600
@edgekit selftest vectors=2 differences=1 crc32=00000001 expected_crc32=00000002
@edgekit difference vector=1 output=0 element=3 expected=-12 actual=-11
I (312) wifi: noise between the lines
@edgekit operator index=0 op=CONV_2D ticks=70
@edgekit operator index=1 op=SOFTMAX ticks=20
@edgekit total invocations=10 ticks=91 least_ticks=90 most_ticks=95 extra=1
@edgekit end status=ok
"""
SERIAL_LOG = (
    _SERIAL.format(sha256=sha256(random_graph(0)).hexdigest()).encode(),
    _SERIAL.format(sha256="ab").replace("cycles", "instructions").encode(),
)

MEASUREMENTS = (
    b"model,latency_ms\nnet.tflite,12.5\nnet.tflite,12.75\n",
    b'latency_ms,model,note\n1e-2,net.tflite,"a, b"\n',
)

BENCHMARK_LOG = (
    b"""\
STARTING!
The input model file size (MB): 0.312
count=9 first=60000 curr=50000 min=50000 max=60000 avg=51000 std=100

count=50 first=2990 curr=2913 min=2727 max=3189 avg=2950.34 std=109

Inference timings in us: Init: 17187, First inference: 3512, Warmup (avg): 3512.39, \
Inference (avg): 2950.34

Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
	[node type]	[first]	[avg ms]	[%]	[cdf%]	[mem KB]	[times called]	[Name]
	QUANTIZE	0.199	0.203	6.328%	6.328%	0.000	1	[q]:0
	Convolution (NHWC, QC8) IGEMM	0.428	0.700	93.672%	100.000%	0.000	4	D/C:1

============================== Top by Computation Time ==============================
""",
)


@cache
def pictures() -> tuple[bytes, ...]:
    """Return small pictures in each format and mode that a folder of images may hold."""
    made = []
    for form, modes in (("PNG", ("L", "P", "RGBA")), ("JPEG", ("L", "RGB")), ("BMP", ("RGB",))):
        for mode in modes:
            stream = io.BytesIO()
            Image.linear_gradient("L").resize((20, 16)).convert(mode).save(stream, form)
            made.append(stream.getvalue())
    return tuple(made)
