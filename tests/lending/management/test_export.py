from io import StringIO
from pathlib import Path
from random import Random

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from merchants.domain.transaction import buyer_hash
from merchants.gateways.feed_files import write_feed_file
from merchants.models import Merchant, Partner, Transaction
from tests.markets import make_merchants, make_partner, receive, sale

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = [
    sale("1", order_ref="o,1", buyer="ann@example.com", channel='the "app"'),
    sale("2", "barn", amount="0.01", occurred_at="2026-02-01T23:30:00-05:00"),
    sale("3", kind="REVIEW", amount="", value="4"),
    sale("4", "barn", kind="DISPATCH", amount="0", value="0"),
    sale("5", "sakura", amount="1200"),
]


@pytest.fixture
def market() -> Partner:
    partner = make_partner()
    make_merchants(partner, "kiln", "barn", owner_ref="ann", category="tea, loose", opened_on="2024-02-29")
    make_merchants(partner, "sakura", currency="JPY")
    receive(partner, ROWS)
    return partner


def export(what: str, path: Path, **options: str) -> str:
    output = StringIO()
    call_command("export", what, to=path, stdout=output, **options)
    return output.getvalue()


def facts(partner: str) -> tuple[list[tuple[object, ...]], ...]:
    """Give what a partner's feed says."""
    columns = ("name", "currency", "owner__external_ref", "category", "region", "city", "membership", "opened_on")
    cells = ("order_ref", "kind", "occurred_at", "day", "amount_minor", "value", "channel")
    merchants = Merchant.objects.filter(partner__code=partner).order_by("external_id")
    rows = Transaction.objects.filter(merchant__partner__code=partner).order_by("external_id")
    return (
        list(merchants.values_list("external_id", *columns)),
        list(rows.values_list("merchant__external_id", "external_id", *cells)),
        list(rows.filter(buyer__isnull=False).values_list("external_id", "buyer")),
    )


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_what_was_exported_is_imported_again(tmp_path: Path, ending: str) -> None:
    assert "3 merchants written" in export("merchants", tmp_path / f"merchants.{ending}")
    assert "5 transactions written" in export("transactions", tmp_path / f"transactions.{ending}")
    err = StringIO()
    call_command("import_marketplace", tmp_path, partner="again", settlement="ESCROW", stderr=err, stdout=StringIO())
    assert err.getvalue() == ""
    assert facts("again") == facts("bazaar")


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_an_export_imported_into_its_own_partner_changes_nothing(tmp_path: Path, ending: str, market: Partner) -> None:
    """Red if the hash of a buyer were hashed again: each row with a buyer would be a conflict."""
    strange = 'Ann\r\n"T9",kiln,SALE,\u2028 \ufeff\x85,'
    make_merchants(market, 'odd, "shop"', name=strange, city="\n", category=" tea ")
    receive(market, [sale('6"\n7', 'odd, "shop"', order_ref="o\r1", buyer=strange, channel="\t ")])
    export("merchants", tmp_path / f"merchants.{ending}")
    export("transactions", tmp_path / f"transactions.{ending}")
    first, before = (tmp_path / f"transactions.{ending}").read_bytes(), facts("bazaar")
    out, err = StringIO(), StringIO()
    call_command("import_marketplace", tmp_path, partner="bazaar", settlement="ESCROW", stderr=err, stdout=out)
    assert err.getvalue() == ""
    assert "6 received, 0 accepted, 6 duplicate, 0 conflict, 0 rejected" in out.getvalue()
    assert facts("bazaar") == before
    export("transactions", tmp_path / f"transactions.{ending}")
    if ending == "csv":  # gzip and Parquet hold more than the rows
        assert (tmp_path / f"transactions.{ending}").read_bytes() == first


STRANGE = [*"',;\n\r\t \\\ufeff\x85\u2028é茶x#=", '"', '""', "\r\n", "NULL", "\\N", "\\."]


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_ten_thousand_rows_of_strange_text_are_counted_and_come_back(tmp_path: Path, ending: str) -> None:
    """Red if a text that quotes, breaks a line or separates made a row, lost one, or changed on its way."""
    chance = Random(4181)  # noqa: S311 - no secret

    def strange() -> str:
        return "".join(chance.choices(STRANGE, k=chance.randrange(6)))

    ids = [f"shop {number}{strange()}." for number in range(20)]
    shops = [(name, f"{strange()}.", "EUR", strange()) for name in ids]
    columns = ("external_id", "merchant", "kind", "occurred_at", "amount", "order_ref", "channel", "buyer")
    sent = [
        (
            *(f"{number}{strange()}.", chance.choice(ids), "SALE", "2026-02-01T12:00:00Z", "1.50"),
            *(strange().strip(), strange(), strange()),
        )
        for number in range(10_000)
    ]
    write_feed_file(tmp_path / f"merchants.{ending}", ("external_id", "name", "currency", "city"), shops)
    write_feed_file(tmp_path / f"transactions.{ending}", columns, sent)
    for partner, came in (("first", (10_000, 0)), ("again", (10_000, 0)), ("first", (0, 10_000))):
        out, err = StringIO(), StringIO()
        call_command("import_marketplace", tmp_path, partner=partner, settlement="ESCROW", stderr=err, stdout=out)
        assert err.getvalue() == ""
        assert "{} accepted, {} duplicate, 0 conflict, 0 rejected".format(*came) in out.getvalue()
        for what in ("merchants", "transactions"):
            export(what, tmp_path / f"{what}.{ending}", partner="first")
    stored = Transaction.objects.filter(merchant__partner__code="first")
    found = stored.values_list("external_id", "merchant__external_id", "order_ref", "channel", "buyer")
    assert sorted(found, key=str) == sorted(
        (
            (name, shop, order, channel, buyer_hash(buyer) if buyer else None)
            for name, shop, _, _, _, order, channel, buyer in sent
        ),
        key=str,
    )
    assert facts("again") == facts("first")


@pytest.mark.usefixtures("market")
def test_what_was_corrected_is_left_out(tmp_path: Path) -> None:
    """Red without superseded_in: elsewhere both versions would count. Imported again here, all are duplicates."""
    partner = Partner.objects.get(code="bazaar")
    receive(partner, [sale("1-a", amount="0.99", corrects="1")])
    path = tmp_path / "transactions.csv"
    assert "5 transactions written" in export("transactions", path)
    export("merchants", tmp_path / "merchants.csv")
    out = StringIO()
    call_command("import_marketplace", tmp_path, partner="bazaar", settlement="ESCROW", stdout=out)
    assert "5 received, 0 accepted, 5 duplicate, 0 conflict, 0 rejected" in out.getvalue()


@pytest.mark.usefixtures("market")
def test_the_file_says_amounts_in_their_currency_and_buyers_as_hashes(tmp_path: Path) -> None:
    path = tmp_path / "transactions.csv"
    export("transactions", path)
    buyer = Transaction.objects.get(external_id="1").buyer
    assert path.read_text().splitlines() == [
        "external_id,merchant,kind,occurred_at,amount,currency,order_ref,buyer_hash,value,channel,recorded_at",
        f'1,kiln,SALE,2026-02-01T12:00:00+00:00,10.00,EUR,"o,1",{buyer},,"the ""app""",',
        "3,kiln,REVIEW,2026-02-01T12:00:00+00:00,,EUR,,,4,,",
        "2,barn,SALE,2026-02-02T04:30:00+00:00,0.01,EUR,,,,,",
        "4,barn,DISPATCH,2026-02-01T12:00:00+00:00,,EUR,,,0,,",
        "5,sakura,SALE,2026-02-01T12:00:00+00:00,1200,JPY,,,,,",
    ]
    assert "ann@example.com" not in path.read_text()


def test_a_partner_is_named_where_there_are_several(tmp_path: Path, market: Partner) -> None:
    other = make_partner("other")
    make_merchants(other, "kiln")
    with pytest.raises(CommandError, match="one of: bazaar, other"):
        export("merchants", tmp_path / "m.csv")
    with pytest.raises(CommandError, match="one of: bazaar, other"):
        export("merchants", tmp_path / "m.csv", partner="souk")
    assert "1 merchants written" in export("merchants", tmp_path / "m.csv", partner=other.code)
    assert "3 merchants written" in export("merchants", tmp_path / "m.csv", partner=market.code)


@pytest.mark.usefixtures("market")
def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="ends with"):
        export("merchants", tmp_path / "merchants.xlsx")
    with pytest.raises(CommandError, match="No such file"):
        export("merchants", tmp_path / "nowhere" / "merchants.csv")
    assert list(tmp_path.iterdir()) == []
