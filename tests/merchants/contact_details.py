"""Contact details of merchants."""

from merchants.domain.contact_detail import DetailKind, Language
from merchants.models import ContactDetail, Merchant
from merchants.operations.contact_details import enter_detail
from tests.conftest import CLERK, NOW

PHONE = "+8613800138000"


def make_detail(
    merchant: Merchant, text: str = PHONE, *, kind: DetailKind = DetailKind.PHONE, language: Language = Language.ZH
) -> ContactDetail:
    return enter_detail(merchant_id=merchant.pk, kind=kind, text=text, language=language, actor=CLERK, now=NOW)
