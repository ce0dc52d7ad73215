"""What time it is."""

from __future__ import annotations

from datetime import datetime

_FIRST_YEAR = 2026  # boards without a battery start in 1970 or when their image was made


def get_current_time() -> str:
    """Get the current date and time of this device."""
    return _sentence(datetime.now().astimezone())


def _sentence(now: datetime) -> str:
    if now.year < _FIRST_YEAR:
        return "The clock is not set yet; it sets itself when this device reaches the internet."
    return f"It is {now:%H:%M} on {now:%A}, {now.day} {now:%B %Y} ({now:%Z})."
