"""A model on the NPU: its library, address space and process, and the language it speaks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from appliance.domain.sampling import Sampling
from appliance.engines.base import ModelSpec
from appliance.engines.rkllm import command
from appliance.engines.rkllm.adapters import Adapter
from appliance.engines.rkllm.chat.pooling import Pooling, pooling_of
from appliance.engines.rkllm.chat.prefixfiles import Identity, model_identity
from appliance.engines.rkllm.domains import Domains
from appliance.engines.rkllm.locate import find_library
from appliance.engines.rkllm.process import NpuProcess, Pauses
from appliance.engines.rkllm.speech import Speech
from appliance.engines.rkllm.values import Load
from appliance.engines.rkllm.version import RuntimeVersion, read_version
from appliance.errors import EngineError, ModelLoadFailed, ModelLoading, ReadingUnavailable
from appliance.settings import NpuEngineSettings
from appliance.system.memory import peak_rss_bytes
from appliance.system.processes import Spawner, parse_cpus

_SLOWEST_DISK = 10e6  # bytes per second: an SD card in a bad mood
_STEP = 32  # the runtime wants contexts in steps of so many tokens


@dataclass(frozen=True, slots=True)
class NpuSpec:
    """What only models of the NPU have beside a `ModelSpec`.

    `folder` holds the tokenizer's files, None for a bare file. Every answer ends at a string of
    `stop`. `pooling` makes one vector of a text's hidden states; None leaves it to the folder.
    """

    common: ModelSpec
    folder: Path | None = None
    stop: tuple[str, ...] = ()
    pooling: Literal["mean", "last"] | None = None


class NpuModel:
    """Loads and unloads; all methods may be called from any thread."""

    def __init__(
        self,
        spec: NpuSpec,
        settings: NpuEngineSettings,
        spawner: Spawner,
        domains: Domains,
        pauses: Pauses | None = None,
    ) -> None:
        self.spec = spec
        self._settings = settings
        self._domains = domains
        self._lock = threading.Lock()
        self._domain: int | None = None
        self._failure: ModelLoadFailed | None = None
        self._version: RuntimeVersion | None = None
        self._speech: Speech | None = None
        self._identity: Identity | None = None
        self._first_peak: tuple[int | None, int] | None = None
        self.pooling = Pooling(spec.pooling or "mean")
        self.context = spec.common.context // _STEP * _STEP or _STEP
        self.process = NpuProcess(
            spec.common.id,
            self._command,
            60 + spec.common.size_bytes / _SLOWEST_DISK,
            spawner,
            pauses,
        )

    @property
    def state(self) -> str:
        """One of loading, loaded, failed, unloaded."""
        return "failed" if self._failure is not None else str(self.process.child.state)

    @property
    def version(self) -> RuntimeVersion:
        """The runtime's; raises ModelLoading before the first start."""
        if self._version is None:
            raise ModelLoading("The model is not loaded; try again in a moment.")
        return self._version

    @property
    def speech(self) -> Speech:
        """The model's language; raises ModelLoading before the first start."""
        if self._speech is None:
            raise ModelLoading("The model is not loaded; try again in a moment.")
        return self._speech

    def identity(self, adapter: Adapter | None = None) -> Identity:
        """What the state of a prompt depends on, beside its tokens; raises EngineError."""
        with self._lock:
            if self._identity is None:
                self._identity = Identity(
                    _identified(self.spec.common.path),
                    self.version.text,
                    self.speech.digest,
                    context=self.context,
                )
            if adapter is None:
                return self._identity
        return replace(self._identity, lora=f"{_identified(adapter.path)} {adapter.scale}")

    def start(self) -> None:
        """Begin to load, also after a failure; what is wrong is told by `wait_ready`."""
        with self._lock:
            self._failure = None
            try:
                self._version = read_version(self._library(), self._settings.version)
                if self._domain is None:
                    self._domain = self._domains.take(self.spec.common.size_bytes)
            except ModelLoadFailed as error:
                self._failure = error
                return
        self.process.child.start()

    def wait_ready(self, timeout: float) -> None:
        """Return when the model is loaded; ModelLoading after `timeout` seconds, or why not."""
        if self._failure is not None:
            raise self._failure
        with self._lock:
            if self._speech is None:
                self._speech = self._learn()
        self.process.child.wait_ready(timeout)

    def stop(self) -> None:
        """Unload; returns when the memory is free."""
        self.process.child.stop()
        self.process.close()
        with self._lock:
            if self._domain is not None:
                self._domains.give_back(self._domain)
                self._domain = None

    def check_growth(self) -> None:
        """Replace a process that leaks; for the moment after a run."""
        pid = self.process.child.pid
        try:
            peak = peak_rss_bytes(pid) if pid is not None else 0
        except ReadingUnavailable:
            return
        if self._first_peak is None or self._first_peak[0] != pid:
            self._first_peak = (pid, peak)
        elif (grown := peak - self._first_peak[1]) > self._settings.leak_bytes:
            self.process.replace(
                f"The NPU runtime has leaked {grown // 2**20} MiB; its process was replaced"
            )

    def _learn(self) -> Speech:
        try:
            if self.spec.pooling is None and self.spec.folder is not None:
                self.pooling = pooling_of(self.spec.folder)
            return Speech.load(self.spec.folder, self.spec.common.chat_template)
        except ModelLoadFailed as error:
            self._failure = error
            self.process.child.stop()
            raise

    def _library(self) -> Path:
        return find_library(self._settings.library)

    def _command(self, socket: Path) -> list[str]:
        common, settings = self.spec.common, self._settings
        assert self._domain is not None
        load = Load(
            model=common.path,
            context=self.context,
            max_new_tokens=self.context,
            sampling=greedy(common.defaults),
            cpus=parse_cpus(settings.cpus),
            domain=self._domain,
            embed_flash=settings.embed_flash,
        )
        return command.build(self._library(), settings.version, load, socket)


def greedy(sampling: Sampling) -> Sampling:
    """The same, with temperature 0 said in a way that leaves no choice."""
    return replace(sampling, top_k=1) if sampling.temperature == 0 else sampling


def _identified(path: Path) -> str:
    try:
        return model_identity(path)
    except OSError as error:
        raise EngineError(
            f"The file {path.name} cannot be read any more ({error.strerror}); copy it again."
        ) from error
