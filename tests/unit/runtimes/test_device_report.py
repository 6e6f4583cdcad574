import pytest

from edgekit.errors import ToolError
from edgekit.runtimes.device_report import parse

LINES = """\
boot: nothing of ours
@edgekit total invocations=1 ticks=9 least_ticks=9 most_ticks=9
@edgekit end status=ok
@edgekit begin protocol=1 model=digits sha256=ab arena_bytes=640 clock=cycles ticks_per_second=64
@edgekit arena used_bytes=600
@edgekit selftest vectors=2 differences=1 crc32=00000001 expected_crc32=00000002
@edgekit difference vector=1 output=0 element=3 expected=-12 actual=-11
I (312) wifi: noise between the lines
@edgekit operator index=0 op=CONV_2D ticks=70
@edgekit operator index=1 op=SOFTMAX ticks=20
@edgekit novelty answer=42
@edgekit total invocations=10 ticks=91 least_ticks=90 most_ticks=95 extra=1
@edgekit end status=failed
@edgekit begin protocol=1 model=again
""".splitlines()


def test_one_whole_report_among_noise() -> None:
    report = parse(LINES)
    assert report.model == "digits"
    assert (report.arena_bytes, report.arena_used_bytes) == (640, 600)
    assert (report.clock, report.ticks_per_second) == ("cycles", 64)
    assert [(item.op, item.ticks) for item in report.operators] == [
        ("CONV_2D", 70),
        ("SOFTMAX", 20),
    ]
    assert (report.ticks, report.least_ticks, report.most_ticks) == (91, 90, 95)
    assert report.selftest is not None
    assert report.selftest.first is not None
    assert report.selftest.first.expected == -12
    assert not report.passed


def test_a_record_without_a_kind_is_noise() -> None:
    assert parse([*LINES[3:6], "@edgekit  ", *LINES[6:]]) == parse(LINES)


def without(*kinds: str) -> list[str]:
    return [
        line for line in LINES[3:13] if not line.startswith(tuple(f"@edgekit {k}" for k in kinds))
    ]


def test_firmware_without_vectors_has_no_selftest() -> None:
    assert parse(without("selftest", "difference")).selftest is None


def test_the_crc_alone_fails_a_selftest() -> None:
    lines = [line.replace("differences=1", "differences=0") for line in without("difference")]
    selftest = parse(lines).selftest
    assert selftest is not None
    assert not selftest.passed


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "no whole report"),
        (LINES[:3], "no whole report"),
        (LINES[3:12], "no whole report"),
        ([line.replace("ticks=70", "ticks=7x") for line in LINES], "garbled"),
        (without("total"), "garbled"),
        ([line.replace("clock=cycles", "clock=sundial") for line in LINES], "garbled"),
        ([line.replace("protocol=1", "protocol=2") for line in LINES], "protocol 2, not 1"),
        (
            [LINES[3], "@edgekit error stage=allocate", "@edgekit end status=failed"],
            "do not fit into the arena",
        ),
    ],
)
def test_reports_that_are_none(lines: list[str], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        parse(lines)
