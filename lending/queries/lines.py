"""Credit lines, and what their loans take of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Mod

from config.db.rows import select
from config.office.actors import Actor
from config.office.models import JobRun
from config.office.models.job_run import JobState
from lending.domain.contract.quote import Quote, quote
from lending.domain.origination.calendars import CalendarRefusal, is_beyond_calendar
from lending.domain.origination.facts import LineFacts
from lending.domain.origination.kinds.line import draw_choices, for_draws
from lending.domain.origination.kinds.registry import kind_of
from lending.domain.origination.line import DrawableLine, DrawRefusal, LineState, judge_line, judge_wish
from lending.domain.origination.product import Months
from lending.models import Application, Line, LineEvent, Loan, Offer, OfferRound, ProductVersion
from lending.models.line import LineQuerySet
from lending.queries.line_usage import used_of
from lending.queries.products import product_of
from merchants.models import Merchant, PayoutAccount
from merchants.queries.payout_accounts import verified_account_of, verifiers_of
from scoring.domain.calibration import Grade
from scoring.models import Score

REVIEW: Final = "lending.review_lines"
"""The stage of a round that reviews lines."""
LINE: Final = """
SELECT {l}, {m}, {p}, {a}, {o} FROM lending_line l JOIN merchants_merchant m ON m.id = l.merchant_id
JOIN lending_productversion p ON p.id = l.product_id JOIN lending_application a ON a.id = l.application_id
JOIN lending_offer o ON o.id = a.offer_id WHERE l.id = %(line)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingLine:
    """A line with what is drawn on it, and why nothing can be drawn, if nothing can."""

    line: Line
    drawable: DrawableLine
    refusal: DrawRefusal | None


def get_line(*, line_id: int) -> Line:
    """Get a line with all that drawing on it reads. Raises Line.DoesNotExist."""
    kinds = {"l": Line, "m": Merchant, "p": ProductVersion, "a": Application, "o": Offer}
    for line, merchant, product, application, offer in select(LINE, {"line": line_id}, **kinds):
        line.merchant, line.product, line.application = merchant, product, application
        application.offer = offer
        offer.merchant, offer.product = merchant, product
        found: Line = line
        return found
    raise Line.DoesNotExist


def get_line_of_partner(*, partner_id: int, line_id: int) -> Line:
    """Get a line of one of a partner's merchants. Raises Line.DoesNotExist."""
    return _read().get(pk=line_id, merchant__partner=partner_id)


def lines_of_partner(*, partner_id: int, merchant_id: int | None, after: int, limit: int) -> list[Line]:
    """List the lines of a partner's merchants, or of one of them, in order of ids, after the given one."""
    lines = _read().filter(merchant__partner=partner_id, pk__gt=after)
    if merchant_id is not None:
        lines = lines.filter(merchant=merchant_id)
    return list(lines.order_by("pk")[:limit])


def open_lines(*, kind: str) -> QuerySet[Line]:
    """Return the lines of a kind of product that are not closed."""
    return Line.objects.open().filter(product__kind=kind)


def with_standings(lines: Sequence[Line]) -> list[StandingLine]:
    """Give each line, which comes with its product, what is drawn on it, and whether it may be drawn on."""
    used = used_of(line.pk for line in lines)
    accounts = PayoutAccount.objects.verified().filter(merchant__in=[line.merchant_id for line in lines])
    verified = set(accounts.values_list("merchant_id", flat=True))
    found = []
    for line in lines:
        drawable = _drawable(line, used.get(line.pk, 0))
        refusal = judge_line(drawable, payout_account_verified=line.merchant_id in verified)
        found.append(StandingLine(line=line, drawable=drawable, refusal=refusal))
    return found


def get_line_refusal(line: Line, *, actor: Actor) -> DrawRefusal | None:
    """Decide from what is stored whether somebody may draw on a line."""
    account = verified_account_of(merchant_id=line.merchant_id)
    return judge_line(
        drawable_of(line), payout_account_verified=account is not None, is_verifier=str(actor) in verifiers_of(account)
    )


def drawable_of(line: Line) -> DrawableLine:
    """Return a line as the rules of drawing take it."""
    return _drawable(line, used_of([line.pk]).get(line.pk, 0))


def quote_draw(line: Line, *, on: date, amount_minor: int, months: Months) -> Quote | DrawRefusal | CalendarRefusal:
    """Quote the loan that a draw would make, disbursed on a date; or return why the line does not have it.

    Raises LoanRefused (BAD_TERMS).
    """
    refusal = judge_line(drawable := drawable_of(line), payout_account_verified=True)
    refusal = refusal or judge_wish(drawable, amount_minor=amount_minor, months=months)
    if refusal is not None:
        return refusal
    product = product_of(line.product)
    if is_beyond_calendar(product, months, on=on):
        return CalendarRefusal.TERM_BEYOND_CALENDAR
    terms = kind_of(product).terms(product, grade=Grade(line.grade), principal_minor=amount_minor, months=months)
    return quote(terms, on=on)


def lines_to_review(found: OfferRound, *, part: int, after: int, limit: int) -> list[Line]:
    """List the open lines of a part of a round's merchants that it has not reviewed, in order, after the given one.

    Only of merchants that its run scored, and not of those whose partner's feed is red: their lines stay as they are.
    """
    lines = _not_reviewed_in(found).filter(pk__gt=after)
    return list(lines.annotate(part=Mod(F("merchant_id"), found.parts)).filter(part=part).order_by("pk")[:limit])


def unreviewed_lines() -> QuerySet[Line]:
    """Return the lines that the latest round to have reviewed any left as they were; none of those opened since."""
    jobs = JobRun.objects.filter(name=REVIEW, subject_id=OuterRef("pk"))
    rounds = OfferRound.objects.filter(Exists(jobs), ~Exists(jobs.exclude(state=JobState.DONE)))
    latest = rounds.order_by("-pk").first()
    if latest is None:
        return Line.objects.none()
    return _not_reviewed_in(latest).exclude(reviewed_in__isnull=True, opened_on__gte=latest.on)


def _not_reviewed_in(found: OfferRound) -> LineQuerySet:
    scored = Score.objects.filter(run=found.run_id, merchant=OuterRef("merchant"))
    return Line.objects.open().filter(
        Q(reviewed_in__isnull=True) | Q(reviewed_in__lt=found.pk), Exists(scored), merchant__partner__feed_signal=""
    )


def scores_of(found: OfferRound, merchants: Collection[int]) -> dict[int, Score]:
    """Return the scores that a round rests on, with their run, card and calibration, by merchant."""
    scores = Score.objects.filter(run=found.run_id, merchant__in=merchants)
    return {score.merchant_id: score for score in scores.select_related("run__scorecard", "run__calibration")}


def loans_under(line: Line) -> int:
    """Count the loans under a line that are approved, or out and still owed."""
    return Loan.objects.owed().filter(line=line).count()


def loans_of(line: Line, *, most: int) -> list[Loan]:
    """List the loans under a line, the latest first."""
    return list(Loan.objects.filter(line=line).order_by("-pk")[:most])


def waiting_draws(line: Line) -> int:
    """Count the draws that wait for a person's decision."""
    return Application.objects.referred().filter(line=line).count()


def events_of(line: Line, *, most: int) -> list[LineEvent]:
    """List what happened to a line, the latest first."""
    return list(LineEvent.objects.filter(line=line).select_related("loan").order_by("-pk")[:most])


def lines_of(merchant_id: int) -> list[StandingLine]:
    """List the lines of a merchant that are not closed, with what is drawn on them."""
    return with_standings(list(_read().filter(pk__in=Line.objects.open().filter(merchant=merchant_id)).order_by("pk")))


def _read() -> QuerySet[Line]:
    return Line.objects.select_related(
        "merchant__partner", "product", "application__offer__merchant", "application__offer__product"
    )


def _drawable(line: Line, used_minor: int) -> DrawableLine:
    product = product_of(line.product)
    return DrawableLine(
        state=LineState(line.state),
        facts=LineFacts(limit_minor=line.limit_minor, used_minor=used_minor),
        minimum_minor=for_draws(product).minimum_minor,
        choices=draw_choices(product, Grade(line.grade)),
    )
