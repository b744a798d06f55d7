"""The ready-made consumers with real receivers: alerts are accepted, retried, refused, kept and sent again."""

import base64
import hashlib
import hmac
import json
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from streams.errors import SettingInvalid
from streams.stack.ports import free_ports
from streams.tell.subscribers.dead_letters import DeadLetters
from streams.tell.subscribers.delivery import NotTaken, NotYetTaken
from streams.tell.subscribers.email import Email
from streams.tell.subscribers.notify import Notified, notify, replay
from streams.tell.subscribers.webhook import Webhook, read_secret

KEY = b"a key of twenty-four bytes or more"


class Receiver:
    """
    An HTTP server that answers with the given status codes, then always with 204, and remembers the requests that it
    accepted.
    """

    def __init__(self):
        self.answers, self.asked, self.taken = [], [], []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = receiver.answers.pop(0) if receiver.answers else 204
                receiver.asked.append((dict(self.headers), body))
                if answer == 204:
                    receiver.taken.append(self.headers["webhook-id"])
                self.send_response(answer)
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.webhook = Webhook(f"http://127.0.0.1:{self.server.server_port}/alerts", KEY)


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


class Mailbox:
    """
    A mail server that remembers accepted e-mails. The server first answers with the given lines, and then
    accepts.
    """

    def __init__(self):
        self.answers, self.taken, self.port = [], [], free_ports(1)[0]

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  (aiosmtpd's name)
        if address.startswith("nobody"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  (aiosmtpd's name)
        if self.answers:
            return self.answers.pop(0)
        self.taken.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def mail():
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    yield mailbox
    controller.stop()


def an_email(mailbox, to=("duty@desk.example",), tls="none"):
    return Email(host="127.0.0.1", port=mailbox.port, sender="caf@desk.example", to=to, tls=tls)


def notified_until(settings, send, group, count, **chosen):
    """Notify until `count` alert versions were attempted, or until no more arrive."""
    done, asked = [], iter(range(60))

    def counted(alert):
        done.append(alert)
        send(alert)

    def ended():
        return len({id(alert) for alert in done}) >= count or next(asked, None) is None

    options = {"attempts": 3, "pause_seconds": 0.01, "start": "oldest"}
    return notify(settings, counted, group=group, until=ended, **options, **chosen)


def test_a_webhook_is_signed_and_tried_again_until_it_is_taken(an_alert, receiver, settings, publish, group):
    """Each attempt has the same id, and a signature that the receiver can check."""
    publish(an_alert(1))
    receiver.answers = [503, 429]
    notified = notified_until(settings, receiver.webhook, group, 1)
    headers, body = receiver.asked[-1]
    signed = f"a-1/1.{headers['webhook-timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()

    assert notified == Notified(sent=1, not_taken=0)
    assert [asked["webhook-id"] for asked, _ in receiver.asked] == ["a-1/1"] * 3
    assert headers["webhook-signature"] == f"v1,{signature}"
    assert json.loads(body)["data"]["alert_id"] == json.loads(body)["id"].split("/")[0] == "a-1"


def test_what_is_not_taken_waits_as_a_dead_letter_and_is_sent_again(an_alert, receiver, settings, publish, group):
    """
    The receiver refuses an alert at once, or still after the last attempt.

    A refused alert does not stop later alerts. A replay sends each kept alert only once.
    """
    publish(an_alert(1), an_alert(1, 2), an_alert(1, 3))
    receiver.answers = [400, 500, 500, 500]
    notified = notified_until(settings, receiver.webhook, group, 3)
    letters = DeadLetters(settings, group)
    waiting = list(letters.waiting(take=False))
    receiver.answers = [404]
    again = [replay(settings, receiver.webhook, group=group, attempts=1) for _ in range(3)]
    left = list(letters.waiting(take=False))
    letters.close()

    assert notified == Notified(sent=1, not_taken=2)
    assert [(one.alert.version, one.reason) for one in waiting] == [
        (1, "answered 400"),
        (2, "answered 500; tried 3 times"),
    ]
    assert again == [Notified(sent=1, not_taken=1), Notified(sent=1, not_taken=0), Notified()]
    assert sorted(receiver.taken) == ["a-1/1", "a-1/2", "a-1/3"]
    assert left == []


def test_history_and_tests_are_not_sent(an_alert, receiver, settings, publish, group):
    """Only a subscriber that asks for test alerts gets them."""
    publish(an_alert(1, backfill=True), an_alert(2, test=True), an_alert(3))
    notified_until(settings, receiver.webhook, group, 1)
    notified_until(settings, receiver.webhook, f"{group}-tests", 2, test=True)

    assert sorted(receiver.taken) == ["a-2/1", "a-3/1", "a-3/1"]


def test_a_redirection_is_not_followed(an_alert, receiver):
    receiver.answers = [307]
    with pytest.raises(NotTaken, match="answered 307"):
        receiver.webhook(an_alert(1))

    assert len(receiver.asked) == 1


def test_a_receiver_that_is_away_is_tried_again(an_alert, receiver):
    receiver.server.server_close()
    with pytest.raises(NotYetTaken, match="no answer"):
        receiver.webhook(an_alert(1))


def test_alerts_leave_by_https_only_and_the_address_stays_out_of_the_message():
    with pytest.raises(SettingInvalid, match="'http'; allowed: https") as raised:
        Webhook("http://name:password@receiver.example/", KEY)

    assert "password" not in str(raised.value)


@pytest.mark.parametrize(("text", "says"), [("?", "allowed: base64"), ("c2hvcnQ=", "5 bytes; allowed: 24 or more")])
def test_a_secret_that_protects_nothing_is_refused(tmp_path, text, says):
    (tmp_path / "secret").write_text(text)
    with pytest.raises(SettingInvalid, match=says):
        read_secret(tmp_path / "secret")


def test_a_secret_is_read_as_the_standard_writes_it(tmp_path):
    (tmp_path / "secret").write_text(f"whsec_{base64.b64encode(KEY).decode()}\n")

    assert read_secret(tmp_path / "secret") == KEY


def test_an_email_has_severity_id_and_link_and_nothing_else(an_alert, mail):
    an_email(mail)(an_alert(1, 2, reason="A person came to live with the family.", status="closed"))
    to, message = mail.taken[0]

    assert to == ["duty@desk.example"]
    assert message["subject"] == "RED alert a-1: closed"
    assert message["message-id"] == "<a-1.2@caf.alerts>"
    assert message.get_payload().splitlines() == [
        "Severity: red",
        "Status: closed, version 2",
        "Alert: a-1",
        "Details: https://cases.example/F-1",
    ]


def test_a_mail_server_that_asks_for_patience_is_tried_again_and_a_refusal_is_kept(
    an_alert, mail, settings, publish, group
):
    publish(an_alert(1), an_alert(1, 2))
    mail.answers = ["451 later", "554 never"]
    notified = notified_until(settings, an_email(mail), group, 2)

    assert notified == Notified(sent=1, not_taken=1)


def test_recipient_unknown_to_the_mail_server_is_reported(an_alert, mail):
    """The other recipients get the e-mail. The alert is kept for the recipient whom it did not reach."""
    with pytest.raises(NotTaken, match="refused for 1 of 2"):
        an_email(mail, to=("duty@desk.example", "nobody@desk.example"))(an_alert(1))
    with pytest.raises(NotTaken, match="answered 550"):
        an_email(mail, to=("nobody@desk.example",))(an_alert(1))

    assert len(mail.taken) == 1


def test_no_email_is_sent_unencrypted_unless_asked_for(an_alert, mail):
    """The mail server in this test does not support TLS."""
    with pytest.raises(NotTaken):
        an_email(mail, tls="starttls")(an_alert(1))

    assert mail.taken == []
