"""Compute the sales basis M: the month's sales that limits are multiples of."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from config.kernel.exact import BASIS_POINTS, Int64s
from scoring.domain.features.columns import Column, exact, half_even
from scoring.domain.features.measures import MONTH_NAMES

QUARTERS_BELOW_10: Final = 2
QUARTERS_BELOW_30: Final = 3
FEWEST_ORDERS: Final = 10
FEW_ORDERS: Final = 30


def sales_basis(measured: Mapping[str, Column], characteristics: Mapping[str, Column]) -> Int64s:
    """Compute M = min(s(30), s(90) ÷ 3, median month) x season x thin in minor units, never below 0.

    A null median is left out; season as quantised; the product is rounded once, half to even. Thin is 0.5
    below 10 orders in 90 days, 0.75 below 30, else 1. The months are compared times three, in integers.
    """
    month, quarter = exact(measured["s_month_0"].values), exact(characteristics["sales_90"].values)
    median, orders = characteristics["med_month_12"], characteristics["orders_90"].values
    threefold = np.minimum(3 * month, quarter)
    threefold = np.where(median.null, threefold, np.minimum(threefold, 3 * exact(median.values)))
    thin = np.select(
        [orders < FEWEST_ORDERS, orders < FEW_ORDERS], [QUARTERS_BELOW_10, QUARTERS_BELOW_30], default=4
    ).astype(np.int64)
    scale = characteristics["season"].values * thin
    product = np.maximum(threefold, 0)
    if product.size and int(product.max()) >= 2**47:  # times up to 44,000 it would overflow int64
        product = product.astype(object)
    product = product * scale
    return half_even(product, np.full(len(orders), 3 * BASIS_POINTS * 4, np.int64), 1).astype(np.int64)


def worst_month(measured: Mapping[str, Column]) -> Int64s:
    """Return the least net sales of the last twelve 30-day months, in minor units; it may be below 0."""
    return np.asarray(np.min([measured[month].values for month in MONTH_NAMES], axis=0), np.int64)
