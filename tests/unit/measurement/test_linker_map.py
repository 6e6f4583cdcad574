import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import InputError
from edgekit.measurement.linker_map import FirmwareSize, ModelArray, read_map

GCC = "arm-none-eabi-gcc"
ENVIRONMENT = {**os.environ, "LC_ALL": "C"}  # maps speak as the locale says

FIRMWARE = {
    "app.c": """
        #include <stdint.h>
        extern const uint8_t demo_model[];
        const uint8_t *g_model;              /* a pointer, not a model */
        uint8_t arena[4096];
        uint32_t table[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        const char words[] = "a constant beside the model";
        __attribute__((noinline)) int load_model(int i)    /* a function, not a model */
        { return demo_model[i] + table[i % 10] + words[i % 5] + arena[i]; }
        void Reset_Handler(void) { g_model = demo_model; arena[0] = load_model(3); for (;;) {} }
        """,
    "demo_model.c": """
        #include <stdint.h>
        _Alignas(16) const uint8_t demo_model[1072] = {1, 2, 3};
        """,
    "board.ld": """
        ENTRY(Reset_Handler)
        MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 1M
                 RAM (xrw) : ORIGIN = 0x20000000, LENGTH = 128K }
        SECTIONS {
          .isr_vector : { LONG(0x20020000) LONG(0) } > FLASH
          .text : { *(.text .text.*) *(.rodata .rodata.*) } > FLASH
          .data : { *(.data .data.*) } > RAM AT> FLASH
          .bss : { *(.bss .bss.* COMMON) } > RAM
          ._user_heap_stack : { . = ALIGN(8); . = . + 0x600; } > RAM
        }
        """,
}


def berkeley_sizes(firmware: Path) -> tuple[int, int, int]:
    """What the compiler's own tool finds in the linked file, not in the map."""
    done = subprocess.run(
        ["arm-none-eabi-size", firmware], check=True, capture_output=True, text=True
    )
    text, data, bss = (int(item) for item in done.stdout.splitlines()[-1].split()[:3])
    return text, data, bss


@pytest.mark.skipif(shutil.which(GCC) is None, reason=f"{GCC} is not installed")
@pytest.mark.parametrize(
    "flags",
    [(), ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"), ("-O0", "-g3")],
    ids=["plain", "sections", "debug"],
)
def test_sizes_are_those_of_the_linked_file(flags: tuple[str, ...], tmp_path: Path) -> None:
    for name, text in FIRMWARE.items():
        (tmp_path / name).write_text(text)
    command = (GCC, "-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-T", "board.ld", "-Os", *flags)
    files = ("app.c", "demo_model.c", "-o", "a.elf", "-Wl,-Map=a.map")
    subprocess.run([*command, *files], check=True, cwd=tmp_path, env=ENVIRONMENT)
    text, data, bss = berkeley_sizes(tmp_path / "a.elf")
    found = read_map(tmp_path / "a.map")
    assert data == 40  # ten words of four bytes: the test has initial data at all
    assert found.flash_bytes == text + data
    assert found.ram_bytes == data + bss
    assert found.model_bytes == 1072
    assert found.code_bytes == text + data - 1072


GOLDEN = """\
Archive member included to satisfy reference by file (symbol)

libc.a(memcpy.o)              app.o (memcpy)

Discarded input sections

 .text          0x00000000      0x999 unused.o

Memory Configuration

Name             Origin             Length             Attributes
iram0_0_seg      0x40380000         0x00010000         xr
dram0_0_seg      0x3fc88000         0x00050000         rw
drom0_0_seg      0x3c000020         0x00800000         r
FLASH            0x60000000         0x00800000         rwx
TCM              0x10000000         0x00001000
*default*        0x00000000         0xffffffff

Linker script and memory map

LOAD app.o
LOAD model_net.o

text            0x0000000060000000      0x200
 *(.text .text.*)
 .text.main     0x0000000060000000      0x180 app.o
                0x0000000060000000                main
 *fill*         0x0000000060000180       0x80

.flash.rodata   0x000000003c000020      0x120
 .rodata.name.of.a.long.section_model
                0x000000003c000020      0x100 model_net.o
 .rodata        0x000000003c000120       0x20 app.o
                0x000000003c000120                words
                0x000000003c000128                b_model
                0x000000003c000138                after

.flash_dummy    0x000000003c000140      0x1c0
 *fill*         0x000000003c000140      0x1c0

.dram0.data     0x000000003fc88000       0x30
 .data.table    0x000000003fc88000       0x30 app.o

.dram0.bss      0x000000003fc88030      0x800
 .bss.arena     0x000000003fc88030      0x800 app.o

.fast           0x0000000010000000       0x40 load address 0x0000000060000200
 .text.fast     0x0000000010000000       0x40 app.o

.kept           0x0000000010000040       0x10
 .noinit."a.c".0
                0x0000000010000040       0x10 app.o

.debug_info     0x0000000000000000     0x5000
 .debug_info    0x0000000000000000     0x5000 app.o
.ARM.attributes
                0x0000000000000000       0x2e
 .ARM.attributes
                0x0000000000000000       0x2e app.o
OUTPUT(firmware.elf elf32-littleriscv)

Cross Reference Table

Symbol                                            File
.stray          0x0000000060000000    0x90000
"""


def test_a_map_of_several_memories(tmp_path: Path) -> None:
    path = tmp_path / "firmware.map"
    path.write_text(GOLDEN)
    assert read_map(path) == FirmwareSize(
        flash_bytes=0x200 + 0x120 + 0x30 + 0x40,  # text, constants, data, copied code
        ram_bytes=0x30 + 0x800 + 0x40 + 0x10,  # data, zeroed, copied code, kept over resets
        models=(
            ModelArray(size=0x100, exact=True),  # a section of its own
            ModelArray(size=0x10, exact=False),  # from b_model to the next symbol
        ),
    )


@pytest.mark.parametrize(
    ("file_bytes", "size"),
    [
        (0x100, 0x100),
        (0xFF, None),  # nothing follows the array in its section: its length is the file's
        (0x101, None),
        (0x10, 0x10),
        (0xD, 0x10),  # three bytes align the symbol that follows
        (0x11, None),
    ],
)
def test_a_model_is_known_by_its_length(tmp_path: Path, file_bytes: int, size: int | None) -> None:
    path = tmp_path / "firmware.map"
    path.write_text(GOLDEN)
    found = read_map(path).array_of(file_bytes)
    assert (found and found.size) == size


def test_without_a_model_the_code_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "firmware.map"
    path.write_text(GOLDEN.replace("_model", "_other"))
    found = read_map(path)
    assert found.model_bytes is None
    assert found.code_bytes is None


OTHERS = {
    "armlink": "Component: Arm Compiler for Embedded 6.16 Tool: armlink [5dfeaa00]\n\n====\n",
    "IAR": "#####\n#\n# IAR ELF Linker V9.30.1.335/W64 for ARM      03/May/2026\n",
    "lld": "             VMA              LMA     Size Align Out     In      Symbol\n",
    "Apple": "# Path: a.out\n# Arch: arm64\n# Object files:\n[  0] linker synthesized\n",
    "gold": "Archive member included because of file (symbol)\n\nMemory map\n",
    "no linker map": "arena: 23456 bytes\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_toolchains_are_refused_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "firmware.map"
    path.write_text(OTHERS[name])
    with pytest.raises(InputError, match=name) as caught:
        read_map(path)
    assert "-Map" in str(caught.value.hint)


def test_a_link_that_failed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "firmware.map"
    path.write_text(GOLDEN.split("\ntext ", maxsplit=1)[0])
    with pytest.raises(InputError, match="no section that holds code"):
        read_map(path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_map(tmp_path / "absent.map")


@settings(max_examples=80)
@given(
    cut=st.integers(0, len(GOLDEN)),
    skipped=st.integers(0, 80),
    noise=st.one_of(st.binary(max_size=40), st.sampled_from([b"\n", b" 0x", b" \n", b"_model"])),
)
def test_damaged_maps_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, cut: int, skipped: int, noise: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.map"
    content = GOLDEN.encode()
    path.write_bytes(content[:cut] + noise + content[cut + skipped :])
    try:
        found = read_map(path)
    except InputError:
        return
    assert found.flash_bytes > 0
    assert found.ram_bytes >= 0
    assert found.model_bytes is None or found.model_bytes > 0
