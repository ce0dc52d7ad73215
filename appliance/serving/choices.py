"""Several choices of one request, generated side by side and told as one stream."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Event
from appliance.errors import Cancelled, EngineError, LunaError
from appliance.serving.answer import ChoiceEvent

Maker = Callable[[CancelToken], Iterator[Event]]


def interleave(makers: Sequence[Maker], cancel: CancelToken) -> Generator[ChoiceEvent]:
    """Run each maker's events to their end; the first error of any ends all, and is raised."""
    if len(makers) == 1:
        for event in makers[0](cancel):
            yield ChoiceEvent(0, event)
        return
    inner = CancelToken()
    told: queue.SimpleQueue[ChoiceEvent | LunaError | None] = queue.SimpleQueue()
    threads = [
        threading.Thread(
            target=_tell, args=(index, maker, inner, told), name=f"luna-choice-{index}", daemon=True
        )
        for index, maker in enumerate(makers)
    ]
    with cancel.calling(lambda: inner.cancel(cancel.reason)):
        try:
            for thread in threads:
                thread.start()
            running = len(threads)
            while running:
                item = told.get()
                if item is None:
                    running -= 1
                elif isinstance(item, LunaError):
                    raise item
                else:
                    yield item
        finally:
            inner.cancel(Cancelled("Another choice of the same request failed or was closed."))
            for thread in threads:
                thread.join()


def _tell(
    index: int,
    maker: Maker,
    cancel: CancelToken,
    told: queue.SimpleQueue[ChoiceEvent | LunaError | None],
) -> None:
    try:
        for event in maker(cancel):
            told.put(ChoiceEvent(index, event))
    except LunaError as error:
        told.put(error)
    except BaseException:
        told.put(EngineError("The engine's answer could not be read; the log has the details."))
        raise
    else:
        told.put(None)
