"""The golden files of peers, and what checks a case of each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.golden.aprs import check_apr
from tests.golden.daycounts import check_day_count
from tests.golden.eu_schedules import check_table
from tests.golden.fineract_delinquency import check_delinquency
from tests.golden.fineract_instalments import check_instalments
from tests.golden.fineract_schedules import check_schedule
from tests.golden.fineract_servicing import check_servicing
from tests.golden.frappe import check_figures
from tests.golden.outcome import Case, Check, Waits
from tests.golden.timevalues import check_time_value


def waits_for(what: str) -> Check:
    """Make the check of a file whose kind of loan does not exist yet."""

    def check(_case: Case) -> None:
        raise Waits(what)

    return check


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "daycount.json": check_day_count,
        "tvm_xirr.json": check_time_value,
        "apr.json": check_apr,
        "eu_aprc_schedules.json": check_table,
        "fineract_schedules.json": check_schedule,
        "fineract_emi_unit.json": check_instalments,
        "fineract_servicing.json": check_servicing,
        "fineract_delinquency.json": check_delinquency,
        "frappe_lending.json": check_figures,
        "fineract_working_capital.json": waits_for("the product kind SALES_SHARE"),
    }
)
