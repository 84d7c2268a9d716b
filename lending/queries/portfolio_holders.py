"""Who borrows: the names of merchants and owners behind the key of a loan's borrower."""

from collections.abc import Sequence

from merchants.models import Merchant, Owner


def holder_names(borrowers: Sequence[str]) -> dict[str, str]:
    """Return the names of borrowers, given as `LoanOrigin.borrower`: a merchant's own, or an owner's reference."""
    keys: dict[str, list[int]] = {kind: [] for kind in ("merchant", "owner")}
    for borrower in borrowers:
        kind, _, key = borrower.partition(" ")
        keys[kind].append(int(key))
    merchants = Merchant.objects.filter(pk__in=keys["merchant"]).values_list("pk", "name")
    owners = Owner.objects.filter(pk__in=keys["owner"]).values_list("pk", "external_ref")
    return {f"merchant {key}": name for key, name in merchants} | {f"owner {key}": name for key, name in owners}
