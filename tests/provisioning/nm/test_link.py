from __future__ import annotations

import pytest

from appliance.system.bus import CallFailed
from provisioning.nm.link import Forbidden, Gone, NetworkManagerError, translate

NM, BUS = "org.freedesktop.NetworkManager", "org.freedesktop.DBus.Error"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"{BUS}.ServiceUnknown", Gone),
        (f"{BUS}.NoReply", Gone),
        (f"{BUS}.UnknownMethod", Gone),
        (f"{NM}.UnknownDevice", Gone),
        (f"{NM}.ConnectionNotActive", Gone),
        (f"{BUS}.AccessDenied", Forbidden),
        (f"{NM}.PermissionDenied", Forbidden),
        (f"{NM}.Settings.PermissionDenied", Forbidden),
        (f"{NM}.Settings.Connection.InvalidProperty", NetworkManagerError),
        ("something.else.Altogether", NetworkManagerError),
    ],
)
def test_its_errors_are_ours(name: str, kind: type[NetworkManagerError]) -> None:
    error = translate(CallFailed(name, "its own words"))
    assert type(error) is kind
    assert "its own words" in error.message
