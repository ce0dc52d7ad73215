import argparse

from hypothesis import given
from hypothesis import strategies as st

from appliance.mdns.options import add_options, as_arguments

texts = st.one_of(st.none(), st.text(min_size=1))


def parsed(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(words)


def test_nothing_given_is_nothing_passed_on() -> None:
    assert as_arguments(parsed([])) == []


@given(texts, st.one_of(st.none(), st.integers(0, 65535)), st.lists(st.text(min_size=1)))
def test_what_is_passed_on_means_the_same(
    name: str | None, port: int | None, files: list[str]
) -> None:
    words = [f"--config={file}" for file in files]
    words += [f"--name={name}"] if name is not None else []
    words += [f"--port={port}"] if port is not None else []
    given = parsed([*words, "--verbose"])
    assert parsed(as_arguments(given)) == given
