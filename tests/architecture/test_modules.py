import re

from tests.architecture.lines import APPS, ROOT, modules


def test_a_module_fits_in_a_head() -> None:
    sizes = {str(module): len((ROOT / module).read_text().splitlines()) for module in modules(*APPS, "tests")}

    assert {module: size for module, size in sizes.items() if size > 400} == {}


def test_top_level_is_fixed() -> None:
    hidden = (".", "build")
    packages = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("[!.]*/**/*.py")}

    assert {package for package in packages if not package.startswith(hidden)} <= {*APPS, "tests"}


def test_a_migration_uses_nothing_of_ours_but_config_db() -> None:
    """What else it used might change; and the tests take their database anew when one of these files does."""
    migrations = [path for app in APPS for path in (ROOT / app).rglob("migrations/*.py")]
    used = {
        name for path in migrations for name in re.findall(r"^\s*(?:from|import) (\S+)", path.read_text(), re.MULTILINE)
    }

    assert {name for name in used if name.split(".")[0] in APPS and not name.startswith("config.db.")} == set()
    assert "config.db.append_only" in used
