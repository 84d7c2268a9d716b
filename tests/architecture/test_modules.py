from tests.architecture.lines import APPS, ROOT, modules


def test_a_module_fits_in_a_head() -> None:
    sizes = {str(module): len((ROOT / module).read_text().splitlines()) for module in modules(*APPS, "tests")}

    assert {module: size for module, size in sizes.items() if size > 400} == {}


def test_top_level_is_fixed() -> None:
    hidden = (".", "build")
    packages = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("[!.]*/**/*.py")}

    assert {package for package in packages if not package.startswith(hidden)} <= {*APPS, "tests"}
