import pytest

from config.office.mentions import mentioned


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("nobody", []),
        ("@lena please look", ["lena"]),
        ("Please look, @lena.", ["lena"]),
        ("(@lena), @ben! @carla? @dora: @eva; “@fay”", ["lena", "ben", "carla", "dora", "eva", "fay"]),
        ("@lena/@ben", ["lena", "ben"]),
        ("@lena\n@ben", ["lena", "ben"]),
        ("@Lena and @lena", ["Lena"]),
        ("@lena.may and @ben-li and @carla_m", ["lena.may", "ben-li", "carla_m"]),
        ("@lena...", ["lena"]),
        ("write to a@b.c", []),
        ("write to anna.b+c@shop.example, @lena", ["lena"]),
        ("@lena@shop.example", ["lena@shop.example"]),  # log-ins may be addresses
        ("@@lena", []),
        ("@ lena", []),
        ("@", []),
        ("@李娜，你好", ["李娜"]),  # noqa: RUF001 - a comma of Chinese
        ("@ｌｅｎａ", ["lena"]),  # as log-ins are kept  # noqa: RUF001 - typed in full width
    ],
)
def test_whom_a_text_mentions(text: str, names: list[str]) -> None:
    assert mentioned(text) == names
