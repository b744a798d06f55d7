"""
An OpenID Connect provider for the tests: Django OAuth Toolkit, with real keys, codes and tokens.

`python -m tests.dashboard.oidc_server PORT FOLDER PAGES` serves it until it is stopped. A POST to `/control` does what
an administrator of the provider does, or makes the next ID tokens forged ones, as a hostile network would.
"""

import base64
import json
import sys
import time
from pathlib import Path

import django
from django.conf import settings
from jwcrypto import jwk, jws

PORT, FOLDER, PAGES = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
ISSUER = f"http://127.0.0.1:{PORT}"
CLIENT, SECRET = "caf-pages", "a secret of the client that is long enough to sign"


def new_key() -> jwk.JWK:
    return jwk.JWK.generate(kty="RSA", size=2048)


def pem(key: jwk.JWK) -> str:
    return key.export_to_pem(private_key=True, password=None).decode()


KEY = new_key()
OPTIONS = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": ISSUER,
    "OIDC_RSA_PRIVATE_KEY": pem(KEY),
    "OIDC_RSA_PRIVATE_KEYS_INACTIVE": [],
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
    "OAUTH2_VALIDATOR_CLASS": "tests.dashboard.oidc_validator.Validator",
    "SCOPES": {"openid": "", "profile": "", "offline_access": ""},
    "PKCE_REQUIRED": True,
}
settings.configure(
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,  # this very module, which runs as the program
    LOGIN_URL="/enter",
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "provider.sqlite")}},
    MIGRATION_MODULES=dict.fromkeys(("contenttypes", "auth", "sessions", "oauth2_provider")),
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    OAUTH2_PROVIDER=OPTIONS,
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import get_user_model, login  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.shortcuts import redirect  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import get_access_token_model, get_application_model, get_refresh_token_model  # noqa: E402
from oauth2_provider.settings import oauth2_settings  # noqa: E402
from oauth2_provider.views import TokenView  # noqa: E402

FORM = '<form method="post"><label>Person <input name="person"></label><button>Enter</button></form>'
WRONG = {
    "expired": {"exp": -3600},
    "not yet valid": {"nbf": 3600},
    "issued tomorrow": {"iat": 86400},
    "within the clocks' difference": {"exp": -20, "iat": 20},
}
REPLACED = {
    "other issuer": {"iss": "https://evil.example"},
    "other audience": {"aud": "another-client"},
    "several audiences": {"aud": [CLIENT, "another-client"]},
    "other party": {"aud": [CLIENT], "azp": "another-client"},
    "other nonce": {"nonce": "of another login"},
    "other access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "somebody else": {"sub": "99"},
    "markup as name": {"preferred_username": "<script>alert(1)</script>\n{{ 7 * 7 }}"},
}
forged = ""


def enter(request):
    if request.method != "POST":
        return HttpResponse(FORM)
    login(request, get_user_model().objects.get(username=request.POST["person"]))
    return redirect(request.GET["next"])


def control(request):
    """Do what the test asks for."""
    global forged, KEY  # noqa: PLW0603
    wish = json.loads(request.body)
    forged = wish.get("forge", "")
    for name, roles in wish.get("people", {}).items():
        get_user_model().objects.update_or_create(username=name, defaults={"first_name": ",".join(roles)})
    if name := wish.get("withdraw"):
        get_refresh_token_model().objects.filter(user__username=name).delete()
        get_access_token_model().objects.filter(user__username=name).delete()
    if wish.get("rotate"):
        OPTIONS["OIDC_RSA_PRIVATE_KEYS_INACTIVE"] = [pem(KEY)]
        KEY = new_key()
        OPTIONS["OIDC_RSA_PRIVATE_KEY"] = pem(KEY)
        oauth2_settings.reload()
    return JsonResponse({"tokens": get_refresh_token_model().objects.count()})


def token(request):
    """Answer as the provider does, and replace the ID token if the test asked for a forged one."""
    answer = TokenView.as_view()(request)
    body = json.loads(answer.content)
    if forged and "id_token" in body:
        body["id_token"] = forge(body["id_token"])
        if forged == "no ID token":
            del body["id_token"]
        answer.content = json.dumps(body).encode()
    return answer


def forge(text: str) -> str:
    head, body, signature = text.split(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))
    claims |= {name: int(time.time()) + seconds for name, seconds in WRONG.get(forged, {}).items()}
    claims |= REPLACED.get(forged, {})
    if forged.startswith("without "):
        del claims[forged.removeprefix("without ")]
    if forged == "changed after signing":
        return f"{head}.{plain(claims | {'forged': True})}.{signature}"
    if forged == "unsigned":
        return f"{plain({'alg': 'none'})}.{plain(claims)}."
    if forged == "unsigned, with the key's name":
        return f"{plain(header | {'alg': 'none'})}.{plain(claims)}.{signature}"
    other = new_key()
    key, change = {
        "signed by somebody else": (other, {}),
        "signed by somebody else with an own key": (other, {"kid": "unknown"}),
        "with a key of its own in the header": (other, {"kid": "unknown", "jwk": json.loads(other.export_public())}),
        "with an address of keys in the header": (other, {"kid": "unknown", "jku": f"{ISSUER}/control"}),
        "signed with the public key": (jwk.JWK(kty="oct", k=b64(KEY.export_to_pem())), {"alg": "HS256"}),
        "signed with the client's secret": (jwk.JWK(kty="oct", k=b64(SECRET.encode())), {"alg": "HS256"}),
    }.get(forged, (KEY, {}))
    header |= change
    made = jws.JWS(json.dumps(claims).encode())
    made.add_signature(key, header["alg"], json.dumps(header))
    return made.serialize(compact=True)


def plain(value: dict) -> str:
    return b64(json.dumps(value).encode())


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


urlpatterns = [
    path("enter", enter),
    path("control", control),
    path("token/", token),
    path("", include("oauth2_provider.urls")),
]

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, skip_checks=True, verbosity=0)
    get_application_model().objects.create(
        client_id=CLIENT,
        client_secret=SECRET,
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris=f"{PAGES}/login/callback",
        post_logout_redirect_uris=f"{PAGES}/",
        skip_authorization=True,
        algorithm="RS256",
    )
    call_command("runserver", f"127.0.0.1:{PORT}", use_reloader=False, skip_checks=True)
