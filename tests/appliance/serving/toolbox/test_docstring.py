import inspect

from hypothesis import given
from hypothesis import strategies as st

from appliance.serving.toolbox.docstring import parse_docstring


def test_a_google_docstring() -> None:
    text = inspect.cleandoc("""
        Look up the weather.

        It asks no other server.

        Args:
            city: Name of the city: as people
                write it.
            days (int, optional): How far ahead.
            unit:

        Returns:
            other: A sentence.
        """)
    description, parameters = parse_docstring(text)
    assert description == "Look up the weather. It asks no other server."
    assert parameters == {
        "city": "Name of the city: as people write it.",
        "days": "How far ahead.",
        "unit": "",
    }


def test_a_docstring_of_one_line() -> None:
    assert parse_docstring("Get the time.") == ("Get the time.", {})


def test_a_colon_in_the_description_is_no_section() -> None:
    assert parse_docstring("Known places:\n  home: here")[1] == {}


@given(st.text(), st.text(), st.text())
def test_any_text_is_a_docstring(before: str, between: str, after: str) -> None:
    parse_docstring(f"{before}\nArgs:\n  {between}\n{after}")
