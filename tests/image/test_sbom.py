"""The lists of what is in an image."""

from __future__ import annotations

import json
from pathlib import Path

from image.builder import sbom

LISTING = (
    "libc6\t2.41-12\tarm64\tglibc\t2.41-12\n"
    "dnsmasq-base\t1:2.91+ds-1\tarm64\tdnsmasq\t1:2.91+ds-1\n"
    "bash\t5.2.37-2\tarm64\tbash\t5.2.37-2\n"
)


def wheel(site: Path, name: str, version: str, more: str = "") -> None:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    head = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{more}\nA text.\n"
    (folder / "METADATA").write_text(head, "utf-8")


def test_debian_packages_get_their_url_with_their_source() -> None:
    urls = [component.purl for component in sbom.debian(LISTING)]
    assert urls == [
        "pkg:deb/debian/libc6@2.41-12?arch=arm64&upstream=glibc@2.41-12",
        "pkg:deb/debian/dnsmasq-base@1%3A2.91%2Bds-1?arch=arm64&upstream=dnsmasq@1%3A2.91%2Bds-1",
        "pkg:deb/debian/bash@5.2.37-2?arch=arm64",
    ]


def test_wheels_are_found_with_their_licence(tmp_path: Path) -> None:
    wheel(tmp_path, "prometheus_client", "0.22", "License-Expression: Apache-2.0\n")
    wheel(tmp_path, "bottle", "0.13.4")
    found = list(sbom.python(tmp_path))
    assert [(each.purl, each.licence) for each in found] == [
        ("pkg:pypi/bottle@0.13.4", ""),
        ("pkg:pypi/prometheus-client@0.22", "Apache-2.0"),
    ]


def test_the_document_is_the_same_for_the_same_parts() -> None:
    parts = [*sbom.debian(LISTING), *sbom.vendor({"librkllmrt.so": "ab" * 32})]
    texts = {
        sbom.cyclonedx("luna-rock-5b", "1", "2026-11-21T00:00:00+00:00", order)
        for order in (parts, parts[::-1])
    }
    assert len(texts) == 1
    document = json.loads(texts.pop())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["serialNumber"].startswith("urn:uuid:")
    assert document["metadata"]["component"]["name"] == "luna-rock-5b"
    runtime = next(each for each in document["components"] if each["name"] == "librkllmrt.so")
    assert runtime["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    references = [each["bom-ref"] for each in document["components"]]
    assert len(set(references)) == len(references) == 4
