"""`python -m appliance.engines.rkllm.host`: one model on the NPU, in a process of its own.

It is ready when it has said mark 0 in its log: library, driver and model were accepted by then,
and one token was generated. Orders (see `wire`) are taken on a Unix socket. SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import signal
import socket
import sys
import threading
from pathlib import Path

from appliance.engines.rkllm.board import check_board
from appliance.engines.rkllm.driver import check_driver, read_driver_version
from appliance.engines.rkllm.library import open_library
from appliance.engines.rkllm.runtime import Runtime
from appliance.engines.rkllm.values import Run
from appliance.engines.rkllm.wire import decode_load
from appliance.engines.rkllm.worker import Worker, tell_log
from appliance.errors import LunaError
from appliance.system.board import read_board

_EXPLAINABLE = 70  # EX_SOFTWARE: the reason stands on stderr
_FILES = 65536  # the runtime opens a handle for each of many buffers
_LAST_RUN = 1.5  # seconds for a run to end before the process does
_LINE_BUFFERED = 1  # _IOLBF of stdio.h
_SMOKE = Run("Hi", max_new_tokens=1)


def main() -> int:
    """Load, prove that it works, and serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="host")
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--version", default="", help="where several stand in the library")
    parser.add_argument("--load", type=decode_load, required=True, help="JSON of values.Load")
    parser.add_argument("--socket", required=True)
    args = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    _flush_every_line()
    _allow_files()
    try:
        check_board(args.load.model, read_board().compatible)
        check_driver(read_driver_version())
        runtime = Runtime(open_library(args.library, args.version), args.load)
        runtime.run(_SMOKE, lambda piece: True)
        runtime.clear_context()
    except LunaError as error:
        print(f"luna: {error.message}", file=sys.stderr)
        return _EXPLAINABLE
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(args.socket)
        listener.listen()
        _serve(runtime, listener)
    return 0


def _serve(runtime: Runtime, listener: socket.socket) -> None:
    """Work in a second thread, so that this one can wait for the signal."""
    worker = threading.Thread(target=_work, args=(runtime, listener), name="worker", daemon=True)
    worker.start()
    tell_log(0)
    signal.sigwait({signal.SIGTERM})
    listener.shutdown(socket.SHUT_RDWR)
    runtime.abort()
    worker.join(_LAST_RUN)
    if not worker.is_alive():
        runtime.destroy()
    sys.stderr.flush()
    os._exit(0)  # what the library has at exit was never meant to run beside a run that hangs


def _work(runtime: Runtime, listener: socket.socket) -> None:
    try:
        Worker(runtime).serve(listener)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def _flush_every_line() -> None:
    """C's stdout is a pipe: what the library prints there would be lost when it crashes."""
    libc = ctypes.CDLL(None)
    stdout = ctypes.c_void_p.in_dll(libc, "stdout")
    libc.setvbuf(stdout, None, _LINE_BUFFERED, ctypes.c_size_t(0))


def _allow_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main())
