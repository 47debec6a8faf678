"""One settings module. Every value from the environment is read once, here, and listed in `.env.example`.

`THROUGHLINE_ENV` is `production` (default: secrets have no default), `demo` (`bin/run`: an invented
clinic, second factor waived) or `test`.
"""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

ENVIRONMENT = env.str("THROUGHLINE_ENV", default="production")
if ENVIRONMENT not in ("production", "demo", "test"):
    raise ImproperlyConfigured("THROUGHLINE_ENV must be production, demo or test.")
PRODUCTION = ENVIRONMENT == "production"

DEBUG = env.bool("DEBUG", default=False)
# The demo setting waives the second factor and shows invented sign-ins. Production refuses it.
DEMO = env.bool("DEMO", default=ENVIRONMENT == "demo")
if PRODUCTION and (DEMO or DEBUG):
    raise ImproperlyConfigured("DEMO and DEBUG are refused when THROUGHLINE_ENV is production.")


def required(name: str, local_default: str) -> str:
    """A secret or address without a default in production; fails with the variable's name."""
    if PRODUCTION and not env.str(name, default=""):
        raise ImproperlyConfigured(f"Set {name}: it has no default in production.")
    return env.str(name, default=local_default)


SECRET_KEY = required("SECRET_KEY", "local-only-secret-key-" + "x" * 40)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Encrypts second-factor seeds; separate from SECRET_KEY so either can be turned over alone.
FIELD_KEY = required("FIELD_KEY", SECRET_KEY)
FIELD_KEY_FALLBACKS = env.list("FIELD_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "testserver"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
BASE_URL = required("BASE_URL", "http://127.0.0.1:8000")
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
HTTPS = BASE_URL.startswith("https://")
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".data")))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "rest_framework",
    "drf_spectacular",
    # floor
    "coordinator.accounts",
    "coordinator.audit",
    "coordinator.clocks",
    "coordinator.messaging",
    # the four apps, lowest first
    "patients",
    "careplans",
    "referrals",
    "scheduling",
    # roof
    "coordinator.dashboard",
    "coordinator.imports",
    "coordinator.exchange",
    "coordinator.record",
    "coordinator.api",
    "coordinator",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "coordinator.accounts.middleware.SessionLimitMiddleware",
    "coordinator.audit.access.AccessMarkMiddleware",
    "coordinator.accounts.middleware.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "coordinator.toasts.ToastMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "coordinator.accounts.middleware.SecondFactorMiddleware",
    "coordinator.dashboard.drafts.DraftMiddleware",
    "coordinator.http.AccessRuleMiddleware",
    "coordinator.http.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "coordinator.urls"
WSGI_APPLICATION = "coordinator.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "coordinator.context.shell",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
        },
    }
]

# --- database -------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url_config(required("DATABASE_URL", "postgres://127.0.0.1:5432/throughline"))}
DATABASES["default"].update(
    CONN_MAX_AGE=env.int("CONN_MAX_AGE", default=60),
    CONN_HEALTH_CHECKS=True,
    DISABLE_SERVER_SIDE_CURSORS=False,
)
DATABASES["default"].setdefault("OPTIONS", {})
# A slow or stuck statement must end as a sentence, not as a hanging page.
DATABASES["default"]["OPTIONS"].setdefault(
    "options",
    f"-c statement_timeout={env.int('STATEMENT_TIMEOUT_MS', default=15000)}"
    f" -c lock_timeout={env.int('LOCK_TIMEOUT_MS', default=5000)}",
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Throttles and one-time codes live in PostgreSQL: the site must be correct with Redis switched off.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "throttle_cache",
        # Culling removes live counts too, so it must stay out of a guesser's reach (the default is 300).
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
# A message may name a patient, so it waits in the session, not in a cookie in the browser.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Open work beside the links of the rail (at most one query).
SHELL_COUNTS = "coordinator.dashboard.counts.open_work"
SHELL_PINS = "coordinator.dashboard.summary.pinned"

# --- background work --------------------------------------------------------------------------------
REDIS_URL = required("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- sign-in ----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if ENVIRONMENT == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "coordinator.accounts.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
MFA_ADAPTER = "coordinator.accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Throughline"
MFA_TOTP_TOLERANCE = 1  # one step of 30 s before and after: phones' clocks are not exact
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses come from an administrator, not from a sign-up form
ACCOUNT_FORMS = {
    "login": "coordinator.accounts.sign_in.LoginForm",
    "reauthenticate": "coordinator.accounts.sign_in.ReauthenticateForm",
    "change_password": "coordinator.accounts.sign_in.ChangePasswordForm",
    "reset_password": "coordinator.accounts.sign_in.AskForLinkForm",
    "reset_password_from_key": "coordinator.accounts.sign_in.SetPasswordForm",
}
MFA_FORMS = {
    "authenticate": "coordinator.accounts.sign_in.CodeForm",
    "reauthenticate": "coordinator.accounts.sign_in.RepeatCodeForm",
    "activate_totp": "coordinator.accounts.sign_in.ActivateForm",
}
# Kept in the throttle table above. Passwords are counted by axes; "login_failed" counts second-factor codes.
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "10/15m/key",
    "reauthenticate": "10/m/user",
    "change_password": "10/15m/user",
    "reset_password": "20/m/ip,5/15m/key",
    "reset_password_from_key": "20/m/ip",
    "break_glass": "10/15m/user",
}
ALLAUTH_TRUSTED_PROXY_COUNT = int(BEHIND_PROXY)
PASSWORD_RESET_TIMEOUT = 24 * 3600
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"
# The demo's invented accounts, shown on the sign-in page when DEMO is on (a list, named from here because the
# floor does not import the roof).
DEMO_SIGN_INS = "coordinator.demo.DEMO_SIGN_INS"
# Required for every member of staff; the demo waives it in so many words.
SECOND_FACTOR_REQUIRED = not DEMO and ENVIRONMENT != "test"

AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours: 10 judged guesses per account per 15 minutes
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # else a guesser keeps the door shut for good
AXES_USERNAME_CALLABLE = "coordinator.accounts.lockout.bucket"
AXES_CLIENT_IP_CALLABLE = "coordinator.accounts.lockout.client_ip"
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_USERNAME_FORM_FIELD = "login"
AXES_SENSITIVE_PARAMETERS = ["login", "username", "ip_address", "csrfmiddlewaretoken"]
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True  # sign-ins are in the audit trail
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_CALLABLE = "coordinator.accounts.lockout.locked_out"

SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=15 * 60)
SESSION_ABSOLUTE_SECONDS = env.int("SESSION_ABSOLUTE_SECONDS", default=12 * 3600)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS or PRODUCTION
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "coordinator.http.csrf_failure"

# --- headers ----------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = PRODUCTION and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- language, time, files ----------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "coordinator" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("DEFAULT_ZONE", default="America/Chicago")
FORMAT_MODULE_PATH = ["coordinator.formats"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if ENVIRONMENT == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = ENVIRONMENT == "test"
MEDIA_ROOT = DATA_DIR / "files"  # never served by URL: a view checks who may read a document
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# The first one drops what is too large while it arrives; each page says what it takes (coordinator.uploads).
FILE_UPLOAD_HANDLERS = [
    "coordinator.uploads.BoundedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# Kinds of documents (patients.models.DocumentKind) for which somebody is asked, 30 days before, to renew them.
DOCUMENT_RENEW_KINDS = env.list("DOCUMENT_RENEW_KINDS", default=["insurance", "consent", "authorization"])
DOCUMENT_MAX_BYTES = env.int("DOCUMENT_MAX_MB", default=25) * 1024 * 1024
INBOUND_FOLDER = env.str("INBOUND_FOLDER", default="")

# --- telling people -------------------------------------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.str("EMAIL_HOST", default="127.0.0.1")
EMAIL_PORT = env.int("EMAIL_PORT", default=1025)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="clinic@throughline.invalid")
SMS_GATEWAY = required("SMS_GATEWAY", "sandbox")  # sandbox or http
SMS_GATEWAY_URL = env.str("SMS_GATEWAY_URL", default="http://127.0.0.1:8026")
SMS_GATEWAY_TOKEN = env.str("SMS_GATEWAY_TOKEN", default="")
# What the gateway signs its callbacks with (replies, receipts); without it none is accepted.
SMS_CALLBACK_SECRET = env.str("SMS_CALLBACK_SECRET", default="")
SMS_GATEWAY_TIMEOUT = env.float("SMS_GATEWAY_TIMEOUT", default=5.0)  # seconds to wait for its answer
SMS_GATEWAY_PARALLEL = env.int("SMS_GATEWAY_PARALLEL", default=4)  # calls at the same time, per worker
# False for a gateway that cannot say whether it took a message: doubt is then left to a person.
SMS_GATEWAY_CAN_BE_ASKED = env.bool("SMS_GATEWAY_CAN_BE_ASKED", default=True)
# none, sandbox (a folder that answers like a gateway; refused in production) or the dotted path of a class that does
# what coordinator.messaging.gateways.fax.FaxGateway says.
FAX_GATEWAY = env.str("FAX_GATEWAY", default="none" if PRODUCTION else "sandbox")
if PRODUCTION and FAX_GATEWAY == "sandbox":
    raise ImproperlyConfigured("FAX_GATEWAY=sandbox delivers nothing: it is refused in production.")
FAX_SANDBOX_FOLDER = Path(env.str("FAX_SANDBOX_FOLDER", default=str(DATA_DIR / "fax-sandbox")))
PACKET_LINK_DAYS = env.int("PACKET_LINK_DAYS", default=7)  # how long a secure link to a packet lives
# How long a worker owns what it is sending. Longer than any call; a dead worker's messages wait this long.
MESSAGE_LEASE_SECONDS = env.float("MESSAGE_LEASE_SECONDS", default=60.0)

# --- API ----------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["coordinator.api.authentication.ClientTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["coordinator.api.permissions.ScopePermission"],
    "DEFAULT_SCHEMA_CLASS": "coordinator.api.schema.ApiSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["coordinator.api.parsing.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "coordinator.api.paging.KeysetPagination",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS would answer without a scope; the schema says it all
    "COERCE_DECIMAL_TO_STRING": False,
    "EXCEPTION_HANDLER": "coordinator.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # an unknown query parameter is an error like any other
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Throughline API",
    "DESCRIPTION": "Patients, care plans, tasks, appointments, referrals and documents of one clinic, for its other systems.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Without the hook that names choices: several records have a `status`, each with its own.
    "POSTPROCESSING_HOOKS": [],
}

# --- logs: ids, never names -------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
SILENCED_SYSTEM_CHECKS = [
    # Counting by account alone is meant: a rotated cookie or address falls into the account's shared count.
    "axes.W006",
]
