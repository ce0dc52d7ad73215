from __future__ import annotations

from provisioning.credentials import Security
from provisioning.nm.names import Mode
from provisioning.survey import Survey
from tests.provisioning.sights import point, radio, sight


def names(survey: Survey) -> list[bytes]:
    return [each.ssid for each in survey.networks()]


def test_the_strongest_point_of_a_network_stands_for_it() -> None:
    points = (
        point(b"home", 1, strength=30),
        point(b"home", 2, strength=70, frequency=5180),
        point(b"cafe", 3, strength=50, security=Security.OPEN),
    )
    survey = Survey(b"Luna-1")
    survey.update(sight(radio(points=points), points=points), 0.0)
    (home, cafe) = survey.networks()
    assert (home.ssid, home.strength, home.frequency) == (b"home", 70, 5180)
    assert cafe.security is Security.OPEN


def test_what_is_no_network_of_others_is_left_out() -> None:
    own = radio()
    points = (
        point(b"Luna-1", 1),
        point(b"x", 2, address=own.address),
        point(b"", 3),
        point(b"mesh", 4, mode=Mode.MESH),
        point(b"home", 5),
    )
    survey = Survey(b"Luna-1")
    survey.update(sight(radio(points=points), points=points), 0.0)
    assert names(survey) == [b"home"]
    assert len(survey.crowd()) == 2, "a hidden one is noise too"


def test_a_list_that_was_seen_before_tells_nothing_new() -> None:
    points = (point(b"home"),)
    survey = Survey(b"Luna-1")
    survey.update(sight(radio(points=points), points=points), 0.0)
    survey.update(sight(radio(points=points), points=points), 100.0)
    assert survey.networks()[0].seen == 0.0
    survey.update(sight(radio(points=points, scanned=2), points=points), 200.0)
    assert survey.networks()[0].seen == 200.0


def test_networks_stay_while_the_radio_hears_nothing_and_age_in_the_end() -> None:
    first, second = (point(b"home", 1, strength=90),), (point(b"cafe", 2, strength=10),)
    survey = Survey(b"Luna-1")
    assert survey.age(0.0) is None
    survey.update(sight(radio(points=first), points=first), 0.0)
    survey.update(sight(radio(points=second, scanned=2), points=second), 60.0)
    assert survey.age(65.0) == 5.0
    assert names(survey) == [b"cafe", b"home"], "those heard last come first"
    survey.update(sight(radio(scanned=3)), 899.0)
    assert names(survey) == [b"cafe", b"home"]
    survey.update(sight(radio(scanned=4)), 901.0)
    assert names(survey) == [b"cafe"]


def test_a_point_that_went_meanwhile_is_no_trouble() -> None:
    survey = Survey(b"Luna-1")
    survey.update(sight(radio(points=(point(b"home"),))), 0.0)
    assert names(survey) == []
