from itertools import permutations

from merchants.domain.correction import Correction, CorrectionRefusal, judge_corrections

NOTHING, ALREADY = CorrectionRefusal.NOTHING_TO_CORRECT, CorrectionRefusal.ALREADY_CORRECTED


def judged(*pairs: str, stored: str = "a", superseded: str = "") -> tuple[str, dict[int, CorrectionRefusal]]:
    """Judge corrections written as "new>old"; one merchant."""
    sent = [
        Correction(line=line, row=(1, new), corrected=(1, old))
        for line, (new, old) in enumerate((pair.split(">") for pair in pairs), start=1)
    ]
    known = {(1, name): name in superseded for name in stored + superseded}
    found = judge_corrections(sent, is_superseded=known)
    return "".join(sorted(row.row[1] for row in found.accepted)), dict(found.refused)


def test_a_row_is_corrected_once_and_by_the_first() -> None:
    assert judged("b>a", "c>a") == ("b", {2: ALREADY})
    assert judged("c>a", superseded="a", stored="b") == ("", {1: ALREADY})
    assert judged("b>z") == ("", {1: NOTHING})


def test_a_correction_is_corrected_whatever_the_order_of_the_lines() -> None:
    """Red if a correction that stands after the one that corrects it is not found."""
    for order in permutations(["b>a", "c>b", "d>c"]):
        assert judged(*order) == ("bcd", {})


def test_corrections_in_a_circle_correct_nothing() -> None:
    assert judged("b>c", "c>b") == ("", {1: NOTHING, 2: NOTHING})


def test_a_correction_whose_id_is_taken_is_left_to_the_report_of_duplicates() -> None:
    """Red if it were stored, or refused: the counts of the batch would not add up."""
    assert judged("b>a", stored="ab") == ("", {})
    assert judged("b>a", "b>a") == ("b", {})
    assert judged("b>a", "b>c", stored="ac") == ("b", {})
    assert judged("b>z", stored="ab") == ("", {})


def test_merchants_do_not_correct_one_another() -> None:
    found = judge_corrections([Correction(line=1, row=(1, "b"), corrected=(1, "a"))], is_superseded={(2, "a"): False})
    assert dict(found.refused) == {1: NOTHING}
