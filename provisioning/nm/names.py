"""NetworkManager's names and numbers, as far as Luna uses them (nm-dbus-interface.h)."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

SERVICE: Final = "org.freedesktop.NetworkManager"
ROOT: Final = "/org/freedesktop"  # of the ObjectManager
MANAGER: Final = "/org/freedesktop/NetworkManager"
SETTINGS: Final = f"{MANAGER}/Settings"
NOTHING: Final = "/"  # the object path that stands for none

DEVICE: Final = f"{SERVICE}.Device"
WIRELESS: Final = f"{DEVICE}.Wireless"
ACCESS_POINT: Final = f"{SERVICE}.AccessPoint"
ACTIVE: Final = f"{SERVICE}.Connection.Active"
SETTINGS_INTERFACE: Final = f"{SERVICE}.Settings"
PROFILE: Final = f"{SETTINGS_INTERFACE}.Connection"
IP4: Final = f"{SERVICE}.IP4Config"
IP6: Final = f"{SERVICE}.IP6Config"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"


class DeviceKind(IntEnum):
    """NMDeviceType; those that a cable can be plugged into, and the radio."""

    ETHERNET = 1
    WIFI = 2
    BOND = 10
    VLAN = 11
    BRIDGE = 13
    TEAM = 15
    VETH = 20


class DeviceState(IntEnum):
    """NMDeviceState."""

    UNKNOWN = 0
    UNMANAGED = 10
    UNAVAILABLE = 20
    DISCONNECTED = 30
    PREPARE = 40
    CONFIG = 50
    NEED_AUTH = 60
    IP_CONFIG = 70
    IP_CHECK = 80
    SECONDARIES = 90
    ACTIVATED = 100
    DEACTIVATING = 110
    FAILED = 120


class ActiveState(IntEnum):
    """NMActiveConnectionState."""

    UNKNOWN = 0
    ACTIVATING = 1
    ACTIVATED = 2
    DEACTIVATING = 3
    DEACTIVATED = 4


class Reason(IntEnum):
    """NMDeviceStateReason: why a device changed its state, as far as it tells something."""

    NONE = 0
    UNKNOWN = 1
    CONFIG_FAILED = 4
    IP_CONFIG_UNAVAILABLE = 5
    NO_SECRETS = 7
    SUPPLICANT_DISCONNECT = 8
    SUPPLICANT_CONFIG_FAILED = 9
    SUPPLICANT_FAILED = 10
    SUPPLICANT_TIMEOUT = 11
    DHCP_START_FAILED = 15
    DHCP_ERROR = 16
    DHCP_FAILED = 17
    SHARED_START_FAILED = 18
    SHARED_FAILED = 19
    FIRMWARE_MISSING = 35
    REMOVED = 36
    USER_REQUESTED = 39
    SSID_NOT_FOUND = 53
    NEW_ACTIVATION = 60
    IP_ADDRESS_DUPLICATE = 64


class Capability(IntFlag):
    """NMDeviceWifiCapabilities."""

    ACCESS_POINT = 0x40
    FREQUENCIES_KNOWN = 0x100
    BAND_2GHZ = 0x200
    BAND_5GHZ = 0x400


class Mode(IntEnum):
    """NM80211Mode."""

    UNKNOWN = 0
    ADHOC = 1
    STATION = 2
    ACCESS_POINT = 3
    MESH = 4


class Save(IntFlag):
    """NMSettingsUpdate2Flags and NMSettingsAddConnection2Flags: where a profile is kept."""

    TO_DISK = 0x1
    IN_MEMORY = 0x2


class CheckpointFlag(IntFlag):
    """NMCheckpointCreateFlags."""

    DESTROY_ALL = 0x1
    DELETE_NEW_CONNECTIONS = 0x2
    DISCONNECT_NEW_DEVICES = 0x4
