"""Tests of Luna; `tests/README.md` says how they are organised."""
