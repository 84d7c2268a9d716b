"""Prove a stored score: compute it again from what its run pinned, by the code that made it."""

from dataclasses import dataclass

from scoring.models import ReferenceMerchant, Score
from scoring.queries.references import members_of_run
from scoring.queries.scores import ROW_FIELDS, compute_scores, get_run, known_to, pins_of, stored_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A column in which the computed score differs from the stored one."""

    column: str
    stored: object
    computed: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Whether every column came out equal, and which did not."""

    columns: int
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether the score is proven."""
        return not self.differences


def get_score(*, merchant_id: int, score_id: int) -> Score:
    """Get a score of the merchant with its run, card and calibration. Raises Score.DoesNotExist."""
    pinned = Score.objects.select_related("run__scorecard", "run__calibration")
    return pinned.get(merchant_id=merchant_id, pk=score_id)


def replay_score(score: Score) -> Replay:
    """Compute one merchant's score again as of its run, as known to it, from its pinned members and references.

    Rows that arrived later, back-dated or not, are not seen. Raises FeatureSetGone where the program no longer has
    the code that made it, ReferenceMerchant.DoesNotExist, ScorecardMalformed, CalibrationRefused where the pins
    themselves are gone or damaged.
    """
    run = get_run(run_id=score.run_id)
    members = members_of_run(run_id=run.pk, partitions=None, only=[score.merchant_id])
    if not len(members.ids):
        raise ReferenceMerchant.DoesNotExist
    [computed] = compute_scores(members=members, known=known_to(run), pins=pins_of(run, members))
    stored = stored_row(score)
    pairs = [(field, getattr(stored, field), getattr(computed, field)) for field in ROW_FIELDS]
    return Replay(
        columns=len(pairs),
        differences=tuple(
            Difference(column=field, stored=left, computed=right) for field, left, right in pairs if left != right
        ),
    )
