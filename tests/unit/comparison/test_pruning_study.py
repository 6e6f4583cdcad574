"""Curves of sensitivity as text, JSON and a picture."""

import json
import xml.etree.ElementTree as ET

from edgekit.comparison.pruning_study import to_json, to_svg, to_text
from edgekit.numerics.sparsity_allocation import LayerCurve, SensitivityPoint
from edgekit.training.pruning.sensitivity import Sensitivity

FOUND = Sensitivity(
    metric="accuracy",
    score=0.98,
    samples=359,
    layers=tuple(
        LayerCurve(
            name=name,
            weights=weights,
            points=(
                SensitivityPoint(sparsity=0.0, loss=0.1, score=0.98),
                SensitivityPoint(sparsity=0.625, loss=0.9, score=score),
            ),
        )
        for name, weights, score in (("conv", 144, 0.5), ("a<b", 5120, 0.97))
    ),
)


def test_the_table_has_a_line_a_layer() -> None:
    title, header, *rows = to_text(FOUND).splitlines()
    assert "on 359 validation samples" in title
    assert header.split() == ["layer", "weights", "0%", "62.5%"]
    assert [row.split() for row in rows] == [
        ["conv", "144", "0.9800", "0.5000"],
        ["a<b", "5,120", "0.9800", "0.9700"],
    ]


def test_the_json_has_every_point() -> None:
    found = json.loads(json.dumps(to_json(FOUND)))
    assert found["layers"][1]["points"][1] == {"sparsity": 0.625, "loss": 0.9, "score": 0.97}


def test_the_picture_has_a_line_a_layer_and_stays_inside() -> None:
    root = ET.fromstring(to_svg(FOUND))
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for line in lines:
        places = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
        assert all(0 < x < width and 0 < y < height for x, y in places)
    # the first layer falls to the lowest value of all: the bottom of the axis, 40 above the edge
    assert lines[0].attrib["points"].split()[1].endswith(f",{height - 40:.1f}")
    texts = [item.text for item in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "a<b" in texts
