#!/bin/sh
# django-unfold 0.91.0 on Django 5.2.
# Guess: the command palette tells a reader that a search found nothing; the theme has a sentence for it.
# Seen: the palette takes #command-results-list out of the answer (hx-select), and the answer with the sentence has no
# element with that id, so htmx puts nothing in its place: the palette stays empty, as if it were still looking.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Django==5.2.19 django-unfold==0.91.0
cd "$folder"
cat > seen.py <<'PY'
import re

import django
from django.conf import settings
from django.test import RequestFactory
from django.urls import path

settings.configure(
    SECRET_KEY="not secret" * 5, ROOT_URLCONF=__name__, USE_I18N=False,
    INSTALLED_APPS=["unfold", "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.messages", "django.contrib.sessions"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)
django.setup()
from django.contrib import admin  # noqa: E402
from django.core.paginator import Paginator  # noqa: E402
from django.template.loader import get_template, render_to_string  # noqa: E402

urlpatterns = [path("admin/", admin.site.urls)]
palette = get_template("unfold/helpers/command.html").template.source
wanted = re.search(r'hx-select="#([\w-]+)"', palette)[1]
request = RequestFactory().get("/admin/search/", {"s": "none", "extended": "1"})


def answer(found):
    results = Paginator(found, 10).page(1)
    return render_to_string("unfold/helpers/command_results.html", {"results": results, "page_counter": 0, "execution_time": 0, "page_obj": results.paginator}, request)


one = answer([type("Found", (), {"title": "A", "description": "b", "link": "/", "icon": ""})()])
none = answer([])
print("the palette selects", wanted)
print("one result, has it:", f'id="{wanted}"' in one)
print("no result, says so:", "No results" in none, "- has it:", f'id="{wanted}"' in none)
assert f'id="{wanted}"' in one
assert "No results" in none
assert f'id="{wanted}"' not in none
PY
"$folder/venv/bin/python" seen.py
