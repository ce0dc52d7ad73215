"""Makes the pictures of image/README.md anew: `python -m tests.pictures`; needs Chromium.

Charts are copied from dist/image, where the last `make boot-test` has left them.
"""

from __future__ import annotations

from itertools import chain

from tests.pictures import phone
from tests.pictures.gallery import FOLDER, charts, drawn


def main() -> None:
    """Write every picture, and tell its size."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in chain(drawn().items(), charts().items(), phone.setup(), phone.documents()):
        (FOLDER / name).write_bytes(content)
        print(f"{len(content) / 1000:6.1f} kB  {FOLDER / name}")


if __name__ == "__main__":
    main()
