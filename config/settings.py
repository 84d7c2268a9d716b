"""Settings: what the environment decides is read in `config.environment`, the rest is stated here."""

import os
from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.environment import BadSetting, parse_environment
from config.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
try:
    _environment = parse_environment(os.environ, root=BASE_DIR)
except BadSetting as error:
    raise ImproperlyConfigured(str(error)) from error

SECRET_KEY = _environment.secret_key
DEBUG = _environment.debug
ALLOWED_HOSTS = _environment.allowed_hosts
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "config.formats"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / ".local" / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where it is missing
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
logging_config(level=_environment.log_level)

BUSINESS_TIME_ZONE = _environment.business_time_zone
BUSINESS_CLOCK = _environment.business_clock
JOB_LEASE = timedelta(seconds=_environment.job_lease)
JOB_MAX_ATTEMPTS = 3

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "oauth2_provider",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config.office",
    "merchants",
    "scoring",
    "lending",
    # Of the extra `dev`: they keep migrations linear and safe on a live table.
    *(name for name in ("django_linear_migrations", "django_migration_linter") if find_spec(name)),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.nul.refuse_nul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # the embedded office serves at once, without collectstatic

LIMITS = "-c lock_timeout=2s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
_DJANGO_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


def _database(facts: dict[str, str], options: str) -> dict[str, object]:
    named = {_DJANGO_NAMES[key]: value for key, value in facts.items() if key in _DJANGO_NAMES}
    others = {key: value for key, value in facts.items() if key not in _DJANGO_NAMES}
    return {"ENGINE": "django.db.backends.postgresql", **named, "OPTIONS": {**others, "options": options}}


# `owner` owns the tables: migrations and test teardown. Everything else runs as the role that cannot change facts.
DATABASES = {
    "default": _database(dict(_environment.database), LIMITS),
    "owner": _database(dict(_environment.owner), "-c lock_timeout=5s"),
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "config.office.roles.RoleBackend"]
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _environment.secure
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _environment.secure else None
SECURE_HSTS_SECONDS = 31_536_000 if _environment.secure else 0

# Unfold's Alpine evaluates expressions; stricter breaks the log-in.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}

LOOPBACK_DIR = _environment.loopback_dir

CELERY_BROKER_URL = _environment.broker_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 290
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A message is sent once: a dead broker must not hold up a request, and the sweep sends it again.
CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 0}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
# A beat entry only wakes a task; rows decide what is due, so a double, late or lost fire is harmless.
CELERY_BEAT_SCHEDULE = {
    "sweep jobs": {"task": "office.sweep_jobs", "schedule": timedelta(seconds=_environment.sweep_every)},
    "seal forgotten batches": {"task": "merchants.seal_forgotten_batches", "schedule": timedelta(minutes=10)},
    "settle transfers": {"task": "lending.settle_transfers", "schedule": timedelta(minutes=1)},
    "make offers": {"task": "lending.start_due_round", "schedule": timedelta(minutes=1)},
    "close the day": {"task": "lending.close_due_day", "schedule": timedelta(minutes=1)},
    "forget requests": {"task": "merchants.forget_requests", "schedule": timedelta(hours=1)},
    "roll the business date": {"task": "office.roll_business_date", "schedule": timedelta(minutes=5)},
    "score the new day": {"task": "scoring.start_due_run", "schedule": timedelta(minutes=5)},
}

OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth2_provider.AccessToken"  # noqa: S105
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth2_provider.RefreshToken"  # noqa: S105
OAUTH2_PROVIDER_GRANT_MODEL = "oauth2_provider.Grant"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth2_provider.IDToken"  # noqa: S105
OAUTH2_PROVIDER = {
    "SCOPES": {
        "merchants:write": "Enter and change merchants and their payout accounts",
        "transactions:write": "Send transactions",
        "scores:read": "Read scores, grades and reasons",
        "offers:read": "Read offers, quotes and applications",
        "offers:write": "Accept and decline offers, mark them as delivered",
        "loans:read": "Read loans",
        "loans:write": "Report repayments",
    },
    "DEFAULT_SCOPES": [],  # who asks for nothing may do nothing
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "ALLOWED_GRANT_TYPES": ["client_credentials"],
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["merchants.api.authentication.PartnerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["merchants.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["merchants.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.problems.as_problem",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tradeline",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}


def _may(right: str) -> Callable[[HttpRequest], bool]:
    """Say whether a link of the sidebar is shown."""
    return lambda request: request.user.has_perm(right)


def _link(title: Promise, icon: str, page: str, right: str) -> dict[str, object]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{page}_changelist"), "permission": _may(right)}


UNFOLD = {
    "SITE_TITLE": _("Tradeline"),
    "SITE_HEADER": _("Tradeline"),
    "SITE_SYMBOL": "storefront",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("lending/favicon.svg")}],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "lending.admin.dashboard.fill_dashboard",
    "STYLES": [lambda _request: static("lending/office.css")],
    "COLORS": {
        "primary": {
            "50": "#eef5fb",
            "100": "#d9e9f6",
            "200": "#b7d4ec",
            "300": "#88b8de",
            "400": "#6aaee8",
            "500": "#3d86c6",
            "600": "#236aa8",
            "700": "#1b5589",
            "800": "#18466f",
            "900": "#163a5b",
            "950": "#0e243a",
        },
    },
    "COMMAND": {"search_callback": "lending.admin.merchant.find_merchants", "show_history": False},
    "SIDEBAR": {
        "show_search": False,
        "command_search": True,
        "navigation": [
            {
                "title": _("Overview"),
                "items": [{"title": _("Overview"), "icon": "monitoring", "link": reverse_lazy("admin:index")}],
            },
            {
                "title": _("Merchants"),
                "items": [
                    _link(_("Merchants"), "storefront", "merchants_merchant", "merchants.view_merchant"),
                    _link(
                        _("Payout accounts"),
                        "account_balance",
                        "merchants_payoutaccount",
                        "merchants.view_payoutaccount",
                    ),
                ],
            },
            {
                "title": _("Scoring"),
                "items": [
                    _link(_("Runs"), "speed", "scoring_scorerun", "scoring.view_scorerun"),
                    _link(_("Scorecards"), "table_rows", "scoring_scorecardversion", "scoring.view_scorecardversion"),
                    _link(_("Calibrations"), "tune", "scoring_calibrationversion", "scoring.view_calibrationversion"),
                ],
            },
            {
                "title": _("Lending"),
                "items": [
                    _link(_("Products"), "sell", "lending_productversion", "lending.view_productversion"),
                    _link(_("Offers"), "local_offer", "lending_offer", "lending.view_offer"),
                    _link(_("Applications"), "rule", "lending_application", "lending.view_application"),
                    _link(_("Loans"), "payments", "lending_loan", "lending.view_loan"),
                    _link(_("Payouts and collections"), "sync_alt", "lending_transfer", "lending.view_transfer"),
                    _link(_("Day closes"), "event_available", "lending_dayclose", "lending.view_dayclose"),
                ],
            },
            {
                "title": _("Work"),
                "items": [
                    _link(_("Jobs"), "manufacturing", "office_jobrun", "office.view_jobrun"),
                    _link(_("Batches"), "inbox", "merchants_batch", "merchants.view_batch"),
                ],
            },
            {
                "title": _("Administration"),
                "items": [
                    _link(_("Partners"), "handshake", "merchants_partner", "merchants.view_partner"),
                    _link(_("Audit trail"), "history", "office_operationevent", "office.view_operationevent"),
                    _link(_("Staff"), "group", "auth_user", "auth.view_user"),
                    _link(_("Roles"), "badge", "auth_group", "auth.view_group"),
                ],
            },
        ],
    },
}
