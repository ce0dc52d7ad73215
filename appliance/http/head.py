"""The header of an HTTP/1.x request, read strictly (RFC 9112); pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote_to_bytes

from appliance.http.limits import Limits
from appliance.http.refusal import Refusal

# RFC 9110 5.6.2 (token), 5.5 (field value) and 7.2 (Host); methods are upper case in practice.
_REQUEST_LINE = re.compile(rb"([A-Z][A-Z-]{0,31}) ([!-~]+) (HTTP/[0-9]\.[0-9])")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_HOST = re.compile(rb"[A-Za-z0-9\-._~%!$&'()*+,;=:\[\]]*")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})|%00")
_LENGTH = re.compile(rb"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Head:
    """One request's line and fields, checked; names in lower case, repeated fields joined."""

    method: str
    target: str
    path: bytes
    query: bytes
    version: str
    fields: dict[str, bytes]
    length: int
    chunked: bool

    @classmethod
    def parse(cls, data: bytes, limits: Limits) -> Self:
        """Read a header without its closing empty line; raise Refusal for what is not right."""
        line, *rest = data.split(b"\r\n")
        method, target, version = _request_line(line, limits)
        fields = _fields(rest, limits)
        target = _authority_to_host(target, fields)
        path, query = _split(method, target)
        if version == "HTTP/1.1" and "host" not in fields:
            raise Refusal(400, "missing_host", "Send a Host header; HTTP/1.1 requires one.")
        if not _HOST.fullmatch(fields.get("host", b"")):
            raise Refusal(400, "bad_host", "The Host header must be one name or address and port.")
        length, chunked = _framing(fields, version)
        return cls(
            method, target.decode("ascii"), path, query, version, fields, length, chunked
        )._checked(limits)

    @property
    def has_body(self) -> bool:
        """Whether bytes of this request follow its header."""
        return self.chunked or self.length > 0

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        return self.version == "HTTP/1.1" and "expect" in self.fields and self.has_body

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to send another request on this connection (RFC 9112 9.3)."""
        options = {
            option.strip() for option in self.fields.get("connection", b"").lower().split(b",")
        }
        if self.version == "HTTP/1.1":
            return b"close" not in options
        return b"keep-alive" in options and b"close" not in options

    @property
    def upgradable(self) -> bool:
        """Whether the connection may change its protocol, if that is asked for (RFC 9110 7.8)."""
        return self.version == "HTTP/1.1" and self.keeps_alive and not self.has_body

    def _checked(self, limits: Limits) -> Self:
        """This head, if its body is one that the server takes."""
        if self.length > limits.body_bytes:
            raise too_large(limits)
        if self.fields.get("expect", b"100-continue").lower() != b"100-continue":
            raise Refusal(
                417, "unknown_expectation", "Leave the Expect header out, or send 100-continue."
            )
        return self


def too_large(limits: Limits) -> Refusal:
    """The refusal of a body over the limit."""
    return Refusal(
        413,
        "request_too_large",
        f"The request body is larger than {limits.body_bytes} bytes; send a smaller one.",
    )


def _request_line(line: bytes, limits: Limits) -> tuple[str, bytes, str]:
    """Method, raw target and version."""
    if len(line) > limits.target_bytes:
        raise too_long(limits)
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise Refusal(
            400, "bad_request_line", "The request line must read: METHOD /path HTTP/1.1 (in ASCII)."
        )
    method, target, version = match.groups()
    if version not in (b"HTTP/1.0", b"HTTP/1.1"):
        raise Refusal(505, "bad_http_version", "Use HTTP/1.1 or HTTP/1.0.")
    return method.decode(), target, version.decode()


def too_long(limits: Limits) -> Refusal:
    """The refusal of a request line over the limit."""
    return Refusal(
        414,
        "target_too_long",
        f"The request line is longer than {limits.target_bytes} bytes; use the body instead.",
    )


def _fields(lines: list[bytes], limits: Limits) -> dict[str, bytes]:
    """Header fields by lower-case name; those that must stand alone are refused when repeated."""
    if len(lines) > limits.header_fields:
        raise Refusal(
            431, "too_many_headers", f"Send at most {limits.header_fields} header fields."
        )
    fields: dict[str, bytes] = {}
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise Refusal(
                400,
                "bad_header",
                "A header line must read `Name: value`, unfolded and without control characters.",
            )
        name, value = match[1].decode().lower(), match[2].rstrip(b" \t")
        # CGI-style names turn "-" into "_", so `Content_Length` would pass for `Content-Length`.
        if "_" in name:
            continue
        if name not in fields:
            fields[name] = value
        elif name == "host":
            raise Refusal(400, "bad_host", "Send one Host header, not several.")
        elif name == "content-length":
            if value != fields[name]:
                raise Refusal(
                    400, "bad_length", "The Content-Length headers contradict each other."
                )
        else:
            fields[name] += (b"; " if name == "cookie" else b", ") + value
    return fields


def _authority_to_host(target: bytes, fields: dict[str, bytes]) -> bytes:
    """The target in origin form; an absolute one replaces the Host header (RFC 9112 3.2.2)."""
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        return target
    if "host" in fields:
        fields["host"] = match[1]
    rest = match[2]
    return rest if rest.startswith(b"/") else b"/" + rest


def _split(method: str, target: bytes) -> tuple[bytes, bytes]:
    """The decoded path and the raw query, both sure to be UTF-8 once decoded."""
    if target == b"*" and method == "OPTIONS":
        return target, b""
    if not target.startswith(b"/") or b"#" in target:
        raise Refusal(
            400, "bad_target", "The request target must be a path that starts with / and has no #."
        )
    if _BAD_ESCAPE.search(target):
        raise Refusal(400, "bad_escape", "Write a literal % in the address as %25; %00 is refused.")
    path, _, query = target.partition(b"?")
    path = unquote_to_bytes(path)
    try:
        path.decode()
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise Refusal(400, "bad_escape", "The address must be percent-encoded UTF-8.") from None
    return path, query


def _framing(fields: dict[str, bytes], version: str) -> tuple[int, bool]:
    """The body's length and whether it is chunked (RFC 9112 6.1 to 6.3)."""
    length, coding = fields.get("content-length"), fields.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            raise Refusal(
                400, "bad_framing", "Send Content-Length or Transfer-Encoding, never both."
            )
        if version != "HTTP/1.1":
            raise Refusal(400, "bad_framing", "Transfer-Encoding needs HTTP/1.1.")
        if coding.lower() != b"chunked":
            raise Refusal(
                501, "unknown_transfer_encoding", "The only Transfer-Encoding served is chunked."
            )
        return 0, True
    if length is None:
        return 0, False
    if not _LENGTH.fullmatch(length):
        raise Refusal(400, "bad_length", "Content-Length must be a plain decimal number of bytes.")
    return int(length), False
