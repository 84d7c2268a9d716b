"""How a merchant is reached, on its page and that of its case; and how staff enter it."""

from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.office.display import Card, Column, Table, Text, linked
from config.office.verbs import Verb, VerbForm, choice_field, text_field
from merchants.domain.contact_detail import LONGEST, DetailKind, Language
from merchants.operations.contact_details import DetailNotMoved, enter_detail
from merchants.queries.contact_details import details_of
from merchants.queries.labels import DETAIL_KINDS, DETAIL_REFUSALS, LANGUAGES


class DetailForm(VerbForm):
    kind = choice_field(
        _("Kind"), coerce=DetailKind, choices=[(kind.value, said) for kind, said in DETAIL_KINDS.items()]
    )
    text = text_field(_("Number or address"), longest=LONGEST)
    language = choice_field(
        _("Language"), coerce=Language, choices=[(language.value, said) for language, said in LANGUAGES.items()]
    )


ADD_DETAIL: Final = Verb(
    name="add_detail",
    label=_("Add a contact detail"),
    group=_("Contact"),
    right="merchants.add_contactdetail",
    form=DetailForm,
    note=_("It is kept encrypted, and shown whole only on demand, which is recorded."),
    call=lambda merchant, asked: _entered(merchant.pk, asked),
    done=_("The contact detail is entered."),
    refusals={DetailNotMoved: DETAIL_REFUSALS},
)


def _entered(merchant_id: int, asked: Any) -> None:  # noqa: ANN401 - of the verb
    enter_detail(merchant_id=merchant_id, **asked.data, actor=asked.actor, now=asked.now)


def details_card(merchant_id: int, request: HttpRequest, *, span: int) -> Card:
    """Show how a merchant is reached, masked, to whoever may see it."""
    title = _("Contact details")
    if not request.user.has_perm("merchants.view_contactdetail"):
        return Card(title=title, parts=[Text(_("Your role may not see contact details."))], span=span)
    columns = [
        Column(label=_("Number or address"), style="tl-nowrap"),
        Column(label=_("Language")),
    ]
    rows = [
        [linked(one, note=DETAIL_KINDS[DetailKind(one.kind)]), LANGUAGES[Language(one.language)]]
        for one in details_of(merchant_id)
    ]
    nothing = _("None yet: the partner sends them, or staff add them on the merchant's page.")
    return Card(title=title, parts=[Table(columns=columns, rows=rows, empty=nothing)], span=span)
