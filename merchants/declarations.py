"""Declare the app's permissions, problems, links, scopes and scheduled tasks."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from config.declarations import EVERYONE, Declaration, Link, Role, Sealed, Section

CALLERS = frozenset({Role.COLLECTOR, Role.UNDERWRITER, Role.RISK_MANAGER})
"""Who calls and writes to merchants."""
DECLARED = Declaration(
    rights={
        "merchants.approve_payoutaccount": frozenset({Role.FINANCE}),
        "merchants.verify_payoutaccount": frozenset({Role.UNDERWRITER}),
        "merchants.reveal_payoutaccount": frozenset({Role.UNDERWRITER, Role.FINANCE}),
        "merchants.withhold_partner": frozenset({Role.RISK_MANAGER}),
        "merchants.withdraw_payoutaccount": frozenset({Role.UNDERWRITER, Role.FINANCE}),
        "merchants.upload_feed": frozenset({Role.ADMINISTRATOR}),
        "merchants.add_contactdetail": CALLERS,
        "merchants.retire_contactdetail": CALLERS,
        "merchants.reveal_contactdetail": CALLERS,
        "merchants.view_contactdetail": CALLERS | {Role.AUDITOR},
        "merchants.view_batch": EVERYONE,
        "merchants.view_feedupload": EVERYONE,
        "merchants.view_merchant": EVERYONE,
        "merchants.view_partner": EVERYONE,
        "merchants.view_payoutaccount": frozenset(
            {Role.CREDIT_ANALYST, Role.UNDERWRITER, Role.FINANCE, Role.CONTROLLER, Role.AUDITOR}
        ),
    },
    sealed=[
        Sealed(
            model="merchants.payoutaccount",
            key="number_key",
            sealed="sealed_number",
            owner="'merchant ' || merchant_id",
            index="number_index",
        ),
        Sealed(
            model="merchants.contactdetail",
            key="text_key",
            sealed="sealed_text",
            owner="'contact of merchant ' || merchant_id",
        ),
    ],
    approvals={"merchants.verify_payoutaccount": "merchants.approve_payoutaccount"},
    problems={
        "too_many_rows": "A request takes at most 100,000 rows: send them in parts.",
        "number_malformed": "An account number has 8 to 34 letters and digits.",
        "iban_length_wrong": "This IBAN is too short or too long for its country.",
        "iban_structure_wrong": "An IBAN of this country has letters and digits in other places.",
        "iban_check_failed": "The check digits of this IBAN are wrong: look for a typing error.",
        "iban_national_check_failed": "This IBAN does not pass its country's own check: look for a typing error.",
        "cnpj_check_failed": "The check digits of this CNPJ are wrong: look for a typing error.",
        "cpf_check_failed": "The check digits of this CPF are wrong: look for a typing error.",
        "card_check_failed": "The check digit of this card number is wrong: look for a typing error.",
        "account_not_pending": "This payout account no longer waits for verification: the office alone withdraws it.",
        "holder_differs": "This account number was entered for another holder.",
        "phone_malformed": "A telephone number begins with + and its country's code, like +8613800138000.",
        "email_malformed": "This is not a valid e-mail address.",
        "too_many_contact_details": "A merchant has at most 10 contact details: retire one first.",
        "contact_detail_retired": "This contact detail is retired already.",
        "idempotency_key_missing": "This call moves something: send an Idempotency-Key, another for each new request.",
        "idempotency_key_invalid": "An Idempotency-Key has 1 to 100 printable ASCII characters.",
        "idempotency_key_reused": "This Idempotency-Key stands for another request: nothing was done.",
        "request_running": "The same request is being done at this moment: send it again to learn what came of it.",
        "reference_used": "Your external_ref was used before: nothing was done. References are unique for ever.",
    },
    links=[
        Link(section=Section.MERCHANTS, title=_("Merchants"), icon="storefront", app="merchants", model="merchant"),
        Link(
            section=Section.MERCHANTS,
            title=_("Payout accounts"),
            icon="account_balance",
            app="merchants",
            model="payoutaccount",
        ),
        Link(
            section=Section.MERCHANTS,
            title=_("Contact details"),
            icon="contact_phone",
            app="merchants",
            model="contactdetail",
        ),
        Link(section=Section.WORK, title=_("Uploads"), icon="upload_file", app="merchants", model="feedupload"),
        Link(section=Section.WORK, title=_("Batches"), icon="inbox", app="merchants", model="batch"),
        Link(section=Section.ADMINISTRATION, title=_("Partners"), icon="handshake", app="merchants", model="partner"),
    ],
    scopes={
        "merchants:write": "Enter and change merchants and their payout accounts",
        "transactions:write": "Send transactions",
    },
    beat={
        "merchants.judge_feeds": timedelta(minutes=5),
        "merchants.seal_forgotten_batches": timedelta(minutes=10),
        "merchants.forget_requests": timedelta(hours=1),
        "merchants.forget_stray_uploads": timedelta(hours=1),
    },
    authentication="merchants.api.authentication.PartnerAuthentication",
    queues=["merchants.admin.queues.QUEUES"],
)
