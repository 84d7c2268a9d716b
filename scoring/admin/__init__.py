"""Office pages of runs, scorecards and calibrations."""

from scoring.admin import run, versions

__all__ = ["run", "versions"]
