"""A provider that is slow or publishes nonsense stops nobody but the person it was asked about, and not for long."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from dashboard.access import published, sessions
from dashboard.access.accounts import Accounts
from dashboard.access.audience import Audience
from dashboard.access.login import Door
from dashboard.access.published import Published
from dashboard.access.sessions import Session, Sessions
from streams.audit.recorder import Recorder
from streams.errors import LoginUnavailable
from streams.settings import Settings
from streams.stack.ports import free_ports

PATIENCE = 30
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class Slow:
    """Stands for the provider. It answers about one person only when the test says so."""

    def __init__(self) -> None:
        self.asked, self.answers = threading.Event(), threading.Event()

    def confirm(self, session: Session) -> Session:
        if session.subject == "slow":
            self.asked.set()
            assert self.answers.wait(PATIENCE)
        return msgspec.structs.replace(session, name="dora", confirmed=time.time())

    def leave(self, _: str) -> None:
        return None


@pytest.fixture
def door(tmp_path: Path) -> Door:
    door = Door(Settings(home=tmp_path, kafka_port=free_ports(1)[0]), Recorder(Settings(home=tmp_path)))
    door.provider = Slow()
    return door


def sessions_of(home: Path) -> Sessions:
    folder, secret = home / "desk" / "sessions", Accounts(home).secret
    return Sessions(folder, secret, idle_seconds=3600, total_seconds=8 * 3600)


def begun(home: Path, subject: str) -> str:
    """Begin a session about which the provider must be asked again."""
    session = Session(name="dora", role="desk", subject=subject, refresh_token="r", confirmed=time.time() - 400)
    return sessions_of(home).begin(session)


def test_request_that_waits_for_the_provider_keeps_no_other_session_waiting(door: Door, tmp_path: Path) -> None:
    slow, other = begun(tmp_path, "slow"), begun(tmp_path, "other")
    with ThreadPoolExecutor(1) as thread:
        waits = thread.submit(door.who, slow)
        assert door.provider.asked.wait(PATIENCE)
        assert door.who(other).audience is Audience.DESK
        assert not waits.done()
        door.provider.answers.set()
        assert waits.result(PATIENCE).audience is Audience.DESK


def test_logout_while_the_session_is_stored_again_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the session would be there again, and whoever has a copy of the cookie could use it."""
    kept, key = sessions_of(tmp_path), begun(tmp_path, "1")
    stores = sessions.opened_privately
    logouts = []

    @contextmanager
    def slowly(file: Path) -> Iterator:
        logouts.append(threading.Thread(target=kept.end, args=(key,)))
        logouts[0].start()
        logouts[0].join(0.5)
        with stores(file) as opened:
            yield opened

    monkeypatch.setattr(sessions, "opened_privately", slowly)
    assert kept.open_family(key, "F-1", time.time() + 60)
    logouts[0].join(PATIENCE)

    assert kept.find(key, is_use=False) is None
    assert list((tmp_path / "desk" / "sessions").iterdir()) == []


@contextmanager
def served(keys: dict | None) -> Iterator[tuple[str, Callable[[dict], None]]]:
    """A provider that publishes its description and keys. Yields its address, and a function that sets the keys."""
    said = {"keys": keys}

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {"authorization_endpoint": issuer, "token_endpoint": issuer, "jwks_uri": f"{issuer}/keys"}
            found = said["keys"] if self.path == "/keys" else {"issuer": issuer} | known
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield issuer, lambda keys: said.update(keys=keys)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "nonsense", [{}, {"keys": []}, {"keys": [{"kty": "RSA"}]}, {"keys": [{}]}, {"keys": None}, {"keys": ["x"]}], ids=str
)
def test_keys_that_cannot_be_used_are_a_failure_that_passes(nonsense: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session goes on for some minutes after such a failure. When the keys are right again, they are used at once."""
    monkeypatch.setattr(published, "_PAUSE_SECONDS", 0.0)
    text = jwt.encode({"alg": "RS256", "kid": "one"}, {"sub": "1"}, KEY)
    with served(nonsense) as (issuer, publish):
        provider = Published(issuer)
        with pytest.raises(LoginUnavailable):
            provider.signed(text)
        publish(KeySet([KEY]).as_dict())

        assert provider.signed(text).claims == {"sub": "1"}


def test_keys_that_were_right_stay_if_newer_ones_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "_PAUSE_SECONDS", 0.0)
    other = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    known, unknown = (jwt.encode({"alg": "RS256", "kid": key.kid}, {"sub": "1"}, key) for key in (KEY, other))
    with served(KeySet([KEY]).as_dict()) as (issuer, publish):
        provider = Published(issuer)
        provider.signed(known)
        publish({"keys": []})
        with pytest.raises(LoginUnavailable):
            provider.signed(unknown)

        assert provider.signed(known).claims == {"sub": "1"}


def test_provider_that_answers_a_byte_at_a_time_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never silent for long, so no timeout of a socket would end the request."""
    monkeypatch.setattr(published, "TIMEOUT_SECONDS", 1)
    ends = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
                while not ends.wait(0.1):
                    connection.sendall(b"a")

        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(LoginUnavailable):
            Published(f"http://127.0.0.1:{server.getsockname()[1]}").metadata()
        ends.set()

    assert time.monotonic() - began < PATIENCE
