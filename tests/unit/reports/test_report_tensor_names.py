import pytest

from edgekit.reports.tensor_names import distinct, short_name

CALL = "PartitionedCall/PartitionedCall/PartitionedCall/sequential"
# Written by TensorFlow 2.21's converter for a quantization-aware convolution.
FUSED = (
    f"{CALL}/quant_re_lu/Relu;{CALL}/quant_batch_normalization/FusedBatchNormV3;"
    f"{CALL}/quant_conv2d/BiasAdd/ReadVariableOp/resource;{CALL}/quant_conv2d/BiasAdd"
)


@pytest.mark.parametrize(
    ("name", "is_bias", "short"),
    [
        (
            f"{CALL}/quant_conv2d/Conv2D;{CALL}/quant_conv2d/LastValueQuant/x",
            False,
            "conv2d/Conv2D",
        ),
        (FUSED, False, "re_lu/Relu"),
        (FUSED, True, "conv2d/BiasAdd"),
        ("serving_default_input:0", False, "serving_default_input:0"),
        ("functional_1/conv2d_1/convolution", False, "conv2d_1/convolution"),
        ("b", True, "b"),
        ("", False, ""),
        ("///", False, "///"),
    ],
)
def test_a_name_is_cut_to_the_layer_and_its_operation(
    name: str,
    is_bias: bool,
    short: str,
) -> None:
    assert short_name(name, is_bias=is_bias) == short


def test_a_short_name_that_two_tensors_share_is_given_to_neither() -> None:
    assert distinct([("a/x/w", "x/w"), ("b/x/w", "x/w"), ("b/y/w", "y/w")]) == {
        "a/x/w": "a/x/w",
        "b/x/w": "b/x/w",
        "b/y/w": "y/w",
    }
