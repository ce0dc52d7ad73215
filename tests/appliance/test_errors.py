from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import appliance
from appliance.errors import LunaError, MethodNotAllowed, Retryable
from appliance.http import errors
from appliance.http.errors import status_of

# Class → status; an error that is not here must belong to a family other than LunaError itself.
STATUS = {
    "LunaError": 500,
    "BadRequest": 400,
    "MissingField": 400,
    "WrongType": 400,
    "InvalidJson": 400,
    "ContextTooLong": 400,
    "Unsupported": 400,
    "UpgradeRequired": 426,
    "BodyTooLarge": 413,
    "Unauthorized": 401,
    "Forbidden": 403,
    "UnknownHost": 421,
    "NotFound": 404,
    "ModelNotFound": 404,
    "MethodNotAllowed": 405,
    "Retryable": 503,
    "RateLimited": 429,
    "ModelLoading": 503,
    "QueueFull": 503,
    "ShuttingDown": 503,
    "EngineError": 500,
    "EngineDied": 500,
    "EngineTimeout": 504,
    "ModelLoadFailed": 500,
    "ReadingUnavailable": 501,
    "NpuUnavailable": 501,
    "NetlinkUnavailable": 501,
    "Cancelled": 499,
    "ConfigError": 500,
    "HubUnreachable": 503,
    "HubFailed": 502,
    "StorageFailed": 500,
    "DiskFull": 507,
    "ToolFailed": 500,
    "LeverStuck": 500,
    "GovernorStuck": 500,
    "NameTaken": 500,
}


OUTSIDE = [["appliance", name] for name in "cli firstboot importing watchdog".split()]


def family(kind: type[LunaError]) -> set[type[LunaError]]:
    return {kind}.union(*(family(child) for child in kind.__subclasses__()))


def every_error() -> set[type[LunaError]]:
    for module in pkgutil.walk_packages(appliance.__path__, "appliance."):
        if not module.name.startswith("appliance.guide.") and "__main__" not in module.name:
            importlib.import_module(module.name)
    found = family(LunaError)
    # These and the other package have errors which no server ever answers with.
    modules = {kind: kind.__module__.split(".")[:2] for kind in found}
    return {
        kind
        for kind, module in modules.items()
        if module[0] == "appliance" and module not in OUTSIDE
    }


def test_each_error_has_the_status_of_its_kind() -> None:
    found = {kind.__name__: status_of(kind.__new__(kind)) for kind in every_error()}
    assert {name: status for name, status in found.items() if name in STATUS} == STATUS


def test_no_error_is_a_fault_of_the_server_by_oversight() -> None:
    for kind in every_error() - {LunaError}:
        nearest = next(parent for parent in kind.__mro__ if parent in errors.STATUS)
        assert nearest is not LunaError or kind.__name__ in STATUS, kind


def test_codes_are_stable_names() -> None:
    codes = [kind.code for kind in every_error() if "code" in vars(kind)]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_what_an_error_carries() -> None:
    error = LunaError("A sentence.", param="a.b")
    assert (str(error), error.message, error.param) == ("A sentence.", "A sentence.", "a.b")
    assert Retryable("x", retry_after=7).retry_after == 7
    with pytest.raises(TypeError):
        MethodNotAllowed("x")  # type: ignore[call-arg]
