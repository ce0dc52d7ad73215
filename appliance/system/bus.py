"""The message bus (D-Bus): connections, calls, signals.

dbus-next 0.2.3, whose only door this is (with `bus_connection`), is used for what is hard and
settled: authentication and marshalling. Its proxies and service classes are not, because calls
that never return, handlers that have to be of one arity and reply handlers that leak are all in
there. So here every call ends with an answer, BusLost or NoAnswer; a connection that is lost stays
lost, and a new one is made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from dbus_next.constants import MessageFlag, MessageType
from dbus_next.errors import AuthError
from dbus_next.message import Message
from dbus_next.signature import Variant

from appliance.errors import LunaError, Retryable
from appliance.system.bus_connection import Connection

__all__ = ["Bus", "BusError", "BusLost", "Call", "CallFailed", "NameTaken", "NoAnswer", "Signal"]
__all__ += ["Variant", "connect", "plain"]

CALL_SECONDS: Final = 25.0  # what libdbus waits by default
_DAEMON: Final = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_log = logging.getLogger(__name__)


class BusError(Retryable):
    """The message bus, or a service on it, did not do what was asked."""

    code = "bus_error"


class BusLost(BusError):
    """There is no connection to the bus, or no longer."""

    code = "bus_lost"


class NoAnswer(BusError):
    """The called service took longer than it may."""

    code = "no_answer"


class NameTaken(LunaError):
    """Another process owns the name already."""

    code = "name_taken"


class CallFailed(BusError):
    """The called service answered with an error; `name` is the error's D-Bus name."""

    code = "call_failed"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Call:
    """A method call from another process; `sender` is its unique name."""

    sender: str
    path: str
    interface: str
    member: str
    signature: str
    body: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal of a service that is watched; the body has no variants."""

    path: str
    interface: str
    member: str
    body: tuple[Any, ...]


# Answers a call with a signature and a body that fits it, or raises CallFailed.
Answerer = Callable[[Call], Awaitable[tuple[str, tuple[Any, ...]]]]
Listener = Callable[[Signal], None]
OwnerListener = Callable[[bool], None]


def plain(value: Any) -> Any:
    """The value without its variants, at every depth."""
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


async def connect(address: str | None = None, *, call_seconds: float = CALL_SECONDS) -> Bus:
    """A connection to the bus at `address`, the system bus by default. Raises BusLost."""
    try:
        async with asyncio.timeout(call_seconds):
            connection = Connection(address)
            try:
                await connection.connect()
            except BaseException:
                connection.shut()
                raise
    except (OSError, EOFError, AuthError, ValueError, TimeoutError) as error:
        raise BusLost(
            f"The message bus cannot be reached ({str(error) or 'it does not answer'}); "
            "check that the service dbus runs."
        ) from error
    return Bus(connection, call_seconds)


class Bus:
    """One connection. Everything here belongs to the event loop that `connect` ran in."""

    def __init__(self, connection: Connection, call_seconds: float) -> None:
        self._connection = connection
        self._seconds = call_seconds
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._listeners: list[tuple[str, str, Listener]] = []
        self._owners: dict[str, str] = {}
        self._owner_listeners: list[tuple[str, OwnerListener]] = []
        self._answerer: Answerer | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self.lost = asyncio.Event()
        connection.add_message_handler(self._take)
        connection.ended.add_done_callback(lambda _: self._end())

    @property
    def unique_name(self) -> str:
        """How the bus calls this connection."""
        return str(self._connection.unique_name)

    async def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        *body: Any,
        seconds: float | None = None,
    ) -> tuple[Any, ...]:
        """The body of the answer, without variants. Raises CallFailed, BusLost or NoAnswer."""
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
            serial=self._connection.next_serial(),
        )
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[message.serial] = answer
        try:
            self._send(message)
            async with asyncio.timeout(self._seconds if seconds is None else seconds):
                reply = await answer
        except TimeoutError as error:
            raise NoAnswer(f"{destination} did not answer to {member} in time.") from error
        finally:
            del self._waiting[message.serial]
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else str(reply.error_name)
            raise CallFailed(str(reply.error_name), text)
        return tuple(plain(reply.body))

    async def watch(self, sender: str, path_namespace: str, listener: Listener) -> None:
        """Call `listener` with every signal of the service `sender` at or below a path.

        The sender is checked here too: a signal that is addressed to this connection passes by the
        bus's own rules, so anybody could pretend to be the service.
        """
        await self.follow(sender)
        self._listeners.append((sender, path_namespace, listener))
        rule = f"type='signal',sender='{sender}',path_namespace='{path_namespace}'"
        await self.call(*_DAEMON, "AddMatch", "s", rule)

    async def follow(self, name: str, listener: OwnerListener | None = None) -> bool:
        """Whether a service owns `name`; `listener` hears of every change from now on."""
        if listener is not None:
            self._owner_listeners.append((name, listener))
        if name in self._owners:
            return bool(self._owners[name])
        self._owners[name] = ""
        rule = f"type='signal',sender='{_DAEMON[0]}',member='NameOwnerChanged',arg0='{name}'"
        await self.call(*_DAEMON, "AddMatch", "s", rule)
        try:
            (owner,) = await self.call(*_DAEMON, "GetNameOwner", "s", name)
        except CallFailed:
            return bool(self._owners[name])
        self._owners[name] = str(owner)
        return True

    async def own(self, name: str) -> None:
        """Become the owner of `name`. Raises NameTaken, or CallFailed where policy forbids it."""
        do_not_queue = 4
        (answer,) = await self.call(*_DAEMON, "RequestName", "su", name, do_not_queue)
        if answer not in (1, 4):  # it is ours, it was ours
            raise NameTaken(f"Another process already is {name}; stop it first.")

    def answer_calls(self, answerer: Answerer) -> None:
        """Have calls from other processes answered, each in a task of its own."""
        self._answerer = answerer

    def emit(self, path: str, interface: str, member: str, signature: str, *body: Any) -> None:
        """Send a signal; one that cannot be sent any more is dropped."""
        signal = Message.new_signal(path, interface, member, signature, list(body))
        if not self.lost.is_set():
            self._send(signal)

    def raise_if_lost(self) -> None:
        """Raise BusLost if there is no connection any more."""
        if self.lost.is_set():
            raise BusLost("There is no connection to the message bus any more.")

    async def close(self) -> None:
        """Hang up; calls under way raise BusLost."""
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)
        self._connection.shut()
        self._end()

    def _end(self) -> None:
        self.lost.set()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(BusLost("The message bus hung up; it is tried again."))

    def _send(self, message: Message) -> None:
        self.raise_if_lost()
        sent = self._connection.send(message)
        sent.add_done_callback(lambda future: future.cancelled() or future.exception())

    def _take(self, message: Message) -> bool:
        """Everything is ours; dbus-next's own handlers see nothing."""
        if message.message_type is MessageType.METHOD_CALL:
            task = asyncio.get_running_loop().create_task(self._answer(message))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif message.message_type is MessageType.SIGNAL:
            self._hear(message)
        else:
            answer = self._waiting.get(message.reply_serial)
            if answer is not None and not answer.done():
                answer.set_result(message)
        return True

    def _hear(self, message: Message) -> None:
        if message.sender == _DAEMON[0]:
            if message.member == "NameOwnerChanged":
                self._hear_owner(*message.body)
            return
        signal = Signal(
            str(message.path),
            str(message.interface),
            str(message.member),
            tuple(plain(message.body)),
        )
        for sender, namespace, listener in tuple(self._listeners):
            below = signal.path == namespace or signal.path.startswith(f"{namespace}/")
            if below and message.sender == self._owners.get(sender):
                listener(signal)

    def _hear_owner(self, name: str, old: str, new: str) -> None:
        if name in self._owners:
            self._owners[name] = new
        for followed, listener in tuple(self._owner_listeners):
            if followed == name:
                listener(bool(new))

    async def _answer(self, message: Message) -> None:
        call = Call(
            str(message.sender),
            str(message.path),
            str(message.interface or ""),
            str(message.member),
            message.signature,
            tuple(plain(message.body)),
        )
        try:
            if self._answerer is None:
                raise CallFailed("org.freedesktop.DBus.Error.UnknownMethod", "Nothing is here.")
            signature, body = await self._answerer(call)
            reply = Message.new_method_return(message, signature, list(body))
        except CallFailed as error:
            reply = Message.new_error(message, error.name, error.message)
        except Exception:  # outermost loop
            _log.exception("the call of %s.%s failed", call.interface, call.member)
            text = "An internal error; the journal of this service has the details."
            reply = Message.new_error(message, "org.freedesktop.DBus.Error.Failed", text)
        if not message.flags & MessageFlag.NO_REPLY_EXPECTED and not self.lost.is_set():
            self._send(reply)
