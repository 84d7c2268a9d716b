#!/bin/sh
# django-unfold 0.91.0 on Django 5.2.19.
# Guess: a sidebar link's `permission` callback costs a call of it for each request.
# Seen: each request makes a new class for each link that has one, as the callback is wrapped in django's `lazy`, which
# writes out all special methods of what it may return: thirty links, thirty classes. Beside a navigation callback that
# returns only the links that are allowed, the same sidebar takes several times as long to make.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Django==5.2.19 django-unfold==0.91.0
cat > "$folder/seen.py" <<'PY'
import builtins
import timeit

import django
from django.conf import settings

LINKS = 30


def may_view(request):
    return True


def allowed(request):
    return [{"title": "All", "items": [{"title": str(n), "link": f"/{n}/"} for n in range(LINKS) if may_view(request)]}]


settings.configure(
    INSTALLED_APPS=["unfold", "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.messages", "django.contrib.sessions"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="seen",
    UNFOLD={"SIDEBAR": {}},
    SECRET_KEY="x",
)
django.setup()

from django.contrib import admin  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.urls import path  # noqa: E402

urlpatterns = [path("admin/", admin.site.urls)]
request = RequestFactory().get("/admin/")
links = [{"title": str(n), "link": f"/{n}/", "permission": may_view} for n in range(LINKS)]
made = []
build = builtins.__build_class__


def counted(*arguments, **more):
    made.append(arguments[1])
    return build(*arguments, **more)


def sidebar(navigation):
    settings.UNFOLD["SIDEBAR"]["navigation"] = navigation
    found = admin.site.get_sidebar_list(request)
    assert [item["has_permission"] for item in found[0]["items"]] == [True] * LINKS
    return found


ways = {"permission": [{"title": "All", "items": links}], "callback": allowed}
builtins.__build_class__ = counted
classes = {}
for name, navigation in ways.items():
    sidebar(navigation)  # what is made once is made by now
    made.clear()
    sidebar(navigation)
    classes[name] = len(made)
builtins.__build_class__ = build
times = {name: min(timeit.repeat(lambda: sidebar(navigation), number=20, repeat=5)) for name, navigation in ways.items()}
print("classes made for a request:", classes)
print(f"time, in that of the callback: {times['permission'] / times['callback']:.1f}")
assert classes == {"permission": LINKS, "callback": 0}
assert times["permission"] > 1.5 * times["callback"]
PY
cd "$folder"
PYTHONPATH="$folder" "$folder/venv/bin/python" "$folder/seen.py"
