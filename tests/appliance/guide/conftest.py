from collections.abc import Iterator

import pytest

from appliance.guide import model_path
from appliance.guide.engine import GuideServer


@pytest.fixture(scope="session")
def guide() -> Iterator[GuideServer]:
    with GuideServer(model_path()) as server:
        yield server
