"""The setup page as a person uses it whose browser runs no JavaScript."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from tests.image.guest.wifi.phone import Phone, Reply
from tests.image.guest.wifi.spaces import Failed

ADDRESS = "10.42.0.1"


@dataclass
class Form:
    """What a form would send as it stands."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text = ""
        self._inside = False
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {key: value or "" for key, value in attrs}
        if tag in ("style", "script"):
            self._skipped += 1
        if tag == "form":
            self.forms.append(Form(told["action"]))
            self._inside = True
        elif tag in ("input", "select") and self._inside and "name" in told:
            self.forms[-1].fields[told["name"]] = told.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script"):
            self._skipped -= 1
        if tag == "form":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.text += f" {data}"


class Page:
    """A page that was opened or came after a form; `text` is what can be read on it."""

    def __init__(self, phone: Phone, reply: Reply) -> None:
        self._phone = phone
        self.status = reply.status
        reader = _Reader()
        reader.feed(reply.text)
        self._forms = reader.forms
        self.text = " ".join(reader.text.split())

    @classmethod
    def open(cls, phone: Phone, path: str = "/") -> Page:
        return cls(phone, phone.ask(ADDRESS, ADDRESS, path))

    def lists(self, ssid: bytes) -> bool:
        """Whether a network is among those to choose from."""
        return any(form.fields.get("ssid") == ssid.hex() for form in self._forms)

    def choose(self, ssid: bytes, password: str) -> Page:
        """Fill in the form of a network, and send it. Raises Failed when it is not listed."""
        for form in self._forms:
            if form.fields.get("ssid") == ssid.hex():
                return self.send(form, password=password)
        raise Failed(f"{ssid!r} is not on the page: {self.text}")

    def type(self, name: str, security: str, password: str) -> Page:
        """Fill in the form for a hidden network."""
        (form,) = [each for each in self._forms if "name" in each.fields]
        return self.send(form, name=name, security=security, password=password)

    def press(self, action: str) -> Page:
        """Send a form that needs nothing to be filled in."""
        for form in self._forms:
            if form.action == action:
                return self.send(form)
        raise Failed(f"nothing on the page leads to {action}: {self.text}")

    def send(self, form: Form, **filled: str) -> Page:
        fields = form.fields | filled
        reply = self._phone.ask(ADDRESS, ADDRESS, form.action, form=fields, seconds=40)
        if reply.status == 303:
            return Page.open(self._phone, reply.fields["location"])
        return Page(self._phone, reply)


def state(phone: Phone) -> dict[str, Any]:
    """What the page asks for while it waits; empty while nobody answers."""
    try:
        found: dict[str, Any] = json.loads(phone.ask(ADDRESS, ADDRESS, "/state", seconds=3).body)
    except OSError:
        return {}
    return found
