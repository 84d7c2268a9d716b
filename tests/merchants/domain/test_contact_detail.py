import pytest

from merchants.domain.contact_detail import MOST, DetailKind, DetailRefusal, canonical_detail, judge_detail, mask_detail

PHONE, EMAIL = DetailKind.PHONE, DetailKind.EMAIL


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        (PHONE, "+86 138-0013-8000", "+8613800138000"),
        (PHONE, " +49 (30) 901.820 ", "+4930901820"),
        (PHONE, "013800138000", None),
        (PHONE, "+0138001380", None),
        (PHONE, "+86138", None),
        (PHONE, "+861380013800012345", None),
        (PHONE, "+86 ext 12345678", None),
        (EMAIL, " Kiln@Example.COM ", "kiln@example.com"),
        (EMAIL, "kiln@example", None),
        (EMAIL, "kiln@@example.com", None),
        (EMAIL, "kiln@-example.com", None),
        (EMAIL, "kiln shop@example.com", None),
        (EMAIL, "kiln@example.com\nBcc: x@example.com", None),
        (EMAIL, "k" * 65 + "@example.com", None),
        (EMAIL, "k@" + "a." * 130 + "com", None),
    ],
)
def test_a_detail_has_the_form_of_its_kind(kind: DetailKind, text: str, kept: str | None) -> None:
    canonical = canonical_detail(kind, text)
    refusal = judge_detail(kind, canonical, known=())
    assert (canonical if refusal is None else None) == kept
    assert refusal in {None, DetailRefusal.PHONE_MALFORMED, DetailRefusal.EMAIL_MALFORMED}


def test_a_merchant_has_so_many_and_no_more() -> None:
    assert judge_detail(PHONE, "+8613800138000", known=["x"] * (MOST - 1)) is None
    assert judge_detail(PHONE, "+8613800138000", known=["x"] * MOST) is DetailRefusal.TOO_MANY


def test_what_is_shown_reaches_nobody() -> None:
    assert mask_detail(PHONE, "+8613800138000") == "*** 000"
    assert mask_detail(EMAIL, "kiln@example.com") == "k***@example.com"
    assert mask_detail(EMAIL, "bo@example.com") == "***@example.com"
