"""What is in an image: a list of packages, and the same as CycloneDX 1.6 for tools that read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from image.builder.engine import Engine

_NAMESPACE = UUID("1f4f0f04-6a8a-4b7e-8f70-0d7f7f0b6f55")


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """A thing that came from elsewhere; `purl` is its package URL."""

    kind: str
    name: str
    version: str
    purl: str
    sha256: str = ""
    licence: str = ""


def debian(listing: str) -> Iterator[Component]:
    """Components of dpkg-query's lines: name, version, architecture, source, its version."""
    for line in listing.splitlines():
        name, version, architecture, source, source_version = line.split("\t")
        purl = f"pkg:deb/debian/{name}@{_quoted(version)}?arch={architecture}"
        if source != name:
            purl += f"&upstream={source}@{_quoted(source_version)}"
        yield Component("library", name, version, purl)


def python(site_packages: Path) -> Iterator[Component]:
    """Components of the wheels below a folder."""
    for file in sorted(site_packages.glob("*.dist-info/METADATA")):
        head = HeaderParser().parsestr(file.read_text("utf-8", errors="replace"))
        name, version = head["Name"], head["Version"]
        licence = head.get("License-Expression", "")
        purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
        yield Component("library", name, version, purl, licence=licence)


def compiled(engine: Engine, digest: str) -> Component:
    """The CPU engine, whose source the URL names; `digest` is the program's SHA-256."""
    purl = f"pkg:pypi/{engine.package.replace('_', '-')}@{engine.version}"
    return Component("application", "llama-server", engine.version, purl, digest, engine.licence)


def vendor(files: dict[str, str]) -> Iterator[Component]:
    """Components of a vendor's files: name → SHA-256."""
    for name, digest in sorted(files.items()):
        yield Component("firmware", name, digest[:12], f"pkg:generic/{name}", sha256=digest)


def manifest(components: Iterable[Component]) -> str:
    """A line for each, to be read and compared."""
    return "".join(f"{each.purl}\n" for each in sorted(components))


def cyclonedx(image: str, version: str, when: str, components: Iterable[Component]) -> str:
    """The document, as JSON; the same for the same components."""
    entries = [_entry(each) for each in sorted(components)]
    serial = uuid5(_NAMESPACE, json.dumps([image, version, entries]))
    about = {"type": "firmware", "bom-ref": image, "name": image, "version": version}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"timestamp": when, "component": about},
        "components": entries,
    }
    return json.dumps(document, indent=1) + "\n"


def _entry(component: Component) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": component.kind,
        "bom-ref": component.purl,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
    }
    if component.sha256:
        entry["hashes"] = [{"alg": "SHA-256", "content": component.sha256}]
    if component.licence:
        entry["licenses"] = [{"expression": component.licence}]
    return entry


def _quoted(version: str) -> str:
    return version.replace("%", "%25").replace("+", "%2B").replace(":", "%3A")
