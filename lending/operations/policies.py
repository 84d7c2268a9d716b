"""Enter versions of policies."""

from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from config.db.locking import lock_name
from config.db.transactions import operation
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
    content, sha256 = canonical_policy(text)
    entered = ProvisionPolicy(sha256=sha256, version=parse_policy(content, sha256).version, content=content)
    return _entered(entered, "provision_policy", actor=actor, now=now)


def enter_delinquency_policy(*, text: str, actor: Actor, now: datetime) -> DelinquencyPolicy:
    """Enter a policy of delinquency, by which every day is classed from now on, or return the one that is entered so.

    Raises PolicyMalformed, PolicyNotEntered, Contended.
    """
    content, sha256 = canonical_delinquency(text)
    entered = DelinquencyPolicy(sha256=sha256, version=parse_delinquency(content, sha256).version, content=content)
    return _entered(entered, "delinquency_policy", actor=actor, now=now)


def enter_watch_policy(*, text: str, actor: Actor, now: datetime) -> WatchPolicy:
    """Enter a policy of early warning, by which merchants are judged from now on, or return the one entered so.

    Raises PolicyMalformed, PolicyNotEntered, Contended.
    """
    content, sha256 = canonical_watch(text)
    entered = WatchPolicy(sha256=sha256, version=parse_watch(content, sha256).version, content=content)
    return _entered(entered, "watch_policy", actor=actor, now=now)


def enter_dunning_policy(*, text: str, actor: Actor, now: datetime) -> DunningPolicy:
    """Enter a dunning policy, by which letters are written from the next close on, or return the one entered so.

    Raises PolicyMalformed, PolicyNotEntered, Contended.
    """
    content, sha256 = canonical_dunning(text)
    entered = DunningPolicy(sha256=sha256, version=parse_dunning(content, sha256).version, content=content)
    return _entered(entered, "dunning_policy", actor=actor, now=now)


def _entered(entered: V, name: str, *, actor: Actor, now: datetime) -> V:
    """Write a version unless it is the last one. Raises PolicyNotEntered, Contended."""
    versions = type(entered)._default_manager  # noqa: SLF001 - Django says so
    with operation():
        lock_name(f"lending.{name}")
        last = versions.order_by("-pk").first()
        if last is not None and last.sha256 == entered.sha256:
            return last
        if versions.filter(version=entered.version).exists():
            raise PolicyNotEntered(PolicyRefusal.VERSION_USED)
        entered.created_by, entered.created_at = str(actor), now
        entered.save(force_insert=True)
        record_event(
            name=f"lending.enter_{name}",
            subject=entered,
            actor=actor,
            before={} if last is None else {"sha256": last.sha256},
            after={"sha256": entered.sha256},
            now=now,
        )
        return entered
