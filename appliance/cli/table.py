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


def size(count: float) -> str:
    """Bytes as "107.6 MB" (powers of ten, as disks are sold)."""
    return f"{_short(count)}B"


def number(count: float) -> str:
    """A large number as "1.2 G"; "?" for 0, which stands for not known."""
    return _short(count).rstrip() if count else "?"


def _short(count: float) -> str:
    if count < 1000:
        return f"{count:.0f} "
    for letter in "kMG":
        count /= 1000
        if count < 999.95:
            return f"{count:.1f} {letter}"
    return f"{count / 1000:.1f} T"


def _is_figure(cell: str) -> bool:
    return cell[:1].isdigit() or cell in ("", "?", "-")
