"""Numbers of payout accounts: what is checked of which form. The examples are the standards' own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn

from merchants.domain.payout_account import (
    EntryRefusal,
    NumberForm,
    canonical_number,
    form_of,
    judge_number,
    without_numbers,
)

R = EntryRefusal
F = NumberForm
NUMBERS: list[tuple[str, str, NumberForm, EntryRefusal | None]] = [
    ("GB82 WEST 1234 5698 7654 32", "EUR", F.IBAN, None),
    ("gb82west12345698765432", "BRL", F.IBAN, None),
    ("FR14 2004 1010 0505 0001 3M02 606", "EUR", F.IBAN, None),
    ("BR18 0036 0305 0000 1000 9795 493C 1", "BRL", F.IBAN, None),
    ("SE45 5000 0000 0583 9825 7466", "SEK", F.IBAN, None),  # no national check is known
    ("GB83 WEST 1234 5698 7654 32", "EUR", F.IBAN, R.IBAN_CHECK_FAILED),
    ("GB82 WEST 1234 5698 7654 3", "EUR", F.IBAN, R.IBAN_LENGTH_WRONG),
    ("GB82 1234 WEST 5698 7654 32", "EUR", F.IBAN, R.IBAN_STRUCTURE_WRONG),
    ("IT40 S054 2811 1010 0000 0123 456", "EUR", F.IBAN, R.IBAN_NATIONAL_CHECK_FAILED),  # X is its check, not S
    ("16.727.230/0001-97", "BRL", F.CNPJ, None),
    ("16.727.230/0001-98", "BRL", F.CNPJ, R.CNPJ_CHECK_FAILED),
    ("12.ABC.345/01DE-35", "BRL", F.CNPJ, None),  # as they are given out since July 2026
    ("12.ABC.345/01DE-36", "BRL", F.CNPJ, R.CNPJ_CHECK_FAILED),
    ("DE.123.456/0001-79", "BRL", F.CNPJ, None),  # no IBAN of Germany
    ("390.533.447-05", "BRL", F.CPF, None),
    ("390.533.447-06", "BRL", F.CPF, R.CPF_CHECK_FAILED),
    ("111.111.111-11", "BRL", F.CPF, R.CPF_CHECK_FAILED),
    ("390.533.447-06", "CNY", F.UNKNOWN, None),
    ("001 1234 0123456", "BRL", F.CNPJ, R.CNPJ_CHECK_FAILED),  # 14 digits
    ("001 1234 000000123456", "BRL", F.UNKNOWN, None),  # the same bank account, filled up
    ("6222 0212 3456 7890 128", "CNY", F.CARD, None),
    ("6222 0212 3456 7890 129", "CNY", F.CARD, R.CARD_CHECK_FAILED),
    ("6222 0212 3456 7890 129", "EUR", F.UNKNOWN, None),
    ("1100 1234 5678 9012 345", "CNY", F.UNKNOWN, None),
    ("XX82 WEST 1234 5698 7654 32", "EUR", F.UNKNOWN, None),
]


@pytest.mark.parametrize(("text", "currency", "form", "refused"), NUMBERS)
def test_a_number_is_checked_by_the_form_that_it_has(
    text: str, currency: str, form: NumberForm, refused: EntryRefusal | None
) -> None:
    number = canonical_number(text)
    assert number is not None
    assert form_of(number, currency=currency) is form
    assert judge_number(number, currency=currency) is refused


def test_every_refusal_of_a_number_is_shown() -> None:
    assert {refused for *_, refused in NUMBERS if refused} == set(R) - {R.NUMBER_MALFORMED, R.HOLDER_DIFFERS}


@given(
    st.text(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), min_size=8, max_size=34), st.sampled_from("BCE")
)
def test_no_canonical_number_is_beyond_judging(number: str, currency: str) -> None:
    """Red if a library lets an error of its own out: a partner would be told 500."""
    code = {"B": "BRL", "C": "CNY", "E": "EUR"}[currency]
    judge_number(number, currency=code)
    for country in ("DE", "FR", "IT", "NO", "ES", "NL", "BR", "SE"):
        judge_number(f"{country}{number}"[:34], currency=code)


@given(st.text("0123456789", min_size=18, max_size=18), st.integers(4, 21), st.integers(1, 9))
def test_one_wrong_digit_of_an_iban_is_found(account: str, at: int, by: int) -> None:
    """Beside a second library, which computes the check digits here. 18 digits are a German account."""
    number = f"DE{iban.calc_check_digits(f'DE00{account}')}{account}"
    typo = number[:at] + str((int(number[at]) + by) % 10) + number[at + 1 :]
    assert judge_number(number, currency="EUR") in {None, R.IBAN_NATIONAL_CHECK_FAILED}
    assert judge_number(typo, currency="EUR") is R.IBAN_CHECK_FAILED


@given(st.text("0123456789", min_size=13, max_size=16), st.data())
def test_one_wrong_digit_of_a_card_is_found(inner: str, data: st.DataObject) -> None:
    number = f"62{inner}{luhn.calc_check_digit(f'62{inner}')}"
    assert judge_number(number, currency="CNY") is None
    at = data.draw(st.integers(2, len(number) - 1))
    other = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != number[at]))
    assert judge_number(number[:at] + other + number[at + 1 :], currency="CNY") is R.CARD_CHECK_FAILED


@pytest.mark.parametrize(
    ("words", "hidden"),
    [
        ("to GB82WEST12345698765432 now", "to **** 5432 now"),
        ("gb82west12345698765432", "**** 5432"),
        ("DE89 3704 0044 0532 0130 00.", "**** 3000."),
        ("card 4111 1111 1111 1111", "card **** 1111"),
        ("CPF 52998224725", "CPF **** 4725"),
        ("invoice 2026-0042 of 2,500.00", "invoice 2026-0042 of 2,500.00"),
        ("loan 17, 3rd instalment, 20260302", "loan 17, 3rd instalment, 20260302"),
    ],
)
def test_what_may_be_an_account_is_hidden_in_words(words: str, hidden: str) -> None:
    assert without_numbers(words) == hidden
