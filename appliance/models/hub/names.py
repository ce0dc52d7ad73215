"""What people write for a model on a hub: `owner/repo`, with a file or a quantisation behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from appliance.errors import BadRequest
from appliance.models.hub.hub import is_repo

_HOSTS = re.compile(r"(?:https?://)?(?:www\.)?(?:hf\.co|huggingface\.co)/", re.IGNORECASE)
_IN_URL = re.compile(r"([^/]+/[^/]+)/(?:blob|resolve|raw)/([^/]+)/(.+)")
SUFFIXES = (".gguf", ".rkllm")


@dataclass(frozen=True, slots=True)
class HubName:
    """A repository, and which of its models: a file's path, a quantisation, or "" for the best."""

    repo: str
    which: str = ""
    revision: str = "main"

    @property
    def file(self) -> str:
        """The path of the file that is named, "" where none is."""
        return self.which if self.which.lower().endswith(SUFFIXES) else ""


def parse_hub_name(name: str) -> HubName:
    """Read `owner/repo`, `owner/repo:Q4_K_M`, `owner/repo:file.gguf` or the address of either.

    A leading `hf.co/` and Ollama's tag `latest` mean nothing. Raises BadRequest.
    """
    rest = _HOSTS.sub("", name.strip(), count=1)
    rest = unquote(rest.partition("?")[0]).removesuffix("/")
    if in_url := _IN_URL.fullmatch(rest):
        repo, revision, which = in_url.groups()
    else:
        repo, _, which = rest.removesuffix("/tree/main").partition(":")
        revision = "main"
    if not is_repo(repo):
        raise BadRequest(
            f"'{name}' names no model on a hub: write it like owner/repository, or "
            "owner/repository:file.gguf.",
            param="model",
        )
    return HubName(repo, "" if which == "latest" else which, revision)
