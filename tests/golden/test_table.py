import pytest

from tests.golden.table import DIRECTORY, PAGE, counted, page_with


@pytest.mark.real
@pytest.mark.skipif(not DIRECTORY.exists(), reason="no golden tables beside the checkout")
def test_the_page_has_the_counts_of_today() -> None:
    assert page_with(counted(DIRECTORY)) == PAGE.read_text(encoding="utf-8"), "run python -m tests.golden.table"
