from __future__ import annotations

import subprocess
import sys
import threading

from appliance.system.ending import Ending

# A signal at any moment around `wait`, some of them within.
_ROUNDS = """
import signal, sys
from appliance.system.ending import Ending

for number in range(20_000):
    ending = Ending.on(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 1e-6 * (1 + number % 40))
    if not ending.wait(20.0):
        sys.exit("a signal was lost")
"""
_OTHER_SIGNALS = """
import signal, sys
from appliance.system.ending import Ending

signal.signal(signal.SIGALRM, lambda *_: None)
ending = Ending.on(signal.SIGTERM)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
sys.exit(ending.wait(0.1))
"""


def test_a_signal_at_any_moment_ends_the_wait() -> None:
    subprocess.run([sys.executable, "-c", _ROUNDS], check=True, timeout=60.0)


def test_other_signals_do_not() -> None:
    subprocess.run([sys.executable, "-c", _OTHER_SIGNALS], check=True, timeout=60.0)


def test_it_stays_asked_for() -> None:
    ending = Ending()
    assert not ending.is_set()
    assert not ending.wait(0.0)
    for _ in range(100_000):  # more than a pipe holds
        ending.set()
    assert all(ending.wait() for _ in range(4))
    assert ending.is_set()


def test_another_thread_may_ask() -> None:
    ending = Ending()
    asking = threading.Timer(0.05, ending.set)
    asking.start()
    assert ending.wait(20.0)
    asking.join()
