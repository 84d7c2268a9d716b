"""Print the lines of source by app and stratum; tests, migrations and blank lines do not count."""

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = ("config", "merchants", "scoring", "lending")


def modules(*packages: str) -> list[Path]:
    """Find the modules of the packages, migrations left out, as paths from the root."""
    found = (path.relative_to(ROOT) for package in packages for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def stratum(module: Path) -> str:
    """Name the part of its app a module belongs to: a directory, or the module itself."""
    return module.parts[1].removesuffix(".py")


def main() -> None:
    """Print a line for each stratum, a sum for each app, and the whole."""
    table, total = list[tuple[str, int]](), 0
    for app in APPS:
        lines = Counter[str]()
        for module in modules(app):
            text = (ROOT / module).read_text(encoding="utf-8")
            lines[stratum(module)] += sum(1 for line in text.splitlines() if line.strip())
        table += [(app, lines.total()), *((f"  {name}", count) for name, count in lines.most_common() if count)]
        total += lines.total()
    print("\n".join(f"{name:<20}{count:>7,}" for name, count in [*table, ("source", total)]))  # noqa: T201


if __name__ == "__main__":
    main()
