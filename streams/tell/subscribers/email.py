"""
Send alerts as e-mail.

Other people may read an e-mail, so it contains only the alert's id, severity, status and link.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from streams.contracts.outputs import Alert
from streams.tell.subscribers.delivery import NotTaken, NotYetTaken

__all__ = ["Email", "Tls"]

Tls = Literal["starttls", "implicit", "none"]
_TIMEOUT_SECONDS = 20
_PERMANENT = 500


@dataclass(frozen=True, kw_only=True)
class Email:
    """Sends alerts by e-mail through one mail server to fixed addresses."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    tls: Tls = "starttls"
    user: str = ""
    password: str = ""

    def __call__(self, alert: Alert) -> None:
        """
        Send one version of an alert to all addresses.

        Raises:
            NotYetTaken: the server does not answer, or says that it cannot take the e-mail now (4xx).
            NotTaken: the server refuses the e-mail (5xx) or one of the addresses, or its certificate is not trusted.
        """
        try:
            with self._connect() as server:
                if self.user:
                    server.login(self.user, self.password)
                refused = server.send_message(self._message(alert))
        except smtplib.SMTPRecipientsRefused as error:
            raise _failure(max(code for code, _ in error.recipients.values())) from None
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code) from None
        except ssl.SSLCertVerificationError:
            raise NotTaken("the mail server's certificate is not trusted") from None
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise NotYetTaken(f"no answer ({type(error).__name__})") from None
        if refused:
            raise NotTaken(f"refused for {len(refused)} of {len(self.to)} addresses")

    def _connect(self) -> smtplib.SMTP:
        if self.tls == "implicit":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_SECONDS)
        if self.tls == "starttls":
            server.starttls(context=ssl.create_default_context())
        return server

    def _message(self, alert: Alert) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(self.to)
        message["Subject"] = f"{alert.severity.upper()} alert {alert.alert_id}: {alert.status}"
        message["Date"] = format_datetime(alert.raised_at)
        # When an e-mail is sent again, it has the same id, so that the mailbox can recognise it.
        message["Message-ID"] = f"<{alert.alert_id}.{alert.version}@caf.alerts>"
        link = alert.case_url or f"./caf alerts show {alert.alert_id}"
        message.set_content(
            f"Severity: {alert.severity}\nStatus: {alert.status}, version {alert.version}\n"
            f"Alert: {alert.alert_id}\nDetails: {link}\n"
        )
        return message


def _failure(code: int) -> NotTaken:
    kind = NotTaken if code >= _PERMANENT else NotYetTaken
    return kind(f"answered {code}")
