"""Manifests made by hand: what a build would write, in every shape that a report must take."""

import copy
from collections.abc import Callable
from typing import Any

Manifest = dict[str, Any]


def quantity(
    value: float,
    unit: str,
    kind: str,
    source: str,
    band: tuple[float, float] | tuple[None, None] = (None, None),
) -> Manifest:
    low, high = band
    return {
        "value": value,
        "unit": unit,
        "kind": kind,
        "source": source,
        "low": low,
        "high": high,
    }


def finding(
    gate: str,
    *,
    passed: bool,
    message: str,
    value: Manifest | None = None,
    limit: float | None = None,
    target: str | None = None,
    hint: str | None = None,
) -> Manifest:
    return {
        "gate": gate,
        "passed": passed,
        "message": message,
        "value": value,
        "limit": limit,
        "target": target,
        "hint": hint,
    }


def target(
    name: str, *, flash: int, ram: int, latency_ms: float | None, fits: bool = True
) -> Manifest:
    code = quantity(
        77896, "B", "measured", "size of the KWS firmware's code, Cortex-M4, gcc 12.2 -O2"
    )
    flash_bytes = quantity(77896 + 22016, "B", "predicted", "model and code", (95000, 105000))
    arena = quantity(
        11264, "B", "predicted", "TFLite-Micro's planner with 32-bit structs", (11000, 11600)
    )
    return {
        "target": name,
        "runs": True,
        "fits": fits,
        "unsupported_operators": [],
        "arena_bytes": arena,
        "model_bytes": quantity(22016, "B", "host", "length of the model file"),
        "code_bytes": code,
        "flash_bytes": flash_bytes,
        "ram_bytes": quantity(15360, "B", "predicted", "arena and stacks", (15000, 16000)),
        "latency_ms": latency_ms
        and quantity(
            latency_ms,
            "ms",
            "predicted",
            "cycles per MAC of 18 rows of MLPerf Tiny, Cortex-M4, CMSIS-NN",
            (latency_ms * 0.8, latency_ms * 1.25),
        ),
        "operator_ms": []
        if latency_ms is None
        else [
            share * latency_ms for share in (0.125, 0.5, 0.0625, 0.25, 0.03125, 0.015625, 0.015625)
        ],
        "findings": [
            finding(
                "flash",
                passed=flash_bytes["value"] <= flash,
                message=f"flash on {name} is 97.6 KiB of {flash} bytes",
                value=flash_bytes,
                limit=flash,
                target=name,
                hint="shrink the model: edgekit shrink model.tflite --out smaller.tflite",
            ),
            finding(
                "ram",
                passed=arena["value"] <= ram,
                message=f"the arena on {name} is 11 KiB of {ram} bytes",
                value=arena,
                limit=ram,
                target=name,
                hint="take a smaller input or fewer channels in the first layers",
            ),
        ],
    }


def passing() -> Manifest:
    """A digits build: three convolutions and a dense layer, two targets, every part there."""
    operators = [
        ("CONV_2D", 9216, 160),
        ("CONV_2D", 294912, 4640),
        ("MAX_POOL_2D", 0, 0),
        ("CONV_2D", 147456, 9248),
        ("MEAN", 0, 0),
        ("FULLY_CONNECTED", 320, 330),
        ("SOFTMAX", 0, 0),
    ]
    decibels = [43.2, 31.5, 30.25, 30.25, 28.0, 27.5, 26.0]
    live = [1088, 3072, 2560, 1024, 544, 42, 20]
    tensors = [
        ("conv2d/Conv2D", "CONV_2D", 144, 0.75, (16, 3, 3, 1)),
        ("conv2d/bias", "CONV_2D", 64, 0.0, (16,)),
        ("conv2d_1/Conv2D", "CONV_2D", 4608, 0.75, (32, 3, 3, 16)),
        ("conv2d_1/bias", "CONV_2D", 128, 0.0, (32,)),
        ("conv2d_2/Conv2D", "CONV_2D", 9216, 0.7502, (32, 3, 3, 32)),
        ("conv2d_2/bias", "CONV_2D", 128, 0.0, (32,)),
        ("dense/MatMul", "FULLY_CONNECTED", 320, 0.75, (10, 32)),
        ("dense/bias", "FULLY_CONNECTED", 40, 0.1, (10,)),
    ]
    confusion = [[36 if row == column else 0 for column in range(10)] for row in range(10)]
    confusion[8][1], confusion[8][8] = 3, 33
    confusion[3][9], confusion[3][3] = 1, 35
    drop = finding(
        "accuracy_drop",
        passed=True,
        message="accuracy on tflite-micro is 0.9889, the float model's 0.9917: a loss of 0.0028",
        value=quantity(0.0028, "accuracy", "host", "tflite-micro on the validation set"),
        limit=0.01,
    )
    targets = [
        target("nucleo-l4r5zi", flash=2**21, ram=640 * 1024, latency_ms=14.2),
        target("nano-33-ble", flash=2**20, ram=256 * 1024, latency_ms=26.6),
    ]
    return {
        "schema": "edgekit.build/1",
        "name": "digits",
        "edgekit": "0.1.0",
        "passed": True,
        "seed": 0,
        "inputs": {
            "model": None,
            "code": "c0de" * 16,
            "targets": {"nucleo-l4r5zi": "aa" * 32},
            "threads": 4,
        },
        "stages": [
            {"name": "load", "notes": []},
            {"name": "prune", "notes": ["4 kernels, end step 112, every 2 steps"]},
            {"name": "quantize", "notes": []},
            {"name": "convert", "notes": []},
            {"name": "verify", "notes": []},
            {"name": "fit", "notes": []},
        ],
        "data": {
            "source": "data:digits",
            "sha256": "5a" * 32,
            "is_random": False,
            "train_samples": 1237,
            "calibration_samples": 200,
            "calibration_indices": [833, 12, 1402],
            "validation_samples": 360,
            "notes": ["no sample stands in two sets"],
        },
        "accuracy": {
            "metric": "accuracy",
            "float": 0.9917,
            "pruned": 0.9861,
            "int8": 0.9889,
            "drop": 0.0028,
            "samples": 360,
        },
        "sparsity": 0.7501,
        "layers": [
            {"name": "conv2d", "asked": 0.75, "reached": 0.75, "weights": 144},
            {"name": "conv2d_1", "asked": 0.75, "reached": 0.75, "weights": 4608},
            {"name": "conv2d_2", "asked": 0.75, "reached": 0.7502, "weights": 9216},
            {"name": "dense", "asked": 0.75, "reached": 0.75, "weights": 320},
        ],
        "model": {
            "bytes": 22016,
            "sha256": "c0ffee" * 10 + "c0ff",
            "macs": 451904,
            "parameters": 14378,
            "zero_weight_fraction": 0.7501,
            "fully_integer": True,
            "float_tensors": [],
            "operators": [
                {"index": index, "op": op, "macs": macs, "parameters": parameters}
                for index, (op, macs, parameters) in enumerate(operators)
            ],
            "inputs": [
                {
                    "name": "input",
                    "shape": [1, 8, 8, 1],
                    "dtype": "int8",
                    "scale": 0.003921,
                    "zero_point": -128,
                }
            ],
            "outputs": [
                {
                    "name": "probabilities",
                    "shape": [1, 10],
                    "dtype": "int8",
                    "scale": 0.00390625,
                    "zero_point": -128,
                }
            ],
        },
        "tensors": [
            {
                "name": name,
                "op": op,
                "bytes": size,
                "zero_fraction": zeros,
                "shape": list(shape),
                "dtype": "int32" if name.endswith("bias") else "int8",
            }
            for name, op, size, zeros, shape in tensors
        ],
        "verification": {
            "reference": {"metric": "accuracy", "value": 0.9917},
            "runtimes": [
                {
                    "runtime": "litert",
                    "metric": "accuracy",
                    "value": 0.9889,
                    "samples": 360,
                    "disagreements": 3,
                    "max_abs_diff": 0.1172,
                },
                {
                    "runtime": "tflite-micro",
                    "metric": "accuracy",
                    "value": 0.9889,
                    "samples": 360,
                    "disagreements": 3,
                    "max_abs_diff": 0.1172,
                },
            ],
            "passed": True,
        },
        "confusion": confusion,
        "labels": [],
        "shrink": {
            "before_bytes": 24576,
            "after_bytes": 22016,
            "passes": [
                {"name": "drop_names", "saved_bytes": 1500},
                {"name": "drop_metadata", "saved_bytes": 1060},
            ],
            "bit_exact": True,
            "vectors": 32,
        },
        "noise": [
            {"index": -1, "op": "INPUT", "sqnr_db": None},
            *(
                {"index": index, "op": op, "sqnr_db": sqnr_db}
                for index, ((op, _, _), sqnr_db) in enumerate(zip(operators, decibels, strict=True))
            ),
        ],
        "arena": {
            "peak_bytes": 3072,
            "peak_operator": 1,
            "operators": [
                {"index": index, "op": op, "live_bytes": live[index]}
                for index, (op, _, _) in enumerate(operators)
            ],
            "tensors": [
                {"name": "input", "first": 0, "last": 0, "offset": 1024, "bytes": 64},
                {"name": "conv2d/Relu", "first": 0, "last": 1, "offset": 0, "bytes": 1024},
                {"name": "conv2d_1/Relu", "first": 1, "last": 2, "offset": 1024, "bytes": 2048},
                {"name": "max_pooling2d", "first": 2, "last": 3, "offset": 0, "bytes": 512},
                {"name": "conv2d_2/Relu", "first": 3, "last": 4, "offset": 512, "bytes": 512},
                {"name": "mean", "first": 4, "last": 5, "offset": 0, "bytes": 32},
                {"name": "dense", "first": 5, "last": 6, "offset": 32, "bytes": 10},
                {"name": "probabilities", "first": 6, "last": 6, "offset": 0, "bytes": 10},
            ],
        },
        "targets": targets,
        "findings": [drop, *(item for fit in targets for item in fit["findings"])],
        "warnings": [],
        "files": [
            {"path": "model.tflite", "bytes": 22016, "sha256": "c0ffee" * 10 + "c0ff"},
            {"path": "firmware/digits.c", "bytes": 141230, "sha256": "ab" * 32},
            {"path": "firmware/digits.h", "bytes": 1204, "sha256": "cd" * 32},
        ],
        "versions": {"tensorflow": "2.21.0", "numpy": "2.4.1", "ai-edge-litert": "2.3.0"},
    }


def failing() -> Manifest:
    """The digits again: worse than asked, too large for one target and refused by another."""
    manifest = passing()
    small = target("tiny-board", flash=65536, ram=8192, latency_ms=None, fits=False)
    refused = {
        "target": "old-firmware",
        "runs": False,
        "fits": False,
        "unsupported_operators": [
            {"op": "TILE", "reason": "TFLite-Micro has no kernel for it"},
            {"op": "GELU", "reason": "TFLite-Micro has no kernel for it"},
        ],
        "findings": [
            finding(
                "operators",
                passed=False,
                message="old-firmware does not run TILE and GELU",
                target="old-firmware",
                hint="replace GELU by ReLU",
            )
        ],
    }
    manifest["passed"] = False
    manifest["accuracy"] |= {"int8": 0.9472, "drop": 0.0445}
    manifest["targets"] += [small, refused]
    manifest["findings"][0] |= {
        "passed": False,
        "message": "accuracy on tflite-micro is 0.9472, the float model's 0.9917: a loss of 0.0445",
        "hint": "train with quantization in mind: set quantize.method to 'qat'",
    }
    manifest["findings"][0]["value"]["value"] = 0.0445
    manifest["findings"] += small["findings"] + refused["findings"]
    manifest["verification"]["passed"] = False
    manifest["verification"]["runtimes"][1] |= {"value": 0.9472, "disagreements": 19}
    manifest["warnings"] = [
        "12 samples stand in both the training and the validation set",
        "layer 'attention' was left to post-training quantization: tfmot cannot take it",
    ]
    return manifest


def random_data() -> Manifest:
    """A build before any data exists: sizes and fit, nothing to be right about."""
    manifest = passing()
    manifest["data"] = {
        "source": "random",
        "is_random": True,
        "train_samples": 0,
        "calibration_samples": 200,
        "validation_samples": 32,
        "notes": [],
    }
    manifest |= {"accuracy": None, "confusion": None, "sparsity": None, "layers": []}
    manifest["warnings"] = ["the data are random: nothing here says how often the model is right"]
    manifest["verification"]["reference"] = None
    for runtime in manifest["verification"]["runtimes"]:
        runtime |= {"metric": None, "value": None, "disagreements": None}
    manifest["findings"] = manifest["findings"][1:]
    return manifest


def large() -> Manifest:
    """A network of 100 operators and 60 layers with 43 classes."""
    manifest = passing()
    operators = [
        {
            "index": index,
            "op": ("CONV_2D", "DEPTHWISE_CONV_2D", "ADD")[index % 3],
            "macs": (150_000 * (index % 7), 9_000, 0)[index % 3],
            "parameters": (2304, 288, 0)[index % 3],
        }
        for index in range(100)
    ]
    manifest["name"] = "mobilenet_v2_with_a_rather_long_name_for_a_traffic_sign_recogniser"
    manifest["model"] |= {"operators": operators, "bytes": 612_352, "macs": 7_490_000}
    manifest["tensors"] = [
        {
            "name": f"block_{index}_expand/Conv2D;block_{index}_expand_BN/FusedBatchNormV3",
            "op": ("CONV_2D", "DEPTHWISE_CONV_2D")[index % 2],
            "bytes": 400 + 700 * (index % 30),
            "zero_fraction": (index % 11) / 10,
            "shape": [64, 1, 1, 16],
            "dtype": "int8",
        }
        for index in range(60)
    ]
    manifest["layers"] = [
        {
            "name": f"block_{index}_expand/depthwise_separable_convolution",
            "asked": 0.8,
            "reached": 0.8 - (index % 5) / 20,
            "weights": 2304,
        }
        for index in range(60)
    ]
    manifest["arena"] = {
        "peak_bytes": 98_304,
        "peak_operator": 12,
        "operators": [
            {
                "index": item["index"],
                "op": item["op"],
                "live_bytes": 98_304 - 900 * abs(item["index"] - 12),
            }
            for item in operators
        ],
        "tensors": [
            {
                "name": f"activation_{index}",
                "first": index,
                "last": min(99, index + 1 + (index % 9 == 0) * 6),
                "offset": (index % 2) * 49_152,
                "bytes": 49_152 - 450 * abs(index - 12),
            }
            for index in range(100)
        ],
    }
    manifest["confusion"] = [
        [20 if row == column else int((row * 7 + column) % 41 == 0) for column in range(43)]
        for row in range(43)
    ]
    manifest["labels"] = [f"traffic sign {index}" for index in range(43)]
    return manifest


def hostile() -> Manifest:
    """Every name that a stranger's file can bring tries to be more than a name."""
    manifest = failing()
    script = "<script>alert(1)</script>"
    manifest["name"] = script
    manifest["labels"] = [f'"><img src=x onerror=alert({index})>' for index in range(10)]
    manifest["tensors"][0]["name"] = "\x1b[31mred\x1b[0m | `code` ](javascript:alert(1))" * 3
    manifest["tensors"][1]["name"] = "{{ 7 * 7 }} {% raw %}" + "x" * 5000
    manifest["layers"][0]["name"] = "a" * 300
    manifest["layers"][1]["name"] = "\u202egnp.exe\ud800\x00 ::error::owned"
    manifest["warnings"] = [script + "\n::error title=owned::pipe | row\n# heading @everyone"]
    manifest["findings"][0]["message"] = "]]> & <b>bold</b>\n::error::owned %0A | cell"
    manifest["findings"][0]["hint"] = "`rm -rf` | $(id) " + script
    manifest["targets"][0]["target"] = script
    manifest["files"][0]["path"] = "</table>|`x`"
    manifest["data"]["source"] = script
    manifest["stages"][0]["name"] = script
    manifest["stages"][0]["notes"] = [script]
    return manifest


def minimal() -> Manifest:
    """The least that a manifest can hold."""
    return {"schema": "edgekit.build/1", "name": "model", "passed": True}


ALL: dict[str, Callable[[], Manifest]] = {
    function.__name__: function
    for function in (passing, failing, random_data, large, hostile, minimal)
}


def changed(manifest: Manifest, **values: object) -> Manifest:
    """Return a deep copy with top-level keys replaced."""
    return copy.deepcopy(manifest) | values
