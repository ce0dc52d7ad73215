"""What people write for a model on a hub: `owner/repo`, with a file or a quantisation behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from appliance.errors import BadRequest
from appliance.models.hub.hub import is_repo
from appliance.models.hub.offers import quantisation

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


def hub_names(repo: str, file: str) -> frozenset[str]:
    """All that a model from there may be called, in lower case."""
    quants = {quantisation(file)} - {""}
    names = {f"{repo}:{which}" for which in (file, PurePosixPath(file).name, *quants)} | {repo}
    hosted = {f"{host}/{name}" for host in ("hf.co", "huggingface.co") for name in names}
    return frozenset(name.casefold() for name in names | hosted | {file})
