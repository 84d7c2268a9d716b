"""Say where requirements.lock is not what pyproject.toml asks for: names and versions, without an index."""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([\w.-]+)==(\S+)[^\n]*\n((?:[ \t].*\n)*)", re.MULTILINE)


def faults(project: str, lock: str) -> list[str]:
    """Compare what a project asks for with what its lock pins for it."""
    asked = tomllib.loads(project)["project"]
    groups = [asked["dependencies"], *asked["optional-dependencies"].values()]
    wanted = {canonicalize_name(one.name): one for group in groups for one in map(Requirement, group)}
    pins = {canonicalize_name(name): (version, notes) for name, version, notes in PINNED.findall(lock)}
    found = [f"{name} is not pinned" for name in wanted.keys() - pins.keys()]
    for name, (version, notes) in pins.items():
        is_direct = "(pyproject.toml)" in notes
        if is_direct != (name in wanted):
            found.append(f"{name} is pinned, and pyproject.toml does {'not ' if is_direct else ''}name it")
        elif is_direct and not wanted[name].specifier.contains(version):
            found.append(f"{name} {version} is not {wanted[name].specifier}")
    return sorted(found)


if __name__ == "__main__":
    said = faults((ROOT / "pyproject.toml").read_text(), (ROOT / "requirements.lock").read_text())
    sys.exit("\n".join([*said, "Run the command at the head of requirements.lock."]) if said else None)
