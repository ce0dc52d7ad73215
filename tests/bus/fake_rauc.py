"""RAUC as far as Luna speaks to it, with systemd's units and the restart beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from appliance.system.bus import Call, CallFailed, Variant

BOARD = "luna-virt-arm64"
NAMES = ("de.pengutronix.rauc", "org.freedesktop.systemd1", "org.freedesktop.login1")
FAILED = "org.gtk.GDBus.UnmappedGError.Quark._rauc_2d_error.Code0"


def slot(
    name: str, state: str, boot_status: str, version: str = "", status: str = "ok"
) -> tuple[str, dict[str, Any]]:
    """A row of GetSlotStatus."""
    values = {"bootname": name, "state": state, "boot-status": boot_status, "class": "rootfs"}
    if version:
        values |= {"bundle.version": version, "status": status}
    return f"rootfs.{'AB'.index(name)}", {key: Variant("s", text) for key, text in values.items()}


@dataclass
class FakeRauc:
    """Slot A runs and B can be started; every unit is active. `asked` has what was wanted of it.

    A bundle is of the version that `bundles` has for its name, else `bundle`; "" is signed wrongly.
    An installation takes as many looks as `steps` has, and ends with `error`.
    """

    slots: list[tuple[str, dict[str, Any]]] = field(
        default_factory=lambda: [slot("B", "inactive", "good", "1.0"), slot("A", "booted", "good")]
    )
    bundle: str = "2.0"
    bundles: dict[str, str] = field(default_factory=dict)
    made_for: str = BOARD
    steps: list[tuple[int, str]] = field(
        default_factory=lambda: [(20, "Checking"), (60, "Copying")]
    )
    error: str = ""
    # Units that are not named are active.
    unit_states: dict[str, str] = field(default_factory=lambda: {"luna-confirm": "inactive"})
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    _installing: bool = False

    async def answer(self, call: Call) -> tuple[str, tuple[Any, ...]]:
        """What the services reply."""
        match (call.member, call.body):
            case ("GetSlotStatus", ()):
                return "a(sa{sv})", ([list(row) for row in self.slots],)
            case ("GetAll", _):
                return "a{sv}", (self._properties(),)
            case ("Info", (source,)):
                version = self.bundles.get(source.rpartition("/")[2], self.bundle)
                if not version:
                    raise CallFailed(FAILED, f"{source}: signature verification failed")
                return "ss", (self.made_for, version)
            case ("ListUnitsByNames", (units,)):
                return "a(ssssssouso)", ([self._unit(unit) for unit in units],)
        self.asked.append((call.member, *call.body))
        if call.member == "Mark":
            return "ss", ("rootfs.0", "marked")
        self._installing = call.member == "InstallBundle"
        return "", ()

    def _unit(self, unit: str) -> list[Any]:
        state = self.unit_states.get(unit.removesuffix(".service"), "active")
        return [unit, "", "loaded", state, "", "", "/", 0, "", "/"]

    def _properties(self) -> dict[str, Variant]:
        percent, message = 100, "Installing done."
        busy = self._installing and bool(self.steps)
        if busy:
            percent, message = self.steps.pop(0)
        return {
            "Operation": Variant("s", "installing" if busy else "idle"),
            "Progress": Variant("(isi)", [percent, message, 1]),
            "LastError": Variant("s", self.error),
            "Compatible": Variant("s", BOARD),
        }
