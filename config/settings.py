"""Settings: those of the environment are read in `config.environment`, the rest is stated here."""

import os
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from config.declarations import gather
from config.environment import BadSetting, parse_environment
from config.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
try:
    _environment = parse_environment(os.environ, root=BASE_DIR)
except BadSetting as error:
    raise ImproperlyConfigured(str(error)) from error

SECRET_KEY = _environment.secret_key
ACCOUNT_KEYS = _environment.account_keys
DEBUG = _environment.debug
ALLOWED_HOSTS = _environment.allowed_hosts
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
# The office speaks English. Its words are marked for translation: with a catalogue, this is True, its language listed.
# Until then each word of a page would be looked up for nothing, and the theme would name all the languages there are.
USE_I18N = False
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
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

# In the order of the layers: each may import those before it.
APPS = ["config.office", "merchants", "scoring", "lending"]
DECLARED = gather(APPS)
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "config.office.apps.OfficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "rest_framework",
    "oauth2_provider",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    *APPS,
    # Of the extra `dev`: they keep migrations linear and safe on a live table.
    *(name for name in ("django_linear_migrations", "django_migration_linter") if find_spec(name)),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.nul.refuse_nul",
    "config.office.origin.remember_address",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "config.office.errors.explain_unreadable",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],  # before the theme's own
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
    bound = {"server_side_binding": True, "prepare_threshold": 2}  # after so many times it is prepared; Django: never
    return {"ENGINE": "django.db.backends.postgresql", **named, "OPTIONS": {**others, **bound, "options": options}}


# `owner` owns the tables: migrations and test teardown. Everything else runs as the role that cannot change facts.
DATABASES = {
    "default": {
        **_database(dict(_environment.database), LIMITS),
        # A thread keeps its connection, and the statements that were planned on it.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    },
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
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # asked from inside, where there is no HTTPS
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

PROXIES = _environment.proxies
LOOPBACK_DIR = _environment.loopback_dir
UPLOADS_DIR = _environment.uploads_dir
BANKS_DIR = _environment.banks_dir
AUDIT_SEALS_FILE = _environment.audit_seals_file
# Django's own names, which its e-mail backend reads; without a host no letter is sent.
EMAIL_HOST = EMAIL_HOST_USER = EMAIL_HOST_PASSWORD = ""
if _environment.mail_server is not None:
    EMAIL_HOST, EMAIL_PORT = _environment.mail_server.host, _environment.mail_server.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _environment.mail_server.user, _environment.mail_server.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = _environment.mail_server.starts_tls, _environment.mail_server.is_tls
EMAIL_TIMEOUT = _environment.mail_timeout
DEFAULT_FROM_EMAIL = _environment.mail_from
# Always to a file, so that the size of an upload is no matter of memory.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

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
    name: {"task": name, "schedule": every}
    for name, every in {**DECLARED.beat, "office.sweep_jobs": timedelta(seconds=_environment.sweep_every)}.items()
}

OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth2_provider.AccessToken"  # noqa: S105
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth2_provider.RefreshToken"  # noqa: S105
OAUTH2_PROVIDER_GRANT_MODEL = "oauth2_provider.Grant"
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth2_provider.IDToken"  # noqa: S105
OAUTH2_PROVIDER = {
    "SCOPES": DECLARED.scopes,
    "DEFAULT_SCOPES": [],  # who asks for nothing may do nothing
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "ALLOWED_GRANT_TYPES": ["client_credentials"],
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [DECLARED.authentication],
    "DEFAULT_PERMISSION_CLASSES": ["config.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.StrictJSONParser"],
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


UNFOLD = {
    "SITE_TITLE": _("Tradeline"),
    "SITE_HEADER": _("Tradeline"),
    "SITE_SYMBOL": "storefront",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("office/favicon.svg")}],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "config.office.desk.fill_desk",
    "STYLES": [lambda _request: static("office/office.css")],
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
    "COMMAND": {"search_callback": "config.office.palette.search", "show_history": False},
    "SIDEBAR": {
        "show_search": False,
        "command_search": True,
    },
}
