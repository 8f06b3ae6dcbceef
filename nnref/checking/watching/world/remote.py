"""Downloads, answered by a made-up file with the name in the address; no network is used."""

from __future__ import annotations

import gzip
import json
from typing import Any

from nnref.checking.watching.world.files import Content, Files, MadeUp

REAL = gzip.decompress


class Response:
    """The response to a request: a made-up file as bytes, as text or in pieces."""

    status_code, ok, encoding = 200, True, "utf-8"

    def __init__(self, file: MadeUp) -> None:
        self.raw = file
        self.headers = {"content-length": str(len(file.getvalue()))}

    @property
    def content(self) -> Content:
        """The bytes."""
        return Content.of(self.raw.getvalue(), self.raw.kind)

    @property
    def text(self) -> str:
        """The bytes as text."""
        return self.raw.getvalue().decode("latin-1")

    def json(self) -> Any:
        """The text, parsed as JSON."""
        return json.loads(self.text)

    def iter_content(self, *args: Any, **kwargs: Any) -> list[Content]:
        """The bytes, in one piece."""
        return [self.content]

    def raise_for_status(self) -> None:
        """Raise nothing: every request succeeds."""

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *error: Any) -> None:
        pass


class Remote:
    """requests.get and urllib.request.urlopen in one run."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def get(self, address: Any = "", *args: Any, **kwargs: Any) -> Response:
        """The response to a request for an address."""
        return Response(self.urlopen(address))

    def urlopen(self, address: Any, *args: Any, **kwargs: Any) -> MadeUp:
        """A made-up file with the name in the address.

        Errors: FileNotFoundError if no file can be made up for the address.
        """
        return self.files.made_up(str(getattr(address, "full_url", address)))


def decompress(data: bytes) -> bytes:
    """The decompressed bytes; made-up files are not compressed and are returned unchanged."""
    return data if isinstance(data, Content) or data[:2] != b"\x1f\x8b" else REAL(data)
