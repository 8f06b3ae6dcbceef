"""What a program fetches: a file of the address's name, made up; nothing is asked of any network."""

from __future__ import annotations

import gzip
import json
from typing import Any

from nnref.checking.watching.world.files import Content, Files, MadeUp

REAL = gzip.decompress


class Response:
    """The answer to a request: a file of that name, as bytes, as text, or piece by piece."""

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
        """The text as JSON says it."""
        return json.loads(self.text)

    def iter_content(self, *args: Any, **kwargs: Any) -> list[Content]:
        """The bytes, in one piece."""
        return [self.content]

    def raise_for_status(self) -> None:
        """Nothing went wrong."""

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *error: Any) -> None:
        pass


class Remote:
    """requests.get and urllib.request.urlopen in one run."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def get(self, address: Any = "", *args: Any, **kwargs: Any) -> Response:
        """The answer to a request for an address."""
        return Response(self.urlopen(address))

    def urlopen(self, address: Any, *args: Any, **kwargs: Any) -> MadeUp:
        """A file of the address's name.

        Errors: FileNotFoundError for an address that no data can stand for.
        """
        return self.files.made_up(str(getattr(address, "full_url", address)))


def decompress(data: bytes) -> bytes:
    """What a compressed file holds; what was made up is not compressed."""
    return data if isinstance(data, Content) or data[:2] != b"\x1f\x8b" else REAL(data)
