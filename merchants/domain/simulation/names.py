"""Invent names of shops, never of persons, in languages that a back office must cope with."""

import numpy as np

FIRST = (
    "Blue Kiln", "Harbour & Pine", "Old Lantern", "Copper Fern", "North Quay", "Paper Crane", "Slow River",
    "Ninth Gate", "Salt & Cedar", "Bright Loom", "Stone Bridge", "Little Heron", "Wild Plum", "Rain Street",
    "Silver Carp", "Morning Market", "Tall Bamboo", "Two Moons", "Red Gable", "Quiet Orchard",
)  # fmt: skip
TRADES: dict[str, tuple[str, ...]] = {
    "Home & kitchen": ("Homeware", "Kitchen Supply", "Household Goods", "Linen & Light"),
    "Fashion": ("Clothing", "Knitwear", "Tailoring", "Outfitters"),
    "Tea & snacks": ("Tea", "Dried Fruit & Nuts", "Pantry", "Confectionery"),
    "Beauty": ("Skin Care", "Soap Works", "Beauty", "Perfumery"),
    "Phone & computer accessories": ("Cables & Cases", "Gadgets", "Electronics", "Phone Parts"),
    "Toys & hobbies": ("Toys", "Model Works", "Games", "Hobby Supply"),
    "Restaurants & tea houses": ("Noodle House", "Tea House", "Kitchen", "Dumplings"),
    "Sports & outdoors": ("Outdoor", "Cycling", "Sports", "Camping Gear"),
    "Stationery & books": ("Stationery", "Books", "Paper Goods", "Art Supply"),
    "Ceramics & crafts": ("Ceramics", "Crafts", "Pottery", "Studio"),
}
CHINESE_FIRST = ("云栖", "老街", "小满", "梧桐", "城南", "青石", "半山", "海棠", "东篱", "明月", "拾光", "望江")
CHINESE_PLACES = ("", "", "西湖", "江南", "东门", "南山", "鼓楼", "白塔")
CHINESE_TRADES: dict[str, tuple[str, ...]] = {
    "Home & kitchen": ("家居生活馆", "厨具店", "日用百货店"),
    "Fashion": ("服饰店", "女装店", "裁缝铺"),
    "Tea & snacks": ("茶铺", "零食店", "干果坊"),
    "Beauty": ("美妆店", "护肤馆", "香皂坊"),
    "Phone & computer accessories": ("数码店", "手机配件店", "电脑配件专营店"),
    "Toys & hobbies": ("玩具店", "模型屋", "手办店"),
    "Restaurants & tea houses": ("面馆", "茶馆", "饺子店"),
    "Sports & outdoors": ("户外用品店", "单车店", "运动馆"),
    "Stationery & books": ("文具店", "书店", "画材店"),
    "Ceramics & crafts": ("陶瓷店", "手工坊", "窑口工作室"),
}
PORTUGUESE = ("Loja", "Armazém", "Casa", "Empório", "Oficina", "Mercearia")
PORTUGUESE_LAST = ("Flor do Campo", "do Azulejo", "Boa Vista", "São João", "Maré Alta", "das Três Fontes", "Coração")
CZECH = ("Obchod", "Dílna", "Krámek", "Papírnictví", "Sklad", "Čajovna")
CZECH_LAST = ("U Lípy", "Modrá sova", "Na Kopci", "Zlatý lev", "Pod Věží", "Dobrý řemeslník", "U Tří žabek")
LONG = (
    "{first} {trade} and Everything Else for the House, Wholesale and Retail, Limited",
    "{first} {trade} Flagship Store (Free Delivery above 99, Seven Days to Return, Open Every Day of the Year)",
    "The New {first} {trade} Company of the Eastern Market, Formerly in Lower Bridge Street",
)
ORDINALS = ("", "", "", "", "", " No. 2", " No. 8", " Outlet", " Express", " II")


LANGUAGES = (0.28, 0.36, 0.43, 0.46)
"""Cumulative shares of Chinese, Portuguese, Czech and long English names; the rest are short English ones."""


def invent_name(category: str, rng: np.random.Generator) -> str:
    """Invent a shop name that suits the category, at most 200 characters."""

    def pick(words: tuple[str, ...]) -> str:
        return words[int(rng.integers(len(words)))]

    match int(np.searchsorted(LANGUAGES, rng.random(), side="right")):
        case 0:
            return pick(CHINESE_PLACES) + pick(CHINESE_FIRST) + pick(CHINESE_TRADES[category])
        case 1:
            return f"{pick(PORTUGUESE)} {pick(PORTUGUESE_LAST)}{pick(ORDINALS)}"
        case 2:
            return f"{pick(CZECH)} {pick(CZECH_LAST)}{pick(ORDINALS)}"
        case 3:
            return pick(LONG).format(first=pick(FIRST), trade=pick(TRADES[category]))
        case _:
            return f"{pick(FIRST)} {pick(TRADES[category])}{pick(ORDINALS)}"
