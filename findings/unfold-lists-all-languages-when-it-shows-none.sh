#!/bin/sh
# django-unfold 0.91.0 on Django 5.2.19.
# Guess: with SHOW_LANGUAGES off, which is the default, no page of the theme has to do with languages.
# Seen: the template of the language switch, which every page includes, makes the list of all languages before it asks
# whether to show them: each of Django's hundred languages is looked up, named and translated at each request, and
# nothing of it is shown. Where LANGUAGES names one language, the same template takes a small part of the time.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Django==5.2.19 django-unfold==0.91.0
cat > "$folder/seen.py" <<'PY'
import timeit

import django
from django.conf import global_settings, settings

settings.configure(
    INSTALLED_APPS=["unfold", "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.messages", "django.contrib.sessions"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="seen",
    SECRET_KEY="x",
)
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.template.loader import get_template  # noqa: E402
from django.templatetags import i18n  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.test.utils import override_settings  # noqa: E402
from django.urls import path  # noqa: E402

urlpatterns = [path("admin/", admin.site.urls)]
request = RequestFactory().get("/admin/")
request.user = AnonymousUser()
context = admin.site.each_context(request)
template = get_template("unfold/helpers/language_switch.html")
looked_up = []
info = i18n.translation.get_language_info


def counted(code):
    looked_up.append(code)
    return info(code)


i18n.translation.get_language_info = counted
found = {}
for name, languages in {"all": global_settings.LANGUAGES, "one": [("en", "English")]}.items():
    with override_settings(LANGUAGES=languages):
        looked_up.clear()
        shown = template.render(context).strip()
        found[name] = (len(looked_up), shown, min(timeit.repeat(lambda: template.render(context), number=50, repeat=5)))
ratio = found["all"][2] / found["one"][2]
print("shows languages:", bool(context["show_languages"]))
print("languages looked up for a page:", {name: count for name, (count, _, _) in found.items()})
print("what is shown of them:", {name: shown for name, (_, shown, _) in found.items()})
print(f"time, in that with one language: {ratio:.1f}")
assert not context["show_languages"]
assert found["all"][:2] == (len(global_settings.LANGUAGES), "")
assert found["one"][:2] == (1, "")
assert ratio > 3
PY
cd "$folder"
PYTHONPATH="$folder" "$folder/venv/bin/python" "$folder/seen.py"
