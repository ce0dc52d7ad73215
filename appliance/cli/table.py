"""Plain tables and figures for people."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.cli.terminal import harmless


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under their heads, figures to the right; line breaks in a cell become spaces."""
    cells = [[" ".join(harmless(cell).split()) for cell in row] for row in [heads, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    figures = [bool(rows) and all(_is_figure(row[i]) for row in rows) for i in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, figures, strict=True)
        ).rstrip()
        for row in cells
    )


def size(count: int) -> str:
    """Bytes as "107.6 MB" (powers of ten, as disks are sold)."""
    return f"{_short(count, 1000, 'BkMGT')}B".replace("BB", "B")


def number(count: int) -> str:
    """A large number as "1.2 G"; "?" for 0, which stands for not known."""
    return _short(count, 1000, " kMGT").rstrip() if count else "?"


def _short(count: float, step: int, letters: str) -> str:
    for letter in letters[:-1]:
        if round(count, 1) < step:
            return f"{count:.0f} {letter}" if letter in "B " else f"{count:.1f} {letter}"
        count /= step
    return f"{count:.1f} {letters[-1]}"


def _is_figure(cell: str) -> bool:
    return cell[:1].isdigit() or cell in ("", "?", "-")
