import pytest

from merchants.domain.text import shown


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        ("\x00" + "x" * 300, "\N{REPLACEMENT CHARACTER}" + "x" * 198 + "…"),
    ],
)
def test_a_text_that_is_cut_ends_with_an_ellipsis_within_200_characters(text: str, found: str) -> None:
    """Red if a cut were not seen, or the ellipsis were a 201st character, which the table refuses."""
    assert shown(text) == found
