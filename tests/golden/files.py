"""The golden files of peers, and what checks a case of each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.golden.aprs import check_apr
from tests.golden.daycounts import check_day_count
from tests.golden.eu_schedules import check_table
from tests.golden.fineract_schedules import check_schedule
from tests.golden.outcome import Check
from tests.golden.timevalues import check_time_value

CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "daycount.json": check_day_count,
        "tvm_xirr.json": check_time_value,
        "apr.json": check_apr,
        "eu_aprc_schedules.json": check_table,
        "fineract_schedules.json": check_schedule,
    }
)
