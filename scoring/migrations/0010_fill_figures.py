"""Count the figures of the last runs that are published, or held and may be; those before are no longer shown."""

from django.db import migrations

FILL = """
UPDATE scoring_scorerun run SET figures = jsonb_build_object(
    'scored', (SELECT count(*) FROM scoring_score WHERE run_id = run.id AND not_scored IS NULL),
    'grades', (
        SELECT coalesce(jsonb_object_agg(grade, number), '{}') FROM (
            SELECT grade, count(*) AS number FROM scoring_score
            WHERE run_id = run.id AND not_scored IS NULL AND grade IS NOT NULL GROUP BY grade
        ) counted
    ),
    'reasons', (
        SELECT coalesce(jsonb_object_agg(not_scored, number), '{}') FROM (
            SELECT not_scored, count(*) AS number FROM scoring_score
            WHERE run_id = run.id AND not_scored IS NOT NULL GROUP BY not_scored
        ) counted
    ),
    'quartiles', (
        SELECT to_jsonb(percentile_disc(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY score))
        FROM scoring_score WHERE run_id = run.id AND not_scored IS NULL
    )
) WHERE id IN (SELECT id FROM scoring_scorerun WHERE kind = 'FULL' AND state IN ('PUBLISHED', 'HELD') ORDER BY id DESC LIMIT 12)
"""


class Migration(migrations.Migration):
    dependencies = [("scoring", "0009_figures_of_runs")]
    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
