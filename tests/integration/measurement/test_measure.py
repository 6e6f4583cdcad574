"""Boards are pseudo-terminals that play reports; the phone is a program called adb on PATH."""

import csv
import hashlib
import json
import sys
import time
from pathlib import Path

import pytest
from graphs import GraphBuilder
from hypothesis import given, settings
from hypothesis import strategies as st
from serial_board import board

from edgekit.cli import run
from edgekit.errors import EdgekitError, InputError, MissingDependencyError, ToolError, UsageError
from edgekit.fit.latency.measurements import read_measurements
from edgekit.measurement.measure import append_measurement, bench, to_json

BOARD = "nucleo-l4r5zi"
PHONE = "pixel-4"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.build(builder.conv(builder.input, 4, kernel=3)))
    return path


def report(
    model: Path,
    *,
    end: str = "\r\n",
    clock: str = "cycles",
    hertz: int = 120_000_000,
    differences: int = 0,
) -> bytes:
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    status = "failed" if differences else "ok"
    first = "@edgekit difference vector=1 output=0 element=3 expected=-12 actual=-11"
    ticks = f"clock={clock} ticks_per_second={hertz}"
    crcs = "crc32=1a2b3c4d expected_crc32=1a2b3c4d"
    lines = [
        f"@edgekit begin protocol=1 model=m sha256={sha256} arena_bytes=4096 {ticks}",
        "@edgekit arena used_bytes=3210",
        f"@edgekit selftest vectors=4 differences={differences} {crcs}",
        *([first] if differences else []),
        "@edgekit operator index=0 op=CONV_2D ticks=600000",
        "I (312) main: noise between the lines",
        "@edgekit operator index=1 op=SOFTMAX ticks=12000",
        "@edgekit total invocations=10 ticks=606000 least_ticks=605880 most_ticks=606240",
        f"@edgekit end status={status}",
        "",
    ]
    return end.join(lines).encode()


def test_a_board_is_measured(model: Path) -> None:
    with board(report(model)) as port:
        found = bench(model, target=BOARD, serial=port, timeout_seconds=10)
    assert found.latency_ms is not None
    assert found.latency_ms.kind == "measured"
    # 606,000 cycles at 120 MHz are 5.05 ms
    assert found.latency_ms.value == pytest.approx(5.05)
    assert found.latency_ms.low == pytest.approx(5.049)
    assert found.latency_ms.high == pytest.approx(5.052)
    assert found.latency_ms.source == (
        "firmware on ST NUCLEO-L4R5ZI (STM32L4R5ZI), mean of 10 invocations at 120 MHz"
    )
    assert [(item.op, round(item.cost.value, 6)) for item in found.operators] == [
        ("CONV_2D", 5.0),
        ("SOFTMAX", 0.1),
    ]
    assert found.arena_used_bytes is not None
    assert found.arena_used_bytes.value == 3210
    assert found.selftest is not None
    assert found.passed


def test_a_late_reader_waits_for_the_next_report(model: Path) -> None:
    whole = report(model)
    with board(whole[150:], b"\xff\x00boot\r\n", whole[:200], whole[200:]) as port:
        assert bench(model, target=BOARD, serial=port, timeout_seconds=10).passed


def test_a_garbled_report_is_passed_over(model: Path) -> None:
    whole = report(model, end="\n")
    lost = whole.replace(b"@edgekit operator index=0 op=CONV_2D ticks=600000\n", b"")
    wrong = whole.replace(b"ticks=606000", b"ticks=6x6000")
    with board(lost, wrong, whole) as port:
        found = bench(model, target=BOARD, serial=port, timeout_seconds=10)
    assert found.latency_ms is not None
    assert found.latency_ms.value == pytest.approx(5.05)


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ((), "no whole report within 0.6 s", "nothing came: reset the board"),
        ((b"booted\r\n",), "no whole report", "8 B came: check --baud"),
        ((b"x" * 3000, b"x" * 3000), "no whole report", "6000 B came"),
    ],
)
def test_a_silent_board_is_given_up(
    said: tuple[bytes, ...], message: str, hint: str, model: Path
) -> None:
    with board(*said) as port, pytest.raises(ToolError, match=message) as caught:
        bench(model, target=BOARD, serial=port, timeout_seconds=0.6)
    assert hint in str(caught.value.hint)


def test_a_report_without_its_end_is_none(model: Path) -> None:
    cut = report(model).rsplit(b"@edgekit end", 1)[0]
    with board(cut) as port, pytest.raises(ToolError, match="no whole report within"):
        bench(model, target=BOARD, serial=port, timeout_seconds=0.6)


def test_garbled_reports_alone_are_told(model: Path) -> None:
    wrong = report(model).replace(b"ticks_per_second=120000000", b"ticks_per_second=0")
    with board(wrong) as port, pytest.raises(ToolError, match="its clock has no frequency"):
        bench(model, target=BOARD, serial=port, timeout_seconds=0.6)


def test_firmware_that_gives_up_is_not_waited_for(model: Path) -> None:
    begin = report(model).split(b"\r\n")[0]
    said = begin + b"\n@edgekit error stage=allocate\n@edgekit end status=failed\n"
    before = time.monotonic()
    with board(said) as port, pytest.raises(ToolError, match="do not fit into the arena"):
        bench(model, target=BOARD, serial=port, timeout_seconds=30)
    assert time.monotonic() - before < 10


def test_a_board_that_goes_away(model: Path) -> None:
    with (
        board(report(model)[:100], hang_up=True) as port,
        pytest.raises(ToolError, match="the device went away"),
    ):
        bench(model, target=BOARD, serial=port, timeout_seconds=10)


def test_another_models_firmware_is_refused(model: Path, tmp_path: Path) -> None:
    builder = GraphBuilder((1, 4), seed=2)
    other = tmp_path / "other.tflite"
    other.write_bytes(builder.build(builder.fully_connected(builder.input, 3)))
    with board(report(other)) as port, pytest.raises(InputError, match="holds another model"):
        bench(model, target=BOARD, serial=port, timeout_seconds=10)


def test_an_emulators_instructions_tell_no_time(model: Path, tmp_path: Path) -> None:
    log = tmp_path / "qemu.log"
    log.write_bytes(report(model, clock="instructions", hertz=0))
    found = bench(model, target=BOARD, log=log)
    assert found.latency_ms is None
    assert found.instructions is not None
    assert (found.instructions.value, found.instructions.kind) == (606_000, "emulated")
    with pytest.raises(UsageError, match="tell no time"):
        append_measurement(tmp_path / "measured.csv", found)


def test_another_clock_than_the_profiles_is_told(model: Path, tmp_path: Path) -> None:
    log = tmp_path / "board.log"
    log.write_bytes(report(model, hertz=4_000_000))
    found = bench(model, target=BOARD, log=log)
    assert found.latency_ms is not None
    assert found.latency_ms.value == pytest.approx(151.5)  # 606,000 / 4 MHz
    assert "at 4 MHz (the profile's clock is 120 MHz)" in found.latency_ms.source
    log.write_bytes(report(model, clock="microseconds", hertz=1_000_000))
    assert bench(model, target=BOARD, log=log).clock_hz is None


def test_measurements_are_collected_for_calibration(model: Path, tmp_path: Path) -> None:
    log, table = tmp_path / "board.log", tmp_path / "tables" / "measured.csv"
    log.write_bytes(report(model))
    for _ in range(2):
        append_measurement(table, bench(model, target=BOARD, log=log))
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [(row["model"], float(row["latency_ms"]), row["clock_hz"]) for row in rows] == [
        ("../model.tflite", pytest.approx(5.05), "120000000")
    ] * 2
    found = read_measurements(table, models=(), clock_hz=120_000_000)
    assert [item.cycles for item in found] == [pytest.approx(606_000)] * 2  # as the board said
    with pytest.raises(UsageError, match=r"is no .csv"):
        append_measurement(log, bench(model, target=BOARD, log=log))
    volts = tmp_path / "volts.csv"
    volts.write_text("time,volts\n")
    with pytest.raises(InputError, match="its columns are not"):
        append_measurement(volts, bench(model, target=BOARD, log=log))


def test_bad_ports(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="No such file"):
        bench(model, target=BOARD, serial=str(tmp_path / "ttyACM9"))
    with pytest.raises(UsageError, match="is no serial port") as caught:
        bench(model, target=BOARD, serial=str(model))
    assert "--log" in str(caught.value.hint)
    with pytest.raises(UsageError, match="no speed of 12345"):
        bench(model, target=BOARD, serial="/dev/null", baud=12345)


def test_one_way_must_be_named_and_fit_the_target(model: Path) -> None:
    with pytest.raises(UsageError, match="name one source"):
        bench(model, target=BOARD)
    with pytest.raises(UsageError, match="name one source"):
        bench(model, target=PHONE, adb=True, log=model)
    with pytest.raises(UsageError, match="runs tflite-micro") as caught:
        bench(model, target=BOARD, adb=True)
    assert "--serial" in str(caught.value.hint)
    with pytest.raises(UsageError, match="runs litert"):
        bench(model, target=PHONE, serial="/dev/ttyACM0")
    with pytest.raises(UsageError, match="time-out"):
        bench(model, target=PHONE, adb=True, timeout_seconds=0)


def test_what_is_of_a_device_is_refused_where_none_is_asked(model: Path) -> None:
    for way in ({"adb": True}, {"log": model}):
        with pytest.raises(UsageError, match="--baud is of a serial port, and none is read"):
            bench(model, target=PHONE, baud=115200, **way)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--timeout is of a device, and --log asks none"):
        bench(model, target=PHONE, log=model, timeout_seconds=5)


def timings(megabytes: str, *, prefix: str = "") -> str:
    """What benchmark_model prints, in its two known forms of the operators' table."""
    start = ("\t          [start]", "\t            0.004") if not prefix else ("", "")
    columns = ("[first]", "[avg ms]", "[%]", "[cdf%]", "[mem KB]", "[times called]", "[Name]")
    head = "\t ".join((f"[node type]{start[0]}", *columns))
    return f"""\
{prefix}STARTING!
{prefix}Graph: [/data/local/tmp/edgekit.tflite]
{prefix}The input model file size (MB): {megabytes}
{prefix}Initialized session in 17.187ms.
{prefix}Running benchmark for at least 1 iterations and at least 0.5 seconds
{prefix}count=9 first=60000 curr=50000 min=50000 max=60000 avg=51000 std=100

{prefix}count=50 first=2990 curr=2913 min=2727 max=3189 avg=2950.34 std=109

{prefix}Inference timings in us: Init: 17187, First inference: 3512, Warmup (avg): 3512.39, \
Inference (avg): 2950.34
Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
\t   {head}
\t   AllocateTensors{start[1]}\t    1.356\t    1.356\t100.000%\t100.000%\t     0.000\t        1\tA/0

{prefix}Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t   {head}
\t   QUANTIZE{start[1]}\t    0.199\t    0.203\t  6.328%\t  6.328%\t     0.000\t        1\t[q]:0
\t   Convolution (NHWC, QC8) IGEMM{start[1]}\t    0.428\t    0.700\t 93.672%\t100.000%\t   \
  0.000\t        4\tDelegate/Convolution (NHWC, QC8) IGEMM:1

============================== Top by Computation Time ==============================
\t   QUANTIZE{start[1]}\t    0.199\t    0.203\t  6.328%\t  6.328%\t     0.000\t        1\t[q]:0
"""


ADB = """\
#!{python}
import os, sys, time
with open({calls!r}, "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
line = " ".join(sys.argv[1:])
{body}
"""
WELL = """\
if line == "get-state": print("device")
elif "getprop" in line: print("Pixel 4")
elif "test -x" in line: print("present")
elif "--graph=" in line: print(open({log!r}).read())
"""


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the only adb there is, with what was asked of it in ``calls``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def make_adb(folder: Path, body: str) -> None:
    path = folder / "adb"
    path.write_text(ADB.format(python=sys.executable, calls=str(folder / "calls"), body=body))
    path.chmod(0o755)


def megabytes(model: Path) -> str:
    return f"{len(model.read_bytes()) / 1e6:.6g}"


@pytest.mark.parametrize("prefix", ["", "INFO: "])
def test_a_phone_is_measured(prefix: str, phone: Path, model: Path) -> None:
    log = phone / "log"
    log.write_text(timings(megabytes(model), prefix=prefix))
    make_adb(phone, WELL.format(log=str(log)))
    found = bench(model, target=PHONE, adb=True)
    assert found.latency_ms is not None
    assert (found.latency_ms.value, found.latency_ms.low, found.latency_ms.high) == (
        pytest.approx(2.95034),
        2.727,
        3.189,
    )
    assert found.latency_ms.kind == "measured"
    assert found.latency_ms.source == (
        "benchmark_model on Pixel 4, mean of 50 invocations, 1 thread, XNNPACK"
    )
    # a call of the convolution takes 0.7 ms, and an invocation makes four
    assert [(item.op, round(item.cost.value, 6)) for item in found.operators] == [
        ("QUANTIZE", 0.203),
        ("Convolution (NHWC, QC8) IGEMM", 2.8),
    ]
    assert found.passed
    calls = (phone / "calls").read_text().splitlines()
    assert any(call.startswith(f"push {model} /data/local/tmp/edgekit-") for call in calls)
    assert sum("--enable_op_profiling=false" in call for call in calls) == 1
    assert calls[-1].startswith("shell rm -f /data/local/tmp/edgekit-")


def test_a_log_of_a_phone_must_be_of_the_model(model: Path, tmp_path: Path) -> None:
    log = tmp_path / "phone.log"
    log.write_text(timings(megabytes(model)))
    found = bench(model, target=PHONE, log=log)
    assert found.latency_ms is not None
    assert found.latency_ms.source.startswith("log phone.log: benchmark_model on Google Pixel 4")
    with pytest.raises(UsageError, match="is of a phone"):
        bench(model, target=BOARD, log=log)
    log.write_text(timings("16.9008"))
    with pytest.raises(InputError, match="measured a model of 16.9008 MB"):
        bench(model, target=PHONE, log=log)
    log.write_bytes(report(model))
    with pytest.raises(UsageError, match="is of a board"):
        bench(model, target=PHONE, log=log)
    log.write_text("hello\n")
    with pytest.raises(InputError, match="holds neither"):
        bench(model, target=PHONE, log=log)


def test_without_adb(phone: Path, model: Path) -> None:
    with pytest.raises(MissingDependencyError, match="adb is not installed") as caught:
        bench(model, target=PHONE, adb=True)
    assert "apt-get install" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (
            'print("error: no devices/emulators found"); sys.exit(1)',
            ToolError,
            "adb get-state failed: error: no devices/emulators found",
        ),
        ('print("absent")', MissingDependencyError, "the phone has no .*benchmark_model"),
        (
            WELL.replace('"--graph=" in line: print(open({log!r}).read())', '"push" in line: 0')
            + 'else: print("Failed to load model"); sys.exit(1)',
            ToolError,
            "adb shell failed: Failed to load model",
        ),
        (WELL.replace("open({log!r}).read()", '"killed"'), ToolError, "no timings: killed"),
        (
            WELL.replace("print(open({log!r}).read())", "time.sleep(60)"),
            ToolError,
            "did not answer to adb shell in time",
        ),
    ],
)
def test_phones_that_fail(
    body: str, kind: type[Exception], message: str, phone: Path, model: Path
) -> None:
    make_adb(phone, body)
    with pytest.raises(kind, match=message):
        bench(model, target=PHONE, adb=True, timeout_seconds=2)


def test_the_command_prints_json_and_fails_with_the_selftest(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "board.log"
    log.write_bytes(report(model, differences=2))
    arguments = ["bench", str(model), "--target", BOARD, "--log", str(log)]
    assert run([*arguments, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgekit.bench/1"
    assert document["latency_ms"]["kind"] == "measured"
    assert document["selftest"]["passed"] is False
    assert document["selftest"]["first"]["element"] == 3
    assert document["passed"] is False
    assert run(arguments) == 1
    text = capsys.readouterr().out
    assert "latency: 5.05 ms (5.049 to 5.052), measured" in text
    assert "vector 1, output 0, element 3: -11, not -12" in text
    assert "CONV_2D" in text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--serial", "/dev/nowhere"], 6),
        (["--log", "/dev/nowhere"], 3),
        (["--adb"], 2),
        (["--log", "/dev/nowhere", "--baud", "9600"], 2),
        (["--log", "/dev/nowhere", "--timeout", "5s"], 2),
        (["--serial", "/dev/nowhere", "--timeout", "soon"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int, model: Path) -> None:
    assert run(["bench", str(model), "--target", BOARD, *arguments]) == code


@settings(max_examples=60)
@given(
    cut=st.integers(0, 900),
    skipped=st.integers(0, 120),
    noise=st.one_of(
        st.binary(max_size=30),
        st.sampled_from(
            [b"9" * 400, b"@edgekit \n", b"@edgekit end\n", b"-", b"e999", b"count=5 "]
        ),
    ),
    is_phone=st.booleans(),
)
def test_damaged_logs_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, cut: int, skipped: int, noise: bytes, is_phone: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    model, log = folder / "fuzzed.tflite", folder / "fuzzed.log"
    if not model.exists():
        builder = GraphBuilder((1, 4), seed=2)
        model.write_bytes(builder.build(builder.fully_connected(builder.input, 3)))
    whole = timings(megabytes(model)).encode() if is_phone else report(model)
    log.write_bytes(whole[:cut] + noise + whole[cut + skipped :])
    try:
        found = bench(model, target=PHONE if is_phone else BOARD, log=log)
    except EdgekitError:
        return
    json.dumps(to_json(found), allow_nan=False)
    assert found.latency_ms is not None
    assert found.latency_ms.value >= 0
