from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.money import (
    EXPONENTS,
    MAX_MINOR,
    BadAmount,
    Money,
    allocate,
    exponent_of,
    format_minor,
    is_currency,
    parse_minor,
    parse_typed,
)

currencies = st.sampled_from([*(code for code, exponent in EXPONENTS.items() if exponent is not None), "BGN"])
amounts = st.integers(-MAX_MINOR, MAX_MINOR)
weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=30).filter(any)


def test_decimals_are_those_of_iso_4217() -> None:
    """Red if the list changed a currency's decimals: what is stored in minor units would be read as another amount."""
    unlike = {exponent: [code for code, found in EXPONENTS.items() if found == exponent] for exponent in (0, 3, 4)}
    assert {exponent: " ".join(sorted(codes)) for exponent, codes in unlike.items()} == {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }
    assert parse_minor("35.1234", "CLF") == 351_234
    assert [code for code in ("EUR", "BGN", "XAU", "XTS", "eur", "EURO", "EUR\n") if is_currency(code)] == [
        "EUR",
        "BGN",
    ]


@given(amounts, currencies)
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    text = format_minor(minor, currency)
    assert parse_minor(text, currency) == minor
    assert len(text.partition(".")[2]) == exponent_of(currency)


@given(amounts, currencies)
def test_commas_are_all_that_grouping_adds(minor: int, currency: str) -> None:
    grouped = format_minor(minor, currency, grouped=True)
    assert grouped.replace(",", "") == format_minor(minor, currency)
    assert all(len(part) == 3 for part in grouped.lstrip("-").partition(".")[0].split(",")[1:])


@given(amounts, currencies, st.integers(0, 5))
def test_zeros_behind_the_decimals_are_read(minor: int, currency: str, zeros: int) -> None:
    text = format_minor(minor, currency)
    assert parse_minor(text + ("" if "." in text else ".") + "0" * (zeros + 1), currency) == minor


@given(amounts, currencies, st.integers(0, 3), st.integers(1, 9))
def test_digits_behind_the_decimals_are_refused_not_rounded(minor: int, currency: str, zeros: int, digit: int) -> None:
    """Red if the digits beyond the currency's were cut off."""
    text = format_minor(minor, currency)
    with pytest.raises(BadAmount, match="decimals"):
        parse_minor(text + ("" if "." in text else ".") + "0" * zeros + str(digit), currency)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1234.50", "EUR", 123_450),
        ("1234.5", "EUR", 123_450),
        ("1234", "EUR", 123_400),
        ("-0.01", "EUR", -1),
        ("-0", "EUR", 0),
        ("007.10", "EUR", 710),
        ("1234", "JPY", 1_234),
        ("1234.00", "JPY", 1_234),
        ("1.234", "KWD", 1_234),
        ("10000000000000.00", "EUR", MAX_MINOR),
    ],
)
def test_amounts_by_hand(text: str, currency: str, minor: int) -> None:
    assert parse_minor(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-", ".", ".5", "5.", "+5", " 5", "5 ", "5\n", "1,000", "1_000", "1e3", "0x10", "1.2.3", "--1"),
        *("NaN", "nan", "Infinity", "-inf", "٣", "１", "½", "1" * 19, "0" * 18 + "1", "5 EUR", "€5", "1.5e2"),  # noqa: RUF001
    ],
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(BadAmount, match="not a decimal amount"):
        parse_minor(text, "EUR")


@pytest.mark.parametrize("text", ["10000000000000.01", "-10000000000000.01", "9" * 18])
def test_what_nobody_pays_is_refused(text: str) -> None:
    with pytest.raises(BadAmount, match="plausible"):
        parse_minor(text, "EUR")


@given(st.text(max_size=40), currencies)
def test_any_text_is_read_or_refused(text: str, currency: str) -> None:
    try:
        minor = parse_minor(text, currency)
    except BadAmount:
        return
    assert abs(minor) <= MAX_MINOR


@given(st.integers(-(10**15), 10**15), weights)
def test_shares_add_up_and_are_within_one_unit_of_the_exact_ones(total: int, weights: list[int]) -> None:
    """Red if the remainder were given to the last part, or each part rounded by itself."""
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert part == 0 or (weight > 0 and (part > 0) == (total > 0))


@given(st.integers(0, 10**15), weights)
def test_the_largest_remainders_get_the_rest_and_of_equals_the_earliest(total: int, weights: list[int]) -> None:
    """Red if the sort were by weight, or ran from the end."""
    quotients = [divmod(total * weight, sum(weights)) for weight in weights]
    extra = [part - whole for part, (whole, _) in zip(allocate(total, weights), quotients, strict=True)]
    ranked = sorted(range(len(weights)), key=lambda place: (-quotients[place][1], place))
    assert [place for place in ranked if extra[place]] == ranked[: sum(extra)]


@given(st.integers(0, 10**15), weights)
def test_a_debt_is_shared_like_a_claim(total: int, weights: list[int]) -> None:
    assert allocate(-total, weights) == [-part for part in allocate(total, weights)]


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (5, [3, 3], [3, 2]),
        (10, [0, 1, 0], [0, 10, 0]),
        (1_000, [333, 333, 334], [333, 333, 334]),
        (7, [1, 2, 4], [1, 2, 4]),
        (6, [1, 2, 4], [1, 2, 3]),  # exact shares 0.857, 1.714, 3.429: two units over, to the first two
        (0, [5, 5], [0, 0]),
    ],
)
def test_shares_by_hand(total: int, weights: list[int], parts: list[int]) -> None:
    assert allocate(total, weights) == parts


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1, 2], [3, -1]])
def test_weights_that_share_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        allocate(100, weights)


@pytest.mark.parametrize("minor", [1.0, True, "1", None, Fraction(1)])
def test_only_integers_are_minor_units(minor: object) -> None:
    """Red if isinstance stood for the exact type: True is an int."""
    with pytest.raises(TypeError, match="int"):
        Money(minor, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["", "eur", "EU", "EURO", "E1R", "EUR\n", "ÉUR"])
def test_only_three_capitals_are_a_currency(currency: str) -> None:
    with pytest.raises(BadAmount, match="currency"):
        Money(1, currency)


def test_money_has_no_order_and_reads_well() -> None:
    assert str(Money(-123_450, "EUR")) == "-1234.50 EUR"
    assert str(Money(1_234, "JPY")) == "1234 JPY"
    with pytest.raises(TypeError):
        Money(1, "EUR") < Money(2, "EUR")  # type: ignore[operator] # noqa: B015


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        (" 1234.50 ", "EUR", 123_450),
        ("1,234.5", "EUR", 123_450),
        ("1234567", "EUR", 123_456_700),
        ("1,234,567.00", "EUR", 123_456_700),
        ("12,500", "EUR", 1_250_000),
        ("1,234", "JPY", 1_234),
        ("1.500", "KWD", 1_500),
    ],
)
def test_what_a_person_types_is_read(text: str, currency: str, minor: int) -> None:
    assert parse_typed(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        *((text, "EUR") for text in ("12,50", "1.500,00", "1.500", "1,2345", ",500", "1,234,50", "1234,567", "1,,234")),
        *((text, "EUR") for text in ("1.5,0", "1 234.50", "1'234.50", "-5", "", "5.", ".5", "1,234.567", "one")),
        ("1.0", "JPY"),
        ("9" * 18, "EUR"),
    ],
)
def test_what_another_country_reads_otherwise_is_refused_and_told_how_to_write(text: str, currency: str) -> None:
    """Red if commas were dropped: 12,50 would be 1,250.00, and 1.500 of a European pen 1.50."""
    with pytest.raises(BadAmount):
        parse_typed(text, currency)


def test_the_words_show_the_decimals_of_the_currency() -> None:
    with pytest.raises(BadAmount, match=r"^Write the amount like 1,234\.50 or 1234\.50\.$"):
        parse_typed("12,50", "EUR")
    with pytest.raises(BadAmount, match=r"^Write the amount like 1,234 or 1234\.$"):
        parse_typed("12,50", "JPY")
