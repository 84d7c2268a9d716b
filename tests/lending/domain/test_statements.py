from lending.domain.books.ledger import Account
from lending.domain.books.statements import TrialLine, balance_sheet_of, income_statement_of

LINES = [
    TrialLine(account=account, currency="CNY", opening_minor=opening, debit_minor=debit, credit_minor=credit)
    for account, opening, debit, credit in (
        (Account.PRINCIPAL, 100_000, 50_000, 30_000),
        (Account.PAYOUT_CLEARING, -95_000, 22_000, 50_000),
        (Account.MERCHANT_CREDIT, -2_000, 0, 1_000),
        (Account.INTEREST_INCOME, -3_000, 0, 4_000),
        (Account.WRITE_OFFS, 0, 13_000, 0),
    )
]


def test_income_is_what_was_credited_in_the_period_and_expenses_are_negative() -> None:
    """Red if what was earned before counted, or a loss as income."""
    stated = income_statement_of(LINES[::-1])
    assert [(line.account, minor) for line, minor in stated.lines] == [
        (Account.INTEREST_INCOME, 4_000),
        (Account.WRITE_OFFS, -13_000),
    ]
    assert stated.result_minor == -9_000


def test_what_is_owned_is_what_is_owed_and_was_earned() -> None:
    """Red if a sign were turned, or the result left out what was earned before the period."""
    sheet = balance_sheet_of(LINES)
    assert (sheet.assets_minor, sheet.liabilities_minor, sheet.result_minor) == (-3_000, 3_000, -6_000)
    assert sheet.assets_minor == sheet.liabilities_minor + sheet.result_minor
    assert sum(line.closing_minor for line in LINES) == 0
