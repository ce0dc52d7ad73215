"""What lies where on the card, as SVG; sizes and sectors are the recipe's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from image.builder.layout import (
    BOOT,
    BOOTSTATE,
    DATA,
    FIRST_PARTITION_SECTOR,
    MIB,
    ROOT_A,
    ROOT_B,
    SECTOR,
    starts,
)  # fmt: skip
from tests.pictures.svg import AMBER, BLUE, GREEN, GREY, WHITE, Drawing

_WIDTH, _HEIGHT, _EDGE, _GAP = 860.0, 212.0, 24.0, 4.0
_TOP, _TALL = 70.0, 64.0
_LOADER, _STATE, _SECOND = "#8a8f98", "#7a6bb5", "#7d9fce"


@dataclass(frozen=True, slots=True)
class Place:
    """One stretch of the card; `share` is how wide it is drawn, which is not its size."""

    name: str
    size: str
    sector: int
    colour: str
    share: float
    words: tuple[str, ...]


def places() -> tuple[Place, ...]:
    """From the first sector to the last."""
    first = starts()
    loader = f"{FIRST_PARTITION_SECTOR * SECTOR // MIB} MiB"
    return (
        Place("bootloader", loader, 0, _LOADER, 1.35, ("no partition,", "from sector 64")),
        Place(
            BOOT.name,
            f"{BOOT.mib} MiB",
            first[BOOT.name],
            GREEN,
            1.3,
            ("FAT: boot script,", "files of yours"),
        ),
        Place(
            BOOTSTATE.name,
            f"{BOOTSTATE.mib} MiB",
            first[BOOTSTATE.name],
            _STATE,
            1.45,
            ("which system is", "next, tries left"),
        ),
        Place(
            ROOT_A.name,
            f"{ROOT_A.mib} MiB",
            first[ROOT_A.name],
            BLUE,
            1.7,
            ("the system, read-only", "with its kernel"),
        ),
        Place(
            ROOT_B.name,
            f"{ROOT_B.mib} MiB",
            first[ROOT_B.name],
            _SECOND,
            1.7,
            ("the other system:", "updates go here"),
        ),
        Place(
            DATA.name,
            f"{DATA.mib} MiB …",
            first[DATA.name],
            AMBER,
            1.9,
            ("models, settings, WiFi:", "grows to the card's end"),
        ),
    )


def draw(shown: Sequence[Place]) -> str:
    """A strip, from left to right."""
    drawing = Drawing(_WIDTH, _HEIGHT, "What lies where on the card")
    drawing.text(_EDGE, 32, "What lies where on the card", size=16, bold=True)
    drawing.text(_EDGE, 52, "Widths are not to scale; a sector is 512 bytes", size=12, fill=GREY)
    room = _WIDTH - 2 * _EDGE - _GAP * (len(shown) - 1)
    unit = room / sum(place.share for place in shown)
    left = _EDGE
    for place in shown:
        width = place.share * unit
        middle = left + width / 2
        drawing.rect(left, _TOP, width, _TALL, place.colour, 4)
        drawing.text(middle, _TOP + 28, place.name, size=13, fill=WHITE, anchor="middle", bold=True)
        drawing.text(middle, _TOP + 48, place.size, size=12, fill=WHITE, anchor="middle")
        drawing.text(left, _TOP + _TALL + 18, f"sector {place.sector}", size=11, fill=GREY)
        for number, line in enumerate(place.words):
            drawing.text(left, _TOP + _TALL + 42 + 17 * number, line, size=12)
        left += width + _GAP
    return drawing.render()
