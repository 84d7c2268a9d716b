"""The make-up of the simulated market: categories, regions, memberships. Weights need not add up to one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """What a kind of shop sells.

    ticket: median order in yuan, of shops that sell in small lots to other shops; swing: seasonal amplitude, as a
    share; peak: day of the year with the most sales; ships: whether orders are dispatched.
    """

    name: str
    weight: float
    ticket: float
    swing: float
    peak: int
    ships: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A region and its cities."""

    name: str
    weight: float
    cities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a shop pays the platform: commission as a share of what is released."""

    name: str
    weight: float
    commission: float


CATEGORIES = (
    Category(name="Home & kitchen", weight=26, ticket=1_200, swing=0.10, peak=320),
    Category(name="Fashion", weight=18, ticket=1_600, swing=0.20, peak=330),
    Category(name="Tea & snacks", weight=13, ticket=700, swing=0.25, peak=20),
    Category(name="Beauty", weight=11, ticket=1_100, swing=0.10, peak=150),
    Category(name="Phone & computer accessories", weight=9, ticket=900, swing=0.08, peak=310),
    Category(name="Toys & hobbies", weight=7, ticket=1_300, swing=0.30, peak=345),
    Category(name="Restaurants & tea houses", weight=6, ticket=650, swing=0.10, peak=200, ships=False),
    Category(name="Sports & outdoors", weight=5, ticket=2_100, swing=0.35, peak=170),
    Category(name="Stationery & books", weight=3, ticket=500, swing=0.35, peak=240),
    Category(name="Ceramics & crafts", weight=2, ticket=2_600, swing=0.15, peak=350),
)

REGIONS = (
    Region(name="Zhejiang", weight=40, cities=("Hangzhou", "Ningbo", "Wenzhou", "Yiwu", "Jiaxing", "Shaoxing")),
    Region(name="Guangdong", weight=22, cities=("Guangzhou", "Shenzhen", "Foshan", "Dongguan", "Shantou")),
    Region(name="Jiangsu", weight=13, cities=("Nanjing", "Suzhou", "Wuxi", "Nantong")),
    Region(name="Fujian", weight=8, cities=("Xiamen", "Quanzhou", "Fuzhou")),
    Region(name="Sichuan", weight=7, cities=("Chengdu", "Mianyang", "Leshan")),
    Region(name="Hubei", weight=5, cities=("Wuhan", "Yichang")),
    Region(name="Shaanxi", weight=3, cities=("Xi'an", "Baoji")),
    Region(name="Yunnan", weight=2, cities=("Kunming", "Dali", "Lijiang")),
)

MEMBERSHIPS = (
    Membership(name="basic", weight=55, commission=0.055),
    Membership(name="silver", weight=30, commission=0.045),
    Membership(name="gold", weight=15, commission=0.035),
)

WEEKDAYS = (0.96, 0.92, 0.93, 0.97, 1.07, 1.12, 1.03)
"""How busy each weekday is, from Monday."""

SPECIAL_DAYS = ((25, 40, 0.55), (160, 169, 1.5), (305, 315, 1.8), (346, 346, 1.3))
"""First and last day of the year, and a factor: New Year's holiday, the sales of June, November and December."""

CHANNELS = ("app", "mini-program", "web")
