"""Find what pages ask for; drop indexes whose column another one begins with, and those that nothing asks for."""

from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper

from config.db.indexes import drop_key_index, unindexed

DROPPED = [
    "lending_application_merchant_id_ba082594",
    "lending_application_partner_id_50c9db87",
    "lending_application_product_id_2205e37f",
    "lending_application_score_id_a8ea7d46",
    "lending_entry_product_id_49455d7b",
    "lending_instalment_loan_id_bb8ce238",
    "lending_loan_merchant_id_5ff6efdd",
    "lending_loan_payout_account_id_50b4ce77",
    "lending_loan_product_id_dcced5a2",
    "lending_loanevent_loan_id_ba0f4c5c",
    "lending_loanevent_of_id_9fdf1558",
    "lending_offer_merchant_id_dff1d644",
    "lending_offer_score_id_a3653aed",
    "lending_posting_credit_id_802bc925",
    "lending_posting_credit_id_802bc925_like",
    "lending_posting_debit_id_bc4e579b",
    "lending_posting_debit_id_bc4e579b_like",
    "lending_proofline_close_id_77b7a91d",
]
KEYS = [
    ("application", "merchant", "merchants.merchant", "+"),
    ("application", "partner", "merchants.partner", "+"),
    ("application", "product", "lending.productversion", "+"),
    ("application", "score", "scoring.score", "+"),
    ("instalment", "loan", "lending.loan", "instalments"),
    ("loan", "merchant", "merchants.merchant", "+"),
    ("loan", "payout_account", "merchants.payoutaccount", "+"),
    ("loan", "product", "lending.productversion", "+"),
    ("loanevent", "loan", "lending.loan", "events"),
    ("offer", "merchant", "merchants.merchant", "+"),
    ("offer", "score", "scoring.score", "+"),
    ("posting", "credit", "lending.ledgeraccount", "+"),
    ("posting", "debit", "lending.ledgeraccount", "+"),
    ("proofline", "close", "lending.dayclose", "proof"),
]
KEYS_OF_SOME = [
    ("entry", "product", "lending.productversion", "+"),
    ("loanevent", "of", "lending.loanevent", "+"),
]
ADDED = [
    (
        "application",
        models.Index(OpClass(Upper("external_ref"), name="varchar_pattern_ops"), name="lending_application_by_ref"),
    ),
    (
        "loan",
        models.Index(
            fields=["-dpd", "-id"],
            include=["currency", "principal_minor", "disbursed_minor"],
            name="lending_loan_by_dpd",
        ),
    ),
    ("offer", models.Index(fields=["state", "-id"], name="lending_offer_by_state")),
    ("offer", models.Index(fields=["grade", "-id"], name="lending_offer_by_grade")),
    (
        "transfer",
        models.Index(fields=["state", "-id"], name="lending_transfer_not_done", condition=~models.Q(state="DONE")),
    ),
]


def forget(index: str) -> migrations.RunSQL:
    """Drop what a broken attempt left of an index."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("lending", "0012_fill_sums_by_status"),
        ("merchants", "0014_fewer_indexes"),
        ("scoring", "0008_measured_merchants"),
    ]
    operations = [
        # Other transactions are waited for, however long they last.
        migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
        *(step for model, index in ADDED for step in (forget(str(index.name)), AddIndexConcurrently(model, index))),
        # Of an index of what a column gives, nothing is known before.
        migrations.RunSQL("ANALYZE lending_application", migrations.RunSQL.noop),
        RemoveIndexConcurrently("loan", "lending_loan_late"),
        migrations.RunSQL(migrations.RunSQL.noop, "DROP INDEX CONCURRENTLY IF EXISTS lending_loan_late"),
        migrations.SeparateDatabaseAndState(
            [drop_key_index(name) for name in DROPPED],
            [*(unindexed(*key) for key in KEYS), *(unindexed(*key, null=True) for key in KEYS_OF_SOME)],
        ),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
    ]
