from hypothesis import given
from hypothesis import strategies as st

from appliance.mdns.naming import Names


def lowest(low: int, high: int) -> int:
    return low


def instances(names: Names, count: int) -> list[str]:
    found = [names.instance]
    for _ in range(count - 1):
        names = names.instance_taken(lowest)
        found.append(names.instance)
    return found


def hosts(names: Names, count: int) -> list[str]:
    found = [names.host]
    for _ in range(count - 1):
        names = names.host_taken(lowest)
        found.append(names.host)
    return found


def test_a_taken_host_name_is_counted_then_chosen_by_chance() -> None:
    expected = "luna-ab12 luna-ab12-2 luna-ab12-3 luna-ab12-4 luna-ab12-5 luna-ab12-11".split()
    assert hosts(Names("luna-ab12", "Luna", "ab12"), 6) == expected


def test_a_taken_instance_name_gets_the_digits_of_the_device_first() -> None:
    names = Names("luna-ab12", "Kitchen", "ab12")
    assert instances(names, 3) == ["Kitchen", "Kitchen ab12", "Kitchen ab12 (2)"]


def test_digits_are_not_told_twice() -> None:
    names = Names("luna-ab12", "Luna AB12", "ab12")
    assert instances(names, 3) == ["Luna AB12", "Luna AB12 (2)", "Luna AB12 (3)"]


def test_names_are_cleaned() -> None:
    assert Names("h", "Dr. Luna\n\x07 1", "1").instance == "Dr Luna 1"
    assert Names("h", " \t", "ab12").instance == "Luna"


@given(st.text(max_size=90), st.text("abcdef0123456789", min_size=4, max_size=4))
def test_names_fit_a_label_and_all_differ(text: str, short: str) -> None:
    counter = iter(range(100, 200))
    names, found = Names("luna-" + short * 20, text, short), []
    for _ in range(9):
        found.append((names.host, names.instance))
        names = names.host_taken(lambda a, b: next(counter)).instance_taken(
            lambda a, b: next(counter)
        )
    for host, instance in found:
        assert 1 <= len(host.encode()) <= 63
        assert 1 <= len(instance.encode()) <= 63
        assert instance.isprintable()
        assert "." not in instance
    assert len({host for host, _ in found}) == 9
    assert len({instance for _, instance in found}) == 9
