from __future__ import annotations

from provisioning import radios
from provisioning.nm.names import Capability
from tests.provisioning.sights import radio, sight


def test_one_radio_does_both() -> None:
    only = radio()
    seen = sight(only)
    assert radios.to_join(seen) is only
    assert radios.to_host(seen) is only
    assert radios.hosting(seen) is None


def test_of_two_radios_the_second_hosts_and_the_first_joins() -> None:
    first, second = radio(0), radio(1)
    assert radios.to_host(sight(first, second)) is second
    seen = sight(first, second, hosted_by=second)
    assert radios.to_join(seen) is first
    assert radios.hosting(seen) is second


def test_a_radio_that_is_online_goes_on_and_the_other_hosts() -> None:
    first, second = radio(0), radio(1, state=100)
    seen = sight(first, second)
    assert radios.to_join(seen) is second
    assert radios.to_host(seen) is first


def test_a_radio_that_cannot_host_joins() -> None:
    able, unable = radio(0), radio(1, capabilities=Capability(0))
    seen = sight(able, unable)
    assert radios.to_host(seen) is able
    assert radios.to_join(sight(able, unable, hosted_by=able)) is unable


def test_a_radio_that_is_switched_off_is_none() -> None:
    seen = sight(radio(state=20))
    assert radios.to_join(seen) is None
    assert radios.to_host(seen) is None
