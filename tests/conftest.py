"""Strictness for every test; what pytest itself can be told is in pyproject.toml."""

from hypothesis import settings

pytest_plugins = ["pytester", "tests.helpers.left_out", "tests.helpers.leaks"]


def pytest_configure() -> None:
    # A busy machine must not fail a property by its speed; the rest of the profile stays.
    settings.register_profile("luna", settings(), deadline=None)
    settings.load_profile("luna")
