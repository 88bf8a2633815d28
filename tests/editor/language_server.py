"""An editor as yaml-language-server sees it: as much of the Language Server Protocol as completing, hovering and
checking one file need.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from tests.parts import DEADLINE_S

Told = dict[str, Any]
"""A message's parameters or result: whatever JSON holds."""

SETTINGS: dict[str, Told] = {
    # What an editor has after installing the YAML extension, but without fetching the public list of schemas.
    "yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}},
    "http": {},
    "[yaml]": {},
    "editor": {"tabSize": 2},
}
CAPABILITIES: Told = {
    "workspace": {"configuration": True},
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown", "plaintext"]}},
    },
}


class Text(msgspec.Struct):
    """Text to show; ``kind`` is markdown or plaintext."""

    kind: str
    value: str


class Completion(msgspec.Struct, rename="camel"):
    """One entry of the list an editor opens."""

    label: str
    insert_text: str = ""
    documentation: Text | str | None = None

    @property
    def explains(self) -> str:
        return self.documentation.value if isinstance(self.documentation, Text) else self.documentation or ""


class Diagnostic(msgspec.Struct):
    """One underlined place; ``line`` counts from 1, as people do."""

    line: int
    message: str


class _Message(msgspec.Struct):
    id: int | str | None = None
    method: str | None = None
    params: Any = None
    result: Any = None
    error: Any = None


@dataclass
class Editor:
    """One editor and its language server, which end together."""

    process: subprocess.Popen[bytes]
    _answers: queue.Queue[_Message] = field(default_factory=queue.Queue)
    _diagnostics: queue.Queue[Told] = field(default_factory=queue.Queue)
    _asked: int = 0

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, name="language server", daemon=True).start()

    def start(self) -> None:
        self._request("initialize", {"processId": None, "rootUri": None, "capabilities": CAPABILITIES})
        self._send({"method": "initialized", "params": {}})

    # --- what a person does -------------------------------------------------------------------------------------------

    def open(self, file: Path) -> list[Diagnostic]:
        """Open the file and return what the editor underlines in it."""
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": file.read_text(encoding="utf-8")}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while True:
            told = self._diagnostics.get(timeout=DEADLINE_S)
            if told["uri"] == file.as_uri():
                return [Diagnostic(each["range"]["start"]["line"] + 1, each["message"]) for each in told["diagnostics"]]

    def complete(self, file: Path, line: int, column: int) -> dict[str, Completion]:
        """What the editor offers at this place (both count from 0), by its label."""
        result = self._request("textDocument/completion", _at(file, line, column))
        return {item.label: item for item in msgspec.convert(result["items"], list[Completion])}

    def hover(self, file: Path, line: int, column: int) -> str:
        """What the editor shows for the word at this place (both count from 0), as Markdown."""
        result = self._request("textDocument/hover", _at(file, line, column))
        return "" if result is None else str(result["contents"]["value"])

    # --- the wire -----------------------------------------------------------------------------------------------------

    def _request(self, method: str, params: Told) -> Any:  # noqa: ANN401 - each method answers in its own shape
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        answer = self._answers.get(timeout=DEADLINE_S)
        assert (answer.id, answer.error) == (self._asked, None), answer
        return answer.result

    def _send(self, message: Told) -> None:
        body = msgspec.json.encode({"jsonrpc": "2.0", **message})
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for message in _messages(self.process.stdout):
            if message.method is None:
                self._answers.put(message)
            elif message.id is not None:
                self._send({"id": message.id, "result": _obey(message)})
            elif message.method == "textDocument/publishDiagnostics":
                self._diagnostics.put(message.params)


def _messages(stream: IO[bytes]) -> Iterator[_Message]:
    while header := stream.readline():
        length = 0
        while header.strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
            header = stream.readline()
        yield msgspec.json.decode(stream.read(length), type=_Message)


def _obey(asked: _Message) -> list[Told] | None:
    """What the server asks of its editor: the settings, or to note something, which is done by saying so."""
    if asked.method != "workspace/configuration":
        return None
    return [SETTINGS[item["section"]] for item in asked.params["items"]]


def _at(file: Path, line: int, column: int) -> Told:
    return {"textDocument": {"uri": file.as_uri()}, "position": {"line": line, "character": column}}


@contextmanager
def open_editor(server: Path) -> Iterator[Editor]:
    """An editor whose language server is the script ``server``."""
    with subprocess.Popen(["node", server, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        opened = Editor(process)
        try:
            opened.start()
            yield opened
        finally:
            process.kill()
