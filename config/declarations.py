"""What each app declares, as plain data that `config` gathers.

Each app has a module `declarations` with one `DECLARED`: its links in the sidebar, the permissions of each role, the
codes of its problems, its scopes and scheduled tasks, and what stands behind the first page, the overview and the
command palette. So `config` names no app, and settings can read it all before any app is loaded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from itertools import chain
from typing import TypeVar

from django.utils.functional import Promise

V = TypeVar("V")


class Role(StrEnum):
    """The roles of staff; the values are the names of the groups."""

    VIEWER = "Viewer"
    CREDIT_ANALYST = "Credit analyst"
    UNDERWRITER = "Underwriter"
    COLLECTOR = "Collections officer"
    FINANCE = "Finance"
    RISK_MANAGER = "Risk manager"
    CONTROLLER = "Controller"
    AUDITOR = "Auditor"
    ADMINISTRATOR = "Administrator"


EVERYONE = frozenset(Role)


class Section(StrEnum):
    """The sections of the sidebar, in order."""

    MERCHANTS = "MERCHANTS"
    SCORING = "SCORING"
    LENDING = "LENDING"
    BOOKS = "BOOKS"
    BANKS = "BANKS"
    WORK = "WORK"
    ADMINISTRATION = "ADMINISTRATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A sidebar link to the list of a model, shown to whoever may view it."""

    section: Section
    title: str | Promise
    icon: str
    app: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Columns of a model that hold something encrypted, the name of its key and, if it is looked for, its hash.

    model: as `merchants.payoutaccount`. owner: SQL of whose it is. at_once: rows that are encrypted anew together.
    """

    model: str
    key: str
    sealed: str
    owner: str
    index: str | None = None
    at_once: int = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What one app declares.

    rights: who may use each permission. approvals: the permission that a second person needs to approve what is asked
    for under the first. beat: the tasks to run at an interval, by name. due: tasks that check whether
    something is due and start it; called every half minute, and after every change that may have made it due.
    search: dotted paths of functions `(request, term) -> list[SearchResult]`. queues: dotted paths of the `Queue`s in
    which work waits for people. desks: the dotted path of the function that returns the key figures of roles; overview:
    of the function that shows the office as a whole; authentication: of the class that identifies callers of the API;
    only one app declares each of them. sealed: what is encrypted, so that a rotation of keys finds it.
    """

    rights: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    approvals: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    links: Sequence[Link] = ()
    scopes: Mapping[str, str] = field(default_factory=dict)
    beat: Mapping[str, timedelta] = field(default_factory=dict)
    due: Sequence[str] = ()
    search: Sequence[str] = ()
    queues: Sequence[str] = ()
    desks: str = ""
    overview: str = ""
    authentication: str = ""
    sealed: Sequence[Sealed] = ()


def gather(apps: Iterable[str]) -> Declaration:
    """Merge what the apps declare. Raises ValueError where two declare the same thing."""
    found: list[Declaration] = [import_module(f"{app}.declarations").DECLARED for app in apps]
    return Declaration(
        rights=_merged(part.rights for part in found),
        approvals=_merged(part.approvals for part in found),
        problems=_merged(part.problems for part in found),
        links=[link for section in Section for part in found for link in part.links if link.section is section],
        scopes=_merged(part.scopes for part in found),
        beat=_merged(part.beat for part in found),
        due=list(chain.from_iterable(part.due for part in found)),
        search=list(chain.from_iterable(part.search for part in found)),
        queues=list(chain.from_iterable(part.queues for part in found)),
        desks=_one(part.desks for part in found),
        overview=_one(part.overview for part in found),
        authentication=_one(part.authentication for part in found),
        sealed=list(chain.from_iterable(part.sealed for part in found)),
    )


def _merged(parts: Iterable[Mapping[str, V]]) -> dict[str, V]:
    merged: dict[str, V] = {}
    for part in parts:
        if doubled := merged.keys() & part.keys():
            message = f"declared twice: {', '.join(sorted(doubled))}"
            raise ValueError(message)
        merged |= part
    return merged


def _one(values: Iterable[str]) -> str:
    declared = [value for value in values if value]
    if len(declared) > 1:
        message = f"declared twice: {', '.join(declared)}"
        raise ValueError(message)
    return declared[0] if declared else ""
