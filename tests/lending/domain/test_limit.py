from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import takewhile
from math import floor
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config.kernel.money import format_minor, parse_minor
from lending.domain.contract.quote import quote
from lending.domain.contract.schedule import draw_schedule
from lending.domain.origination.facts import MerchantFacts, dues_by_month
from lending.domain.origination.granted_limit import GrantedLimit, next_limit
from lending.domain.origination.limit import Cap, Limit, affordable, compute_limit, debt_service_room, most_by_months
from lending.domain.origination.price import price_of
from lending.domain.origination.product import Product, margin_at, terms_of
from scoring.domain.calibration import Grade
from tests.lending.domain.borrowers import ON, YUAN, amounts, day_one, grades, lendable, merchant, product

DOCUMENT = Path(__file__).parents[3] / "docs" / "algorithms" / "limits.md"
Row = list[str]


def widened() -> Product:
    """Make a product with every room, so that every cap may bind."""
    return product(
        lambda data: data["limits"].update(portfolio_room="1000000", category_rooms={"Tea": "800000", "Books": "1"})
    )


def tables() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for part in DOCUMENT.read_text(encoding="utf-8").split("<!-- table: ")[1:]:
        title, _, rest = part.partition(" -->\n")
        lines = takewhile(lambda line: line.startswith("|"), rest.splitlines())
        found[title] = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines][2:]
    return found


def minor(text: str) -> int:
    return parse_minor(text, "CNY")


def yuan(amount: int | None) -> str:
    return "-" if amount is None else format_minor(amount, "CNY")


def margins(rows: list[Row]) -> list[Row]:
    found = [margin_at(day_one(), Grade(row[0])) for row in rows]
    return [[one.grade, *(f"{float(share * 100):.4f}" for share in (one.income, one.cost))] for one in found]


def prices(rows: list[Row]) -> list[Row]:
    found = [price_of(day_one(), grade=Grade(row[0]), months=int(row[1]), on=ON) for row in rows]
    return [
        [*row[:2], yuan(price.cost_minor), yuan(price.instalment_minor)] for row, price in zip(rows, found, strict=True)
    ]


SHOWN = (
    Cap.GRADE_MULTIPLE,
    Cap.AFFORDABILITY,
    Cap.DEBT_SERVICE,
    Cap.YEARLY_SALES,
    Cap.WORST_MONTH,
    Cap.LADDER,
    Cap.OWNER_ROOM,
)


def caps(rows: list[Row]) -> list[Row]:
    return [[*row[:8], *_caps(row[:8])] for row in rows]


def _caps(row: Row) -> Row:
    grade, basis, tenure, worst, dues, owed, repaid, others = row
    facts = merchant(
        sales_basis_minor=minor(basis),
        tenure_months=int(tenure),
        worst_month_minor=minor(worst),
        dues_minor=() if dues == "-" else tuple(map(minor, dues.split())),
        outstanding_minor=minor(owed),
        largest_repaid_minor=minor(repaid),
        owner_used_minor=minor(others),
    )
    limit = compute_limit(facts, day_one(), grade=Grade(grade))
    return [*(yuan(limit.caps[cap]) for cap in SHOWN), limit.binding, yuan(limit.limit_minor)]


def terms(rows: list[Row]) -> list[Row]:
    found = most_by_months(merchant(), day_one(), grade=Grade.B1, free_minor=25_000 * YUAN)
    return [[row[0], yuan(found[int(row[0])])] for row in rows]


def nights(rows: list[Row]) -> list[Row]:
    found, line = list[Row](), None
    for night, computed, _ in rows:
        line = next_limit(line, int(computed), night=date.fromisoformat(night), rules=day_one().limits)
        assert line is not None
        found.append([night, computed, str(line.limit_minor)])
    return found


WORKED: dict[str, Callable[[list[Row]], list[Row]]] = {
    "margin": margins,
    "price": prices,
    "caps": caps,
    "terms": terms,
    "granted": nights,
}


@pytest.mark.parametrize("name", WORKED)
def test_a_worked_table_is_what_the_code_gives(name: str) -> None:
    table = tables()[name]
    assert WORKED[name](table) == table


def test_every_table_of_numbers_is_worked() -> None:
    assert set(tables()) == set(WORKED)


def by_fractions(facts: MerchantFacts, sold: Product, grade: Grade) -> dict[Cap, Fraction | int]:
    """Compute the caps as the design writes them, apart from the code: exact, before rounding."""
    row, score, owed = sold.grades[grade], facts.score, facts.exposure
    basis, months = score.sales_basis_minor, row.months
    whole = terms_of(sold, grade=grade, principal_minor=sold.maximum_minor, months=months)
    cost_share = Fraction(quote(whole, on=facts.on).total_interest_minor, sold.maximum_minor)
    found: dict[Cap, Fraction | int] = {
        Cap.GRADE_MULTIPLE: Fraction(row.multiple) * basis,
        Cap.AFFORDABILITY: owed.outstanding_minor
        + max(
            0,
            floor(
                (Fraction(row.sales_share_bps, 10_000) * basis * months - sum(owed.dues_minor[:months]))
                / (1 + cost_share)
            ),
        ),
        Cap.LADDER: Fraction("1.5") * owed.largest_repaid_minor
        if owed.largest_repaid_minor
        else Fraction(row.first_step) * basis,
        Cap.PRODUCT_MAXIMUM: 500_000 * YUAN,
        Cap.PORTFOLIO_ROOM: 1_000_000 * YUAN - owed.portfolio_used_minor,
        Cap.CATEGORY_ROOM: 800_000 * YUAN - owed.category_used_minor,
    }
    if score.tenure_months is not None and score.tenure_months >= 12:
        found[Cap.YEARLY_SALES] = Fraction(score.sales_365_minor, 4)
        found[Cap.WORST_MONTH] = 2 * score.worst_month_minor
    return found


@given(lendable, grades)
def test_the_limit_is_the_least_of_the_caps_rounded_down_and_its_cap_is_named(
    facts: MerchantFacts, grade: Grade
) -> None:
    """Red if a cap is rounded half even, a null one counts as 0, or what is below the minimum is lent."""
    limit = compute_limit(facts, widened(), grade=grade)
    for cap, exact in by_fractions(facts, widened(), grade).items():
        assert limit.caps[cap] == max(0, floor(exact)), cap
    assert tuple(limit.caps) == tuple(Cap)
    applying = {cap: amount for cap, amount in limit.caps.items() if amount is not None}
    assert all(limit.limit_minor <= amount for amount in applying.values())
    assert limit.binding == next(cap for cap in Cap if applying.get(cap) == min(applying.values()))
    least = min(applying.values())
    assert limit.limit_minor == (least if least >= 1_000 * YUAN else 0)
    assert limit.least_minor == least


@given(lendable, grades, amounts)
def test_more_sales_never_lower_the_limit(facts: MerchantFacts, grade: Grade, more: int) -> None:
    """Red if the cost share is taken at the amount it bounds."""
    richer = replace(facts.score, sales_basis_minor=facts.score.sales_basis_minor + more)
    before, after = (compute_limit(one, widened(), grade=grade) for one in (facts, replace(facts, score=richer)))
    assert after.limit_minor >= before.limit_minor
    for cap in Cap:
        assert (after.caps[cap] or 0) >= (before.caps[cap] or 0)


@given(lendable, grades, amounts, amounts)
def test_merchants_of_one_owner_share_one_limit(facts: MerchantFacts, grade: Grade, others: int, more: int) -> None:
    """Red if the owner's room is not taken off: two shops would get twice the limit."""
    alone = compute_limit(_used(facts, 0), day_one(), grade=grade)
    shared = compute_limit(_used(facts, others), day_one(), grade=grade)
    assert alone.caps[Cap.OWNER_ROOM] is None
    assert shared.least_minor == max(0, alone.least_minor - others)
    assert compute_limit(_used(facts, others + more), day_one(), grade=grade).limit_minor <= shared.limit_minor


def _used(facts: MerchantFacts, others: int) -> MerchantFacts:
    return replace(facts, exposure=replace(facts.exposure, owner_used_minor=others))


BINDING: dict[Cap, MerchantFacts] = {
    Cap.GRADE_MULTIPLE: merchant(largest_repaid_minor=60_000 * YUAN),
    Cap.AFFORDABILITY: merchant(largest_repaid_minor=60_000 * YUAN, dues_minor=(500 * YUAN,) * 9),
    Cap.DEBT_SERVICE: merchant(largest_repaid_minor=60_000 * YUAN, dues_minor=(12_000 * YUAN,)),
    Cap.YEARLY_SALES: merchant(sales_365_minor=60_000 * YUAN),
    Cap.WORST_MONTH: merchant(worst_month_minor=6_000 * YUAN),
    Cap.LADDER: merchant(),
    Cap.PRODUCT_MAXIMUM: merchant(
        sales_basis_minor=10**9, sales_365_minor=10**10, worst_month_minor=10**9, largest_repaid_minor=10**9
    ),
    Cap.PORTFOLIO_ROOM: merchant(portfolio_used_minor=995_000 * YUAN),
    Cap.CATEGORY_ROOM: merchant(category_used_minor=795_000 * YUAN),
    Cap.OWNER_ROOM: merchant(owner_used_minor=1),
}


@pytest.mark.parametrize("cap", Cap)
def test_each_cap_can_bind(cap: Cap) -> None:
    limit = compute_limit(BINDING[cap], widened(), grade=Grade.B1)
    assert limit.binding is cap
    assert limit.limit_minor == limit.caps[cap]
    assert limit.limit_minor > 0


@pytest.mark.parametrize(("tenure", "applies"), [(None, False), (11, False), (12, True)])
def test_a_year_of_sales_is_asked_for_only_after_a_year(tenure: int | None, applies: bool) -> None:  # noqa: FBT001
    limit = compute_limit(merchant(tenure_months=tenure), day_one(), grade=Grade.B1)
    assert [limit.caps[cap] is not None for cap in (Cap.YEARLY_SALES, Cap.WORST_MONTH)] == [applies, applies]


@pytest.mark.parametrize(("basis", "limit", "least"), [(2_000, 100_000, 100_000), (1_999, 0, 99_950)])
def test_below_the_minimum_the_limit_is_0_and_the_cap_says_why(basis: int, limit: int, least: int) -> None:
    found = compute_limit(merchant(sales_basis_minor=basis * YUAN), day_one(), grade=Grade.B1)
    assert (found.limit_minor, found.least_minor, found.binding) == (limit, least, Cap.LADDER)


@pytest.mark.parametrize(("free", "most"), [(100_000, 100_000), (99_999, 0)])
def test_a_term_that_allows_less_than_the_minimum_allows_nothing(free: int, most: int) -> None:
    assert most_by_months(merchant(), day_one(), grade=Grade.B1, free_minor=free)[9] == most


def test_only_instalments_within_the_term_are_obligations() -> None:
    """Red if what falls due after the grade's longest term, four months here, is taken off."""
    dues = (1_000 * YUAN,) * 4
    found = [affordable(merchant(dues_minor=some), day_one(), grade=Grade.C1) for some in ((), dues, (*dues, 10**9))]
    assert found[0] > found[1] == found[2] > 0


def test_a_category_without_a_room_has_room_and_a_grade_without_terms_has_no_limit() -> None:
    limit = compute_limit(merchant(category="Shoes", category_used_minor=10**12), widened(), grade=Grade.B1)
    assert limit.caps[Cap.CATEGORY_ROOM] is None
    with pytest.raises(KeyError):
        compute_limit(merchant(), day_one(), grade=Grade.C2)


@given(lendable, grades, st.integers(1, 12))
def test_what_passes_the_gate_really_does_and_one_instalment_more_would_not(
    facts: MerchantFacts, grade: Grade, months: int
) -> None:
    """Red if the gate is met at 25 % (it is below), or the own instalments are left out."""
    sold, basis = day_one(), facts.score.sales_basis_minor
    assume(months <= sold.grades[grade].months)
    room = debt_service_room(facts, sold, grade=grade, months=months)
    own = max(facts.exposure.dues_minor[:months], default=0)
    assume(room <= sold.maximum_minor)

    if room:
        made = draw_schedule(terms_of(sold, grade=grade, principal_minor=room, months=months), on=facts.on)
        assert 4 * (made[0].total_minor + own) < basis
    # The last instalment of the quote gathers at most a minor unit of rounding from each; so does what it allows.
    more = room + months * (months + 2)
    if more <= sold.maximum_minor:
        made = draw_schedule(terms_of(sold, grade=grade, principal_minor=more, months=months), on=facts.on)
        assert 4 * (max(row.total_minor for row in made) + own) >= basis


@given(lendable, grades)
def test_every_term_has_its_most_and_the_longest_has_all_that_is_free(facts: MerchantFacts, grade: Grade) -> None:
    limit = compute_limit(facts, day_one(), grade=grade)
    free = max(0, limit.limit_minor - facts.exposure.outstanding_minor)
    most = most_by_months(facts, day_one(), grade=grade, free_minor=free)
    assert list(most) == list(range(1, day_one().grades[grade].months + 1))
    assert all(amount == 0 or 1_000 * YUAN <= amount <= free for amount in most.values())
    assert most[day_one().grades[grade].months] == (free if free >= 1_000 * YUAN else 0)


def test_a_repaid_instalment_frees_what_it_repaid() -> None:
    """What is outstanding is added to what may be lent anew: a limit does not shrink by being used."""
    unused = merchant(largest_repaid_minor=60_000 * YUAN)
    terms = terms_of(day_one(), grade=Grade.B1, principal_minor=30_000 * YUAN, months=9)
    drawn = draw_schedule(terms, on=ON)
    for paid in range(10):
        left = drawn[paid:]
        used = replace(
            unused.exposure,
            outstanding_minor=sum(row.principal_minor for row in left),
            dues_minor=tuple(row.total_minor for row in left),
        )
        before, after = (
            compute_limit(one, day_one(), grade=Grade.B1) for one in (unused, replace(unused, exposure=used))
        )
        assert after.limit_minor == before.limit_minor == 60_000 * YUAN
        gap = (after.caps[Cap.AFFORDABILITY] or 0) - (before.caps[Cap.AFFORDABILITY] or 0)
        assert 0 <= gap < 450 * YUAN  # what is left has less interest to come than a new loan


@pytest.mark.parametrize(
    ("unpaid", "months"),
    [
        ([], ()),
        ([("2026-01-05", 5), ("2026-03-02", 7), ("2026-04-02", 11), ("2026-04-03", 13)], (23, 13)),
        ([("2026-06-02", 1), ("2026-05-20", 2)], (0, 0, 3)),
    ],
)
def test_instalments_are_added_up_by_the_month_they_fall_due(
    unpaid: list[tuple[str, int]], months: tuple[int, ...]
) -> None:
    assert dues_by_month([(date.fromisoformat(due), amount) for due, amount in unpaid], on=ON) == months


def test_the_instalments_of_a_loan_of_today_are_one_a_month() -> None:
    """Red if a month ends a day early: the last instalment would be no obligation within the term."""
    for on in (ON, date(2026, 1, 31), date(2028, 2, 29)):
        made = draw_schedule(terms_of(day_one(), grade=Grade.B1, principal_minor=30_000 * YUAN, months=9), on=on)
        assert dues_by_month([(row.due, row.total_minor) for row in made], on=on) == tuple(
            row.total_minor for row in made
        )


def raised(line: GrantedLimit | None, *computed: int, on: date = ON) -> list[int]:
    found = []
    for night, amount in enumerate(computed):
        line = next_limit(line, amount, night=on + timedelta(night), rules=day_one().limits)
        found.append(0 if line is None else line.limit_minor)
    return found


@pytest.mark.parametrize(
    ("computed", "lines"),
    [
        ([0, 0, 500], [0, 0, 500]),
        ([1000, 900, 950], [1000, 900, 900]),
        ([1000, *[1100] * 7], [*[1000] * 7, 1100]),
        ([1000, *[1099] * 20], [1000] * 21),
        ([1000, *[1100] * 6, 1099, *[1100] * 6], [1000] * 14),
        ([1000, *[1200] * 6, 1150], [*[1000] * 7, 1150]),
        ([1000, *[1100] * 6, 9000], [*[1000] * 7, 1100]),
        ([1000, *[1200] * 3, 1000, *[1200] * 6], [1000] * 11),
        ([1000, 0, *[1000] * 7], [1000, *[0] * 7, 1000]),
    ],
)
def test_a_line_is_cut_at_once_and_raised_when_more_has_lasted(computed: list[int], lines: list[int]) -> None:
    """Red if six nights are enough, 9.9 % are, a break is forgiven, or the last night's limit is taken."""
    assert raised(None, *computed) == lines


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=30))
def test_a_line_is_never_above_what_was_computed_and_rises_only_to_what_lasted(computed: list[int]) -> None:
    lines = raised(None, *computed)
    for night, (amount, line) in enumerate(zip(computed, lines, strict=True)):
        assert line <= amount
        before = lines[night - 1] if night else 0
        if line > before and any(lines[:night]):
            week = computed[night - 6 : night + 1]
            assert len(week) == 7
            assert line <= min(week)
            assert all(10 * one >= 11 * before for one in week)


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=12))
def test_a_night_run_twice_moves_a_line_once(computed: list[int]) -> None:
    line = None
    for night, amount in enumerate(computed):
        line = next_limit(line, amount, night=ON + timedelta(night), rules=day_one().limits)
        assert next_limit(line, amount, night=ON + timedelta(night), rules=day_one().limits) == line


def test_a_limit_reads_nothing_but_its_facts() -> None:
    facts = merchant()
    found: list[Limit] = [compute_limit(facts, day_one(), grade=Grade.B1) for _ in range(2)]
    assert found[0] == found[1]
