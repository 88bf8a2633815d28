"""Played tests as JUnit XML, which every build server reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from engine.cli._language import in_words
from engine.clock import describe

if TYPE_CHECKING:
    from engine.rehearsal.stage import Played


def write(path: Path, played: list[tuple[str, Played]]) -> None:
    """One suite for each file of tests."""
    root = ElementTree.Element("testsuites")
    by_file: dict[str, list[Played]] = {}
    for name, result in played:
        by_file.setdefault(name, []).append(result)
    for name, results in by_file.items():
        failed = sum(not result.passed for result in results)
        suite = ElementTree.SubElement(
            root, "testsuite", name=name, tests=str(len(results)), failures=str(failed), errors="0", skipped="0"
        )
        for result in results:
            _case(suite, name, result)
    ElementTree.indent(root)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _case(suite: ElementTree.Element, name: str, result: Played) -> None:
    script = result.script
    case = ElementTree.SubElement(
        suite, "testcase", name=script.name, classname=script.rule or name, file=name, line=str(script.line)
    )
    if result.failures:
        lines = [f"{name}:{f.line}:{f.column}: {describe(f.at)}: {in_words(f.message)}" for f in result.failures]
        ElementTree.SubElement(case, "failure", message=in_words(result.failures[0].message)).text = "\n".join(lines)
