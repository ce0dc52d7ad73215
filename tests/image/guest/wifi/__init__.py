"""WiFi as a person lives it, with simulated radios: run inside a machine that has Luna.

`python3 -m tests.image.guest.wifi --out FILE` as root, with nothing but Debian's Python.
"""
