"""A mistake by name, and its diagnosis in a file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Mistake:
    """One mistake that has a name: on which line, what is done, the wrong line, the right one, and the claim for it."""

    key: str
    line: str
    says: str
    wrong: str
    right: str
    claim: str


@dataclass(frozen=True)
class Diagnosis:
    """One mistake found: its name, or None where none of the catalogue explains every wrong entry, and where it is.

    quantity is the first that is wrong, such as "db2" or "dZ1"; also lists where the same mistake was made again, and
    cleared the right quantities before it. `explains` of the `of` wrong entries follow from it. alternatives are other
    mistakes that give the same numbers on these data. place is the line, where there is a file. harmless says that a
    mistake in the forward pass changes the loss by rounding only, so that gradients can be judged; doubtful, that it
    may be another network and no mistake.
    """

    mistake: Mistake | None
    quantity: str
    says: str
    explains: int = 0
    of: int = 0
    also: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    wrong: str = ""
    right: str = ""
    claim: str | None = None
    detail: str = ""
    alternatives: tuple[Mistake, ...] = ()
    place: str = ""
    harmless: bool = False
    doubtful: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain data, a mistake by its key."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return given | {
            "mistake": self.mistake.key if self.mistake else None,
            "alternatives": [mistake.key for mistake in self.alternatives],
        }
