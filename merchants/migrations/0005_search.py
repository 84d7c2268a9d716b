from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently, TrigramExtension
from django.db import migrations
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("merchants", "0004_kept_request")]

    operations = [
        TrigramExtension(),
        AddIndexConcurrently(
            "merchant", GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="merchants_merchant_name_parts")
        ),
        AddIndexConcurrently(
            "merchant", GinIndex(OpClass(Upper("external_id"), "gin_trgm_ops"), name="merchants_merchant_id_parts")
        ),
    ]
