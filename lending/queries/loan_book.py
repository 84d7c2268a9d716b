"""Judge the loans of a book against what is stored: merchants, products, what was imported before."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import islice
from typing import Any, Final

from config.office.business_date import get_business_date
from lending.domain.books.book_rows import BookHead, BookLoan, BookRefusal, NotTaken, RawLoan, read_head, read_loan
from lending.domain.books.loan_book import CutOverRefusal, TakenOver, judge_cut_over, judge_loan
from lending.domain.contract.terms import write_terms
from lending.domain.origination.kinds.kind import Opening
from lending.domain.origination.kinds.registry import kind_of
from lending.domain.origination.product import LENDABLE, terms_of
from lending.models import DayClose, ImportedLoan, LoanEvent, ProductVersion
from lending.queries.closes import last_closed_day, next_day
from lending.queries.products import product_of, sold_products
from merchants.models import Merchant, PayoutAccount

AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A loan that can be booked, with the rows that it refers to; payout_account: None without a verified one."""

    taken: TakenOver
    merchant: Merchant
    product: ProductVersion
    payout_account: int | None
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of one loan of a book: it can be booked, is refused, or was imported before.

    head: None where its row cannot be read.
    """

    line: int
    number: str
    head: BookHead | None
    prepared: Prepared | None = None
    refused: NotTaken | None = None

    @property
    def is_known(self) -> bool:
        """Whether the same loan was imported before."""
        return self.prepared is None and self.refused is None


def get_cut_over_refusal(cut_over: date) -> CutOverRefusal | None:
    """Decide whether a book may be taken over at a date now.

    Before the first close the next day is that of the oldest loan; once some of the book are booked, none is older.
    """
    last = ImportedLoan.objects.order_by("-pk").values_list("loan__imported_on", flat=True).first()
    is_begun = last == cut_over and last_closed_day() is None
    return judge_cut_over(
        cut_over,
        today=get_business_date(),
        next_day=cut_over if is_begun else next_day(),
        close_under_way=DayClose.objects.working().exists(),
    )


def judge_book(loans: Iterable[RawLoan], *, cut_over: date, tolerance_minor: int) -> Iterator[list[Verdict]]:
    """Judge the loans of a book, some hundred at a time, in their order."""
    left = iter(loans)
    while some := list(islice(left, AT_ONCE)):
        yield _judged(some, cut_over=cut_over, tolerance_minor=tolerance_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is stored that loans refer to, or collide with."""

    merchants: Mapping[tuple[str, str], Merchant]
    accounts: Mapping[int, int]
    imported: Mapping[str, str]
    references: frozenset[tuple[int, str]]
    products: Mapping[tuple[str, int | None, str], ProductVersion | None]


def _judged(raws: Sequence[RawLoan], *, cut_over: date, tolerance_minor: int) -> list[Verdict]:
    read, refused = dict[int, BookLoan](), dict[int, NotTaken]()
    heads = dict[int, BookHead]()
    for raw in raws:
        try:
            heads[raw.line] = read_head(raw)
            read[raw.line] = read_loan(raw, heads[raw.line])
        except NotTaken as why:
            refused[raw.line] = why
    known = _known(list(read.values()))
    verdicts = []
    for raw in raws:
        prepared = None
        try:
            if raw.line not in refused:
                prepared = _prepare(raw, read[raw.line], known, cut_over=cut_over, tolerance_minor=tolerance_minor)
        except NotTaken as why:
            refused[raw.line] = why
        verdicts.append(
            Verdict(
                line=raw.line,
                number=raw.number,
                head=heads.get(raw.line),
                prepared=prepared,
                refused=refused.get(raw.line),
            )
        )
    return verdicts


def _prepare(raw: RawLoan, loan: BookLoan, known: _Known, *, cut_over: date, tolerance_minor: int) -> Prepared | None:
    """Judge one loan; None for one that was imported before. Raises NotTaken."""
    head, digest = loan.head, loan.digest(cut_over=cut_over)
    if raw.is_twice:
        raise NotTaken(BookRefusal.NUMBER_TWICE, "another row has this number, too")
    if head.loan in known.imported:
        if known.imported[head.loan] != digest:
            raise NotTaken(BookRefusal.IMPORTED_OTHERWISE, "imported before, from other rows or for another date")
        return None
    merchant = known.merchants.get((head.partner, head.merchant))
    if merchant is None:
        raise NotTaken(BookRefusal.UNKNOWN_MERCHANT, f"{head.merchant} of {head.partner}")
    product = known.products[_product_key(head)]
    if product is None:
        named = head.product or f"none is sold in {head.currency}"
        raise NotTaken(BookRefusal.UNKNOWN_PRODUCT, named if head.version is None else f"{named} {head.version}")
    for what, currency in (("the merchant", merchant.currency), ("the product", product.currency)):
        if currency != head.currency:
            raise NotTaken(BookRefusal.CURRENCY_DIFFERS, f"{head.currency}; {what} has {currency}")
    used = [one for one in loan.references if (merchant.partner_id, one) in known.references or one in raw.shared]
    if used:
        raise NotTaken(BookRefusal.REFERENCE_USED, used[0])
    return Prepared(
        taken=judge_loan(loan, standard=_standard_terms(product), cut_over=cut_over, tolerance_minor=tolerance_minor),
        merchant=merchant,
        product=product,
        payout_account=known.accounts.get(merchant.pk),
        digest=digest,
    )


def _known(loans: Sequence[BookLoan]) -> _Known:
    heads = [loan.head for loan in loans]
    found = Merchant.objects.select_related("partner").filter(
        partner__code__in={head.partner for head in heads}, external_id__in={head.merchant for head in heads}
    )
    merchants = {(one.partner.code, one.external_id): one for one in found}
    accounts = PayoutAccount.objects.verified().filter(merchant__in=list(merchants.values()))
    imported = ImportedLoan.objects.filter(number__in=[head.loan for head in heads])
    used = LoanEvent.objects.filter(
        partner__in={one.partner_id for one in merchants.values()},
        external_ref__in={one for loan in loans for one in loan.references if one},
    )
    return _Known(
        merchants=merchants,
        accounts=dict(accounts.values_list("merchant_id", "pk")),
        imported=dict(imported.values_list("number", "content_sha256")),
        references=frozenset(used.values_list("partner_id", "external_ref")),
        products={key: _product(*key) for key in {_product_key(head) for head in heads}},
    )


def _product_key(head: BookHead) -> tuple[str, int | None, str]:
    return head.product, head.version, head.currency


def _product(code: str, version: int | None, currency: str) -> ProductVersion | None:
    """Get the product version that rows name, its last one if they name none, or the one sold in their currency.

    None also for a product whose loans are drawn on a line: a book has no lines.
    """
    found = sold_products(currency=currency)
    if code:
        versions = ProductVersion.objects.filter(code=code).order_by("-version")
        found = list((versions if version is None else versions.filter(version=version))[:1])
    return next((one for one in found if kind_of(product_of(one)).opens is Opening.LOAN), None)


def _standard_terms(version: ProductVersion) -> Mapping[str, Any]:
    return _standard(version.sha256, version)


@cache
def _standard(_sha256: str, version: ProductVersion) -> Mapping[str, Any]:
    """Write the terms that all loans of a product have in common."""
    product = product_of(version)
    return write_terms(terms_of(product, grade=LENDABLE[0], principal_minor=1, months=product.longest_months))
