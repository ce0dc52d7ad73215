"""The documents name what there is: folders, subcommands, routes; and nothing that there is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from appliance.cli.main import build_parser
from tests.gate.tree import PACKAGES, ROOT, Module, complain, files, folders, modules

ARCHITECTURE = ROOT / "appliance" / "ARCHITECTURE.md"
# A line of the map begins with a folder, perhaps behind a bullet, a table's bar or a backtick.
MAP_LINE = re.compile(r"^[\s|*-]*`?([\w.-]+(?:/[\w.-]+)*)/`?(?=[\s|:`]|$)")

# What a link within the project leads to, without the place in it.
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)")

# A line of `luna --help` that begins with the name of a subcommand.
SUBCOMMAND = re.compile(r"^    ([a-z][\w-]*)(?=\s{2,}|$)", re.MULTILINE)


def top_folders() -> set[str]:
    """Top-level folders that belong to the project, without hidden ones."""
    tops = {path.relative_to(ROOT).parts[0] for path in files() if path.parent != ROOT}
    return {top for top in tops if not top.startswith(".")}


def mapped(text: str) -> set[str]:
    """Folders that the section "Map" of a document lists, as posix paths from the root."""
    section = re.search(r"^#+ .*\bmap\b.*?$(.*?)(?=^#+ |\Z)", text, re.M | re.S | re.I)
    lines = section.group(1).splitlines() if section else []
    return {match.group(1) for line in lines if (match := MAP_LINE.match(line))}


def route_paths(found: Iterable[Module]) -> set[str]:
    """Every path that is written in a call `Route(method, path, ...)`, as documents write it."""
    return {
        argument.value.replace(":path}", "}")
        for module in found
        for call in ast.walk(module.syntax)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "Route"
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
        if isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and argument.value.startswith("/")
    }


def documents() -> str:
    """All Markdown of the project in one string."""
    return "\n".join(path.read_text(encoding="utf-8") for path in files() if path.suffix == ".md")


def test_the_map_is_the_tree() -> None:
    there = top_folders().union(*map(folders, PACKAGES))
    told = mapped(ARCHITECTURE.read_text(encoding="utf-8") if ARCHITECTURE.exists() else "")
    missing = [f"{folder}/ is not in the map" for folder in sorted(there - told)]
    stale = [f"{folder}/ does not exist" for folder in sorted(told - there)]
    complain(missing + stale, 'bring the section "Map" of appliance/ARCHITECTURE.md up to date:')


def test_every_top_level_folder_has_a_readme() -> None:
    without = [top for top in sorted(top_folders()) if not (ROOT / top / "README.md").is_file()]
    complain(without, "write a short README.md in:")


def test_every_subcommand_is_documented() -> None:
    subcommands = SUBCOMMAND.findall(build_parser().format_help())
    assert "serve" in subcommands, "the help of `luna` lists no subcommands, or SUBCOMMAND is wrong"
    text = documents()
    missing = [name for name in subcommands if f"luna {name}" not in text]
    complain(missing, "name these in a document as `luna NAME`:")


def test_every_route_is_documented() -> None:
    paths = route_paths(modules("appliance"))
    assert paths, "write every route as `Route(method, path, ...)` with a literal path"
    words = set(re.split(r"[\s`|,;()]+", documents()))
    complain(sorted(paths - words), "name these routes in a document, each as a word of its own:")


def test_route_paths_are_found_in_any_order() -> None:
    source = (
        "T = [Route('GET', '/a/b', f, 'text'), Route(path='/c', method='PUT'), Other('/d')]\n"
        "R = Route('GET', '/m/{id:path}', f)"
    )
    assert route_paths([Module(PurePosixPath("a.py"), source)]) == {"/a/b", "/c", "/m/{id}"}


def test_a_map_is_read_whatever_its_form() -> None:
    text = "# A\n`no/` x\n## The map\n| `a/b/` | x |\n- c/ : d/\n```\n  e.f/g/  text\n```\n# B\nh/"
    assert mapped(text) == {"a/b", "c", "e.f/g"}


def test_links_between_documents_lead_somewhere() -> None:
    dead = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in files()
        if path.suffix == ".md"
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    complain(dead, "mend these links:")
