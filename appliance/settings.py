"""What can be set: one frozen type a section. `config.py` fills them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[int, Meta(ge=1)]
Limit = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Cpus = Annotated[str, Meta(pattern=r"^(\d{1,4}(-\d{1,4})?(, ?\d{1,4}(-\d{1,4})?)*)?$")]


class Listener(Struct, frozen=True, forbid_unknown_fields=True):
    """One more address to serve the same API on.

    `dialect` names the clients who look for their server there: where the documents of two disagree
    about a path, theirs counts.
    """

    port: Port
    host: str = ""
    dialect: Literal["", "wingman", "ollama"] = ""


class ServerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP server; `port` 0 takes any free one, TLS is on when both files are named."""

    host: str = "0.0.0.0"  # the API is for the local network
    port: Port = 8080
    listeners: tuple[Listener, ...] = ()
    workers: Positive = 192
    body_bytes: Positive = 32 * 2**20
    cors_origins: tuple[str, ...] = ("*",)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    drain_seconds: Seconds = 20.0
    access_log: bool = True


class AccessSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is trusted.

    `hosts` are further names of this server, `origins` are web pages of elsewhere that may change
    things; "*" means all of either. `admin_networks` are addresses of this device with their
    network, as "10.42.0.1/24": who asks for that address from within administers. A client may
    show `wrong_keys` in a minute.
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    admin_networks: tuple[str, ...] = ()
    wrong_keys: Positive = 20


class RateSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How often a client may ask in a minute, by the kind of what it asks for; 0 is no limit.

    `generate`, `status` and `browser` are Browser LLM's, as its documents have them; `log` is
    what clients write to the log.
    """

    inference: Limit = 0
    administration: Limit = 0
    other: Limit = 0
    generate: Limit = 60
    status: Limit = 120
    browser: Limit = 300
    log: Limit = 60


class ModelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where models are and which one answers to which name.

    An unknown name falls back to the default model when `fallback` is on. `default` "" means the
    newest usable model in the folder, or the bundled guide when there is none. Up to `max_loaded`
    models stay in memory, as long as they need no more than `memory_bytes`; 0 means three quarters
    of the machine's. The `pinned` ones are loaded at the start and never leave.
    """

    folder: Path | None = None
    default: str = ""
    fallback: bool = True
    aliases: Mapping[str, str] = field(default_factory=lambda: {"luna-small": ""})
    max_loaded: Positive = 2
    memory_bytes: Annotated[int, Meta(ge=0)] = 0
    pinned: tuple[str, ...] = ()
    load_wait_seconds: Seconds = 20.0


class DownloadSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where models are fetched from: a hub that speaks Hugging Face's API.

    `token_file` holds an access token for repositories that ask for one. A download that would
    leave less than `keep_free_bytes` on the disk does not begin. `offers` are the repositories that
    /api/models shows before anything was fetched; none means that nobody is asked.
    """

    hub: str = "https://huggingface.co"
    token_file: Path | None = None
    parallel: Positive = 2
    keep_free_bytes: Annotated[int, Meta(ge=0)] = 2**30
    offers: tuple[str, ...] = tuple(
        "Qwen/Qwen3-0.6B-GGUF Qwen/Qwen3-1.7B-GGUF Qwen/Qwen2.5-3B-Instruct-GGUF "
        "bartowski/Llama-3.2-1B-Instruct-GGUF ggml-org/gemma-3-1b-it-GGUF".split()
    )


class CpuEngineSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """llama.cpp in a child process; `cpus` like "4-7" pins it, `threads` 0 means one a CPU.

    `llama_server` "" is the built-in engine, where an image has chosen another. Saved slots of all
    models take up to `slot_bytes` of disk, then the oldest go.
    """

    llama_server: Path | None = None
    threads: Annotated[int, Meta(ge=0)] = 0
    cpus: Cpus = ""
    slots: Positive = 4
    context: Annotated[int, Meta(ge=0)] = 0
    batch: Positive = 256
    nice: Annotated[int, Meta(ge=0, le=19)] = 0
    slot_bytes: Annotated[int, Meta(ge=0)] = 4 * 2**30

    @property
    def program(self) -> Path | None:
        """The llama-server that runs instead of the built-in engine."""
        return None if self.llama_server == Path() else self.llama_server


class NpuEngineSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The vendor's RKLLM in a child process for each model; one request at a time.

    `library` None means the usual places, `version` what it is where its file names several.
    `cpus` compute what the NPU cannot. An abort has `abort_seconds` before the process is killed,
    and while the prompt is read also the time that takes at `slowest_prefill` tokens a second.
    Prompt caches take up to `cache_bytes` of disk. A process that has grown by `leak_bytes` since
    its first run is replaced between two runs.
    """

    library: Path | None = None
    version: str = ""
    cpus: Cpus = "4-7"
    context: Annotated[int, Meta(ge=0)] = 0
    embed_flash: bool = True
    abort_seconds: Annotated[float, Meta(gt=0)] = 5.0
    slowest_prefill: Annotated[float, Meta(gt=0)] = 30.0
    cache_bytes: Annotated[int, Meta(ge=0)] = 2 * 2**30
    leak_bytes: Positive = 2**30


class ResponseSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many responses are kept, none with `count` 0, and how large they are together."""

    count: Annotated[int, Meta(ge=0)] = 1000
    bytes: Annotated[int, Meta(ge=0)] = 64 * 2**20


class QueueSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many requests may wait for one model, and how long a silent engine is trusted."""

    length: Positive = 80
    stall_seconds: Annotated[float, Meta(gt=0)] = 60.0
    slowest_prefill: Annotated[float, Meta(gt=0)] = 5.0


class ToolSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Device tools: more folders than the shipped one, and the limits of a call."""

    folders: tuple[Path, ...] = (Path("/etc/luna/tools"),)
    seconds: Annotated[float, Meta(gt=0)] = 10.0
    rounds: Positive = 4


class MdnsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is announced on the local network, and where.

    `name` is for people, "" means `Luna` and the device's digits. `interfaces` are patterns like
    "eth*", none means every one that is not in `ignore`. `setup_mark` is a file that is there
    while the device waits to be set up, `auth_mark` one that the server leaves while it wants
    keys; `auth` says that it always does.
    """

    name: str = ""
    http: bool = True
    ollama: bool = False
    saturn: bool = False
    auth: bool = False
    setup_mark: Path = Path("/run/luna-provisioning/setup")
    auth_mark: Path = Path("/run/luna/keys-wanted")
    interfaces: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ("docker*", "br-*", "veth*", "virbr*", "vnet*", "cni*", "podman*")


class WatchdogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When the watchdog helps, and what it may do.

    `url` "" is the server's port on this machine; `folder` is where it remembers incidents, by
    default `watchdog` in the data folder. `unit` is what systemd calls the server. `canary_seconds`
    of rest are followed by a small inference; 0 never.
    """

    url: str = ""
    folder: Path | None = None
    unit: str = "luna-api.service"
    interval_seconds: Annotated[float, Meta(gt=0, le=10)] = 2.0
    stall_seconds: Annotated[float, Meta(gt=0)] = 20.0
    silent_seconds: Annotated[float, Meta(gt=0)] = 120.0
    hot_celsius: Annotated[float, Meta(ge=50, le=105)] = 80.0
    canary_seconds: Seconds = 0.0
    reboot: bool = True


class UpdateSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the newest firmware update is found, and whether an older one may be asked for."""

    url: Annotated[str, Meta(pattern=r"^(https?://.+)?$")] = ""
    allow_older: bool = True


class DeviceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What only a device of our own has: a boot that heeds the wish for a factory reset."""

    reset: bool = False


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set; `data` None means the XDG data folder."""

    data: Path | None = None
    server: ServerSettings = field(default_factory=ServerSettings)
    access: AccessSettings = field(default_factory=AccessSettings)
    rate: RateSettings = field(default_factory=RateSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    downloads: DownloadSettings = field(default_factory=DownloadSettings)
    cpu_engine: CpuEngineSettings = field(default_factory=CpuEngineSettings)
    npu_engine: NpuEngineSettings = field(default_factory=NpuEngineSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    responses: ResponseSettings = field(default_factory=ResponseSettings)
    tools: ToolSettings = field(default_factory=ToolSettings)
    mdns: MdnsSettings = field(default_factory=MdnsSettings)
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    device: DeviceSettings = field(default_factory=DeviceSettings)
    updates: UpdateSettings = field(default_factory=UpdateSettings)

    def data_folder(self, environ: Mapping[str, str]) -> Path:
        """Where state lives: `data`, or `$XDG_DATA_HOME/luna`."""
        if self.data is not None:
            return self.data
        home = Path(environ.get("HOME", "/"))
        return Path(environ.get("XDG_DATA_HOME") or home / ".local/share") / "luna"

    def models_folder(self, environ: Mapping[str, str]) -> Path:
        """Where models are dropped."""
        return self.models.folder or self.data_folder(environ) / "models"

    def database_file(self, environ: Mapping[str, str]) -> Path:
        """Where the server and the command line remember things."""
        return self.data_folder(environ) / "luna.db"

    def watchdog_folder(self, environ: Mapping[str, str]) -> Path:
        """Where the watchdog keeps its incidents."""
        return self.watchdog.folder or self.data_folder(environ) / "watchdog"
