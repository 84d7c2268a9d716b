"""Count the golden cases by file and by what becomes of them, and write the counts into docs/algorithms/golden.md.

`python -m tests.golden.table [DIR]` takes a directory as `--golden-dir` does.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.golden.files import CHECKS
from tests.golden.outcome import Judged, Outcome, cases_in, judge
from tests.golden.own import check_loan

ROOT: Final = Path(__file__).parents[2]
DIRECTORY: Final = ROOT.parent / "shared" / "golden" / "loans"
PAGE: Final = ROOT / "docs" / "algorithms" / "golden.md"
BEGIN, END = "<!-- counted -->\n", "<!-- end -->\n"


def counted(root: Path) -> str:
    """Write the tables of counts, as Markdown."""
    checks = {"tradeline_term.json": check_loan, **CHECKS}
    found = {file: [(case, judge(case, check)) for case in cases_in(root, file)] for file, check in checks.items()}
    lines = [
        "| file | cases | equal | a peer's quirk | waits | failed | of them standard | equal | waits |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for file, cases in found.items():
        everyone = Counter(judged.outcome for _, judged in cases)
        standard = Counter(judged.outcome for case, judged in cases if case.get("standard", True))
        cells = [len(cases), *(everyone[outcome] for outcome in Outcome)]
        cells += [standard.total(), standard[Outcome.EQUAL], standard[Outcome.WAITS]]
        lines.append(f"| {file} | {' | '.join(map(str, cells))} |")
    judged = [(file, one) for file, cases in found.items() for case, one in cases if case.get("standard", True)]
    return "\n".join([*lines, "", "What the standard cases that wait need:", "", *reasons(judged), ""])


def reasons(judged: list[tuple[str, Judged]]) -> Iterator[str]:
    yield "| file | cases | what they need |"
    yield "|---|---|---|"
    waiting = Counter((file, one.reason) for file, one in judged if one.outcome is Outcome.WAITS)
    for (file, reason), cases in sorted(waiting.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        yield f"| {file} | {cases} | {reason} |"


def page_with(counts: str) -> str:
    """Return the page with other counts."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{counts}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    directory = Path(sys.argv[1]) if sys.argv[1:] else DIRECTORY
    PAGE.write_text(page_with(counted(directory)), encoding="utf-8")
