"""Refuse a request for approval, and a decision on one, that the application did not sign."""

from django.db import migrations, models

# What was entered is under the digest.
SIGNED = """
GRANT UPDATE (signature) ON office_approvalrequest TO tradeline_app;
CREATE FUNCTION office_require_signed_request() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.office_is_signed(
        jsonb_build_array(
            'office_approvalrequest', NEW.verb, NEW.subject, NEW.digest, NEW.requested_by,
            (extract(epoch FROM NEW.requested_at) * 1000000)::bigint,
            (extract(epoch FROM NEW.expires_at) * 1000000)::bigint,
            NEW.state, NEW.decided_by, (extract(epoch FROM NEW.decided_at) * 1000000)::bigint, NEW.reason
        )::text,
        NEW.signature
    ) THEN
        RAISE EXCEPTION 'request refused: the application did not sign it' USING ERRCODE = 'restrict_violation',
            HINT = 'If it did, this database lacks its key: migrate with the ACCOUNT_KEYS of the application.';
    END IF;
    NEW.signature := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER office_approvalrequest_signed BEFORE INSERT OR UPDATE ON office_approvalrequest FOR EACH ROW
    WHEN (current_user = 'tradeline_app' OR NEW.signature <> '') EXECUTE FUNCTION office_require_signed_request();
"""
UNSIGNED = """
DROP TRIGGER office_approvalrequest_signed ON office_approvalrequest;
DROP FUNCTION office_require_signed_request();
"""


class Migration(migrations.Migration):
    dependencies = [("office", "0012_signed_events")]
    operations = [
        migrations.AddField("approvalrequest", "signature", models.TextField(null=True)),
        migrations.RunSQL(SIGNED, UNSIGNED),
    ]
