"""A model in the vendor's library: the one small door through which it is used."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import Structure, byref, c_int, c_int32, c_void_p, pointer
from pathlib import Path
from typing import Any

from appliance.engines.rkllm import sampling
from appliance.engines.rkllm.abi import (
    RKLLMInputType,
    RKLLMLoraAdapter,
    RKLLMLoraParam,
    RKLLMPromptCacheParam,
)
from appliance.engines.rkllm.failures import CallFailed, InitFailed, RunFailed
from appliance.engines.rkllm.library import Library
from appliance.engines.rkllm.relay import Relay
from appliance.engines.rkllm.values import Listener, Load, Run, RunEnd
from appliance.errors import BadRequest

_INT32_MAX = 2**31 - 1


class Runtime:
    """One loaded model. Everything but `abort` is for one thread at a time; others are refused.

    Loading and running block, and a fault of the library or the driver may hang or kill the
    process: this belongs into a child of its own.
    """

    def __init__(self, library: Library, load: Load) -> None:
        self._calls, self._abi = library.calls, library.abi
        self._load = load
        self._one_at_a_time = threading.Lock()
        self._relay = Relay(releases=self._abi.releases)
        self._loras: set[str] = set()
        self._running = False
        self._param = self._parameters()
        # Kept, because nothing says that the library copies the struct.
        self._callback: Any = self._relay.function
        if self._abi.callback is not None:
            self._callback = self._abi.callback(result_callback=self._relay.function)
        self._handle: c_void_p | None = self._init()

    def run(self, run: Run, listener: Listener) -> RunEnd:
        """Run to the end, or until `listener` returns False, or `abort` takes effect.

        What the listener raises ends the run and is raised here. Raises RunFailed, BadRequest.
        """
        given, how = self._input(run), self._how(run)
        # Before 1.3.0 the library knows no limit of one run.
        limit = run.max_new_tokens if self._abi.sampling is None else 0
        with self._alone() as handle:
            self._relay.begin(listener, limit)
            self._running = True
            try:
                code = self._calls.rkllm_run(handle, byref(given), byref(how), None)
            finally:
                self._running = False
            return self._outcome(code)

    def abort(self) -> None:
        """Ask the run under way to end soon, from any thread; in the prompt that takes a while.

        Without a run, nothing happens. The context is of no use afterwards: clear it.
        """
        handle = self._handle
        if handle is not None and self._running:
            self._relay.stop()
            self._calls.rkllm_abort(handle)

    def clear_context(self) -> None:
        """Forget the conversation in memory."""
        with self._alone() as handle:
            code = self._calls.rkllm_clear_kv_cache(handle, 0, None, None)
        _expect(code, "could not clear its context; load the model again")

    def context_tokens(self) -> int:
        """How many tokens are in memory."""
        size = c_int(0)
        with self._alone() as handle:
            code = self._calls.rkllm_get_kv_cache_size(handle, byref(size))
        _expect(code, "could not tell the size of its context; load the model again")
        return size.value

    def load_prompt_cache(self, path: Path) -> None:
        """Start prompts that begin with a saved one (`Run.save_cache`) from its state."""
        with self._alone() as handle:
            code = self._calls.rkllm_load_prompt_cache(handle, os.fsencode(path))
        _expect(code, f"does not accept the prompt cache {path.name}; delete it, it is made anew")

    def release_prompt_cache(self) -> None:
        """Free what `load_prompt_cache` loaded; needed before another is loaded."""
        with self._alone() as handle:
            code = self._calls.rkllm_release_prompt_cache(handle)
        _expect(code, "could not release its prompt cache; load the model again")

    def load_lora(self, name: str, path: Path, scale: float = 1.0) -> None:
        """Make an adapter known under `name`, for runs that ask for it."""
        adapter = RKLLMLoraAdapter(os.fsencode(path), name.encode(), scale)
        with self._alone() as handle:
            code = self._calls.rkllm_load_lora(handle, byref(adapter))
        _expect(code, f"does not accept the LoRA adapter {path.name}; convert it for this model")
        self._loras.add(name)

    def destroy(self) -> None:
        """Free the model and its memory on the NPU; a second time does nothing."""
        if self._handle is None:
            return
        with self._alone() as handle:
            self._handle = None
            code = self._calls.rkllm_destroy(handle)
        _expect(code, "could not free the model; end its process")

    def _parameters(self) -> Structure:
        load = self._load
        param: Any = self._calls.rkllm_createDefaultParam()
        param.model_path = os.fsencode(load.model)
        if load.context:
            param.max_context_len = load.context
        if load.max_new_tokens:
            param.max_new_tokens = load.max_new_tokens
        sampling.apply(load.sampling, param)
        if sampling.can_ignore_eos(self._abi):
            param.ignore_eos_token = load.sampling.ignore_eos
        param.skip_special_token = load.skip_special_tokens
        param.is_async = False
        extend = param.extend_param
        extend.base_domain_id = load.domain
        extend.embed_flash = load.embed_flash
        extend.enabled_cpus_num = len(load.cpus)
        extend.enabled_cpus_mask = sum(1 << cpu for cpu in load.cpus)
        extend.n_batch = 1
        extend.use_cross_attn = 0
        return param  # type: ignore[no-any-return]

    def _init(self) -> c_void_p:
        name = self._load.model.name
        if not self._load.model.is_file():
            raise InitFailed(f"The model file {name} is not there; copy it into its folder again.")
        handle = c_void_p()
        callback = self._callback if self._abi.callback is None else byref(self._callback)
        code = self._calls.rkllm_init(byref(handle), byref(self._param), callback)
        if code != 0:
            raise InitFailed(
                f"The NPU runtime could not load {name} (code {code}); what it printed says why."
            )
        if not handle.value:
            raise InitFailed(
                f"The NPU runtime claims to have loaded {name}, but gave nothing to use it with; "
                "what it printed says why."
            )
        return handle

    @contextmanager
    def _alone(self) -> Iterator[c_void_p]:
        if not self._one_at_a_time.acquire(blocking=False):
            raise CallFailed("The NPU runtime does one thing at a time; wait for the run to end.")
        try:
            if self._handle is None:
                raise CallFailed("The model was unloaded; load it again.")
            yield self._handle
        finally:
            self._one_at_a_time.release()

    def _input(self, run: Run) -> Structure:
        given: Any = self._abi.input(role=run.role.encode(), enable_thinking=run.thinking)
        if not run.prompt:
            raise BadRequest("The prompt is empty; send at least one token.")
        if isinstance(run.prompt, str):
            if "\0" in run.prompt:
                raise BadRequest("The prompt has a NUL character, which the NPU cannot be given.")
            given.input_type = RKLLMInputType.PROMPT
            given.prompt_input = run.prompt.encode(errors="replace")
        else:
            if min(run.prompt) < 0 or max(run.prompt) > _INT32_MAX:
                raise BadRequest("A token id of the prompt is outside of 0 to 2147483647.")
            given.input_type = RKLLMInputType.TOKEN
            given.token_input.input_ids = (c_int32 * len(run.prompt))(*run.prompt)
            given.token_input.n_tokens = len(run.prompt)
        return given  # type: ignore[no-any-return]

    def _how(self, run: Run) -> Structure:
        how: Any = self._abi.infer(mode=run.mode, keep_history=run.keep_history)
        if run.lora:
            if run.lora not in self._loras:
                raise BadRequest(f"There is no LoRA adapter '{run.lora}'; load it, or name none.")
            how.lora_params = pointer(RKLLMLoraParam(run.lora.encode()))
        if run.save_cache is not None:
            cache = RKLLMPromptCacheParam(1, os.fsencode(run.save_cache))
            how.prompt_cache_params = pointer(cache)
        own = sampling.of_run(self._abi, self._param, run.sampling)
        if own is not None:
            how.sampling_params = pointer(own)
            how.max_new_tokens = run.max_new_tokens
        return how  # type: ignore[no-any-return]

    def _outcome(self, code: int) -> RunEnd:
        relay = self._relay
        if relay.error is not None:
            raise relay.error
        if relay.stopped or relay.limited:
            return RunEnd(relay.perf, relay.tokens, stopped=relay.stopped, limited=relay.limited)
        if relay.failed or code != 0:
            raise RunFailed(
                f"The NPU runtime failed in the middle of the run (code {code}); what it printed "
                "says why."
            )
        if not relay.finished:
            raise RunFailed("The NPU runtime ended the run without finishing it.")
        return RunEnd(relay.perf, relay.tokens)


def _expect(code: int, what: str) -> None:
    if code != 0:
        raise CallFailed(f"The NPU runtime {what} (code {code}).")
