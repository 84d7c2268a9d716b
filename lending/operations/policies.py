"""Enter versions of policies."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from config.db.locking import lock_name
from config.db.transactions import operation
from config.kernel.policies import Canonical, Versioned
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.events import record_event
from lending.domain.arrears.dunning_policy import canonical_dunning, parse_dunning
from lending.domain.books.delinquency_policy import canonical_delinquency, parse_delinquency
from lending.domain.books.provision_policy import canonical_policy, parse_policy
from lending.domain.watch.policy import canonical_watch, parse_watch
from lending.models import DelinquencyPolicy, DunningPolicy, ProvisionPolicy, WatchPolicy
from lending.models.policy import PolicyVersion

V = TypeVar("V", bound=PolicyVersion)


class PolicyRefusal(StrEnum):
    """Why a valid policy is not entered."""

    VERSION_USED = "VERSION_USED"


class PolicyNotEntered(Refused[PolicyRefusal]):
    """The policy was not entered."""


def enter_policy(*, text: str, actor: Actor, now: datetime) -> ProvisionPolicy:
    """Enter a policy of provisions, which counts from the next month end on, or return the one that is entered so.

    Raises PolicyMalformed, PolicyNotEntered, Contended.
    """
    forms = canonical_policy, parse_policy
    return _enter(ProvisionPolicy, "provision_policy", forms, text=text, actor=actor, now=now)


def enter_delinquency_policy(*, text: str, actor: Actor, now: datetime) -> DelinquencyPolicy:
    """Enter a policy of delinquency, by which every day is classed from now on, or return the one that is entered so.

    Raises PolicyMalformed, PolicyNotEntered, Contended.
    """
    forms = canonical_delinquency, parse_delinquency
    return _enter(DelinquencyPolicy, "delinquency_policy", forms, text=text, actor=actor, now=now)


def enter_watch_policy(*, text: str, actor: Actor, now: datetime) -> WatchPolicy:
    """Enter a policy of early warning, by which merchants are judged from now on, or return the one entered so.

    Raises PolicyMalformed, PolicyNotEntered, Contended.
    """
    forms = canonical_watch, parse_watch
    return _enter(WatchPolicy, "watch_policy", forms, text=text, actor=actor, now=now)


def enter_dunning_policy(*, text: str, actor: Actor, now: datetime) -> DunningPolicy:
    """Enter a dunning policy, by which letters are written from the next close on, or return the one entered so.

    Raises PolicyMalformed, PolicyNotEntered, Contended.
    """
    forms = canonical_dunning, parse_dunning
    return _enter(DunningPolicy, "dunning_policy", forms, text=text, actor=actor, now=now)


def _enter(
    kind: type[V],
    name: str,
    forms: tuple[Canonical, Callable[[str, str], Versioned]],
    *,
    text: str,
    actor: Actor,
    now: datetime,
) -> V:
    """Write a version unless it is the last one. Raises PolicyMalformed, PolicyNotEntered, Contended."""
    canonical, parse = forms
    content, sha256 = canonical(text)
    number, versions = parse(content, sha256).version, kind._default_manager  # noqa: SLF001 - Django says so
    with operation():
        lock_name(f"lending.{name}")
        last = versions.order_by("-pk").first()
        if last is not None and last.sha256 == sha256:
            return last
        if versions.filter(version=number).exists():
            raise PolicyNotEntered(PolicyRefusal.VERSION_USED)
        entered = kind(sha256=sha256, version=number, content=content, created_by=str(actor), created_at=now)
        entered.save(force_insert=True)
        record_event(
            name=f"lending.enter_{name}",
            subject=entered,
            actor=actor,
            before={} if last is None else {"sha256": last.sha256},
            after={"sha256": sha256},
            now=now,
        )
        return entered
