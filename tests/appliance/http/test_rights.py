from __future__ import annotations

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import Forbidden
from appliance.http.exchange import Request
from appliance.http.rights import require_administration
from appliance.serving.answer import Caller


def request(client: str, **headers: str) -> Request:
    return Request("POST", "/x", Caller(client, "req_1", CancelToken()), headers=headers)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", ""])
def test_the_device_itself_may(client: str) -> None:
    require_administration(request(client))
    require_administration(request(client, host="luna.local", origin="http://luna.local"))


@pytest.mark.parametrize("client", ["192.168.1.9", "fe80::1", "::ffff:10.0.0.1", "nonsense"])
def test_others_may_not(client: str) -> None:
    with pytest.raises(Forbidden, match="the device itself"):
        require_administration(request(client))


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8081", ""])
def test_pages_of_elsewhere_may_not(origin: str) -> None:
    with pytest.raises(Forbidden, match="web page"):
        require_administration(request("127.0.0.1", host="localhost:8080", origin=origin))
