"""How many open pages update themselves, and that the others work without."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
import uvicorn
from click.testing import CliRunner

from dashboard.access.audience import Audience
from dashboard.live.changes import MOST, MOST_OF_ADDRESS, MOST_OF_EVERYBODY, MOST_OF_SESSION, Changes, Listener
from streams.cli.pages import command
from tests.dashboard.conftest import Served, await_true

EVERYBODY, DESK = Audience.EVERYBODY, Audience.DESK


def admitted(asked: Iterable[Listener]) -> list[Listener]:
    """Open a connection for each listener for whom there is room. Return these listeners."""

    async def listen() -> list[Listener]:
        changes, streams, found = Changes(), list[AsyncIterator[str]](), []
        for one in asked:
            if changes.has_room(one):
                streams.append(changes.stream(one))
                await anext(streams[-1])
                found.append(one)
        changes.end()
        return found

    return asyncio.run(listen())


def test_address_and_session_have_so_many_and_leave_room_for_others() -> None:
    of_one = [Listener(EVERYBODY, "10.0.0.1")] * (MOST_OF_ADDRESS + 5)
    of_others = [Listener(EVERYBODY, f"10.0.1.{number}") for number in range(MOST)]
    session = [Listener(DESK, "10.0.0.1", "a")] * (MOST_OF_SESSION + 5)
    sessions = [Listener(DESK, "10.0.0.1", f"s{number}") for number in range(MOST)]
    found = admitted([*of_one, *of_others, *session, *sessions])

    assert found.count(of_one[0]) == MOST_OF_ADDRESS
    assert sum(one.audience is EVERYBODY for one in found) == MOST_OF_EVERYBODY
    assert found.count(session[0]) == MOST_OF_SESSION
    assert len(found) == MOST


def test_page_works_without_updates_if_there_are_too_many(no_lake: Served) -> None:
    with ExitStack() as opened:
        for _ in range(MOST_OF_ADDRESS):
            one = opened.enter_context(socket.create_connection(("127.0.0.1", no_lake.settings.dashboard_port)))
            one.sendall(b"GET /changes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b"200 OK" in one.recv(1_000)
        refused = requests.get(f"{no_lake.url}/changes", timeout=60)

        assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
        assert "does not update by itself" in refused.text
        assert requests.get(f"{no_lake.url}/rules", timeout=60).status_code == 200

    def opens() -> bool:
        with requests.get(f"{no_lake.url}/changes", timeout=60, stream=True) as answer:
            return answer.status_code == 200

    await_true(opens)


def test_server_has_more_connections_than_pages_that_update_themselves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr(uvicorn, "run", lambda _, **options: given.update(options))
    monkeypatch.setenv("CAF_HOME", str(tmp_path))

    assert CliRunner().invoke(command, catch_exceptions=False).exit_code == 0
    assert given["limit_concurrency"] > MOST
