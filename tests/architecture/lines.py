"""Print the lines of source by app and part: Python, templates, CSS and JavaScript.

Tests, migrations and blank lines do not count.
"""

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = ("config", "merchants", "scoring", "lending")


SUFFIXES = (".py", ".html", ".css", ".js")


def sources(package: str, *suffixes: str) -> list[Path]:
    """Find the files of a package with these suffixes, migrations left out, as paths from the root."""
    found = (path.relative_to(ROOT) for path in (ROOT / package).rglob("*") if path.suffix in suffixes)
    return sorted(path for path in found if "migrations" not in path.parts)


def modules(*packages: str) -> list[Path]:
    """Find the modules of the packages, migrations left out, as paths from the root."""
    return [module for package in packages for module in sources(package, ".py")]


def stratum(module: Path) -> str:
    """Name the part of its app a module belongs to: a directory, or the module itself."""
    return module.parts[1].removesuffix(".py")


def kind(file: Path) -> str:
    """Name what a file counts as: its stratum, or its language."""
    return (
        stratum(file)
        if file.suffix == ".py"
        else {".html": "templates", ".css": "CSS", ".js": "JavaScript"}[file.suffix]
    )


def main() -> None:
    """Print a line for each stratum, a sum for each app, and the whole."""
    table, total = list[tuple[str, int]](), 0
    for app in APPS:
        lines = Counter[str]()
        for file in sources(app, *SUFFIXES):
            text = (ROOT / file).read_text(encoding="utf-8")
            lines[kind(file)] += sum(1 for line in text.splitlines() if line.strip())
        table += [(app, lines.total()), *((f"  {name}", count) for name, count in lines.most_common() if count)]
        total += lines.total()
    print("\n".join(f"{name:<20}{count:>7,}" for name, count in [*table, ("source", total)]))  # noqa: T201


if __name__ == "__main__":
    main()
