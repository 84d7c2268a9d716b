"""Refuse an event that the application did not sign, by keys that its role cannot read."""

from django.db import migrations, models

# What HMAC puts before a message, and before the hash of both: PostgreSQL itself has SHA-256, and no HMAC.
KEYS = """
CREATE TABLE office_signingkey (name text, inner_pad bytea, outer_pad bytea, PRIMARY KEY (name, inner_pad, outer_pad));
REVOKE ALL ON office_signingkey FROM tradeline_app;
"""
# Both are hashed once more before they are compared: how long that takes tells nothing of the right signature.
IS_SIGNED = """
CREATE FUNCTION office_is_signed(message text, signature text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key record;
    given text;
BEGIN
    FOREACH given IN ARRAY coalesce(string_to_array(signature, ','), '{}') LOOP
        FOR key IN SELECT inner_pad, outer_pad FROM public.office_signingkey LOOP
            IF sha256(convert_to(given, 'UTF8')) = sha256(convert_to(encode(
                sha256(key.outer_pad || sha256(key.inner_pad || convert_to(message, 'UTF8'))), 'hex'), 'UTF8'))
            THEN RETURN true;
            END IF;
        END LOOP;
    END LOOP;
    RETURN false;
END $$;
REVOKE EXECUTE ON FUNCTION office_is_signed(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION office_is_signed(text, text) TO tradeline_app;
"""
# The owner of the tables need not sign; what it does sign has to hold, too, and is forgotten.
SIGNED = """
CREATE FUNCTION office_require_signed_event() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.office_is_signed(
        jsonb_build_array(
            'office_operationevent', NEW.name, NEW.subject, NEW.actor, NEW.before, NEW.after,
            (extract(epoch FROM NEW.booked_at) * 1000000)::bigint, NEW.amount_minor, NEW.currency,
            encode(substring(inet_send(NEW.address) FROM 5), 'hex')
        )::text,
        NEW.signature
    ) THEN
        RAISE EXCEPTION 'event refused: the application did not sign it' USING ERRCODE = 'restrict_violation',
            HINT = 'If it did, this database lacks its key: migrate with the ACCOUNT_KEYS of the application.';
    END IF;
    NEW.signature := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER office_operationevent_signed BEFORE INSERT ON office_operationevent FOR EACH ROW
    WHEN (current_user = 'tradeline_app' OR NEW.signature <> '') EXECUTE FUNCTION office_require_signed_event();
"""
UNSIGNED = """
DROP TRIGGER office_operationevent_signed ON office_operationevent;
DROP FUNCTION office_require_signed_event();
"""


class Migration(migrations.Migration):
    dependencies = [("office", "0011_event_amounts")]
    operations = [
        migrations.AddField("operationevent", "signature", models.TextField(null=True)),
        migrations.RunSQL(KEYS + IS_SIGNED, "DROP FUNCTION office_is_signed(text, text); DROP TABLE office_signingkey"),
        migrations.RunSQL(SIGNED, UNSIGNED),
    ]
