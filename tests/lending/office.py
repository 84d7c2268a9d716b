"""Make a market with a published run, for the tests of the office's pages."""

from django.contrib.auth.models import User

from config.declarations import Role
from merchants.models import Merchant
from scoring.models import ScoreRun
from tests.beginnings import begin
from tests.conftest import make_user
from tests.markets import make_merchants
from tests.scoring.market import calibrate, make_market, run_once

XSS = "<script>alert(1)</script>"


def publish_market() -> ScoreRun:
    """Make a market, a calibration and a published run; a merchant newer than the run and one without sales."""
    begin("a published market with a newcomer", _publish_market)
    return ScoreRun.objects.latest("pk")


def _publish_market() -> None:
    make_market(40)
    partner = Merchant.objects.earliest("pk").partner
    make_merchants(partner, "sleeper", XSS, category=XSS, region="north")
    calibrate()
    run_once()
    make_merchants(partner, "newcomer", category="茶", region="north")


def staff(role: Role) -> User:
    return make_user(role.name.lower(), role)
