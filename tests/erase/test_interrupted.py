"""An erasure that is interrupted and repeated leaves what has arrived meanwhile."""

from collections.abc import Callable
from itertools import count

import pytest

from streams.alerts.landed import latest_alerts
from streams.contracts.outputs import Alert
from streams.erase import run
from streams.erase.records import Records
from streams.erase.run import erase
from streams.errors import ErasureUnfinished
from streams.lake.connect import connect
from streams.land.verify import verify_offsets
from tests.built import quick_build
from tests.erase.conftest import CHILD, FAMILY, GONE, STAYING, Home
from tests.erase.test_reach import AGAIN, report

pytestmark = pytest.mark.long


def test_what_arrives_while_an_erasure_is_interrupted_stays(
    council: Home, patience: Callable[[Callable[[], object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is interrupted after the topics were rewritten, and again before the marts were built."""
    settings, numbers = council.settings, count()

    def interrupted(*_: object) -> None:
        raise ErasureUnfinished("the machine lost its power")

    def referrals() -> list[str]:
        with connect(settings, marts=None) as lake:
            query = f"SELECT referral_id FROM landing.main.events WHERE family_id = '{FAMILY}' ORDER BY ALL"
            return [one for (one,) in lake.execute(query).fetchall()]

    def alerts() -> list[Alert]:
        # In the lake, because an erasure cuts the topic of alerts when everything on it has landed.
        with connect(settings, marts=None) as lake:
            query = f"SELECT DISTINCT alert_id FROM landing.main.alerts WHERE family_id = '{FAMILY}'"
            ids = [one for (one,) in lake.execute(query).fetchall()]
            return latest_alerts(lake, ids) if ids else []

    def report_again() -> None:
        council.send(report(council, next(numbers)))
        patience(lambda: any(one and AGAIN in one for one in referrals()))

    with council.running():
        council.send(*council.story(FAMILY, GONE), *council.story(STAYING, "stay5086"))
        patience(lambda: {FAMILY, STAYING} <= {alert.family_id for alert in council.alerts()})
        patience(lambda: not verify_offsets(settings).differences)
        records = Records(settings)
        erasure = records.approve(records.request([FAMILY], [CHILD], "asked for by the family", "anna").id, "ben")
        with monkeypatch.context() as patch:
            patch.setattr(run, "erase_landed", interrupted)
            with pytest.raises(ErasureUnfinished, match="lost its power"):
                erase(settings, erasure)
        report_again()
        with pytest.raises(ErasureUnfinished, match="too few rows"):
            erase(settings, erasure, holds=lambda _: ["too few rows"])
        report_again()
        left = erase(settings, erasure)
        patience(lambda: not verify_offsets(settings).differences)
        patience(lambda: quick_build(settings).snapshot.is_watched)
        patience(alerts)
    with connect(settings, marts=None) as lake:
        payloads = [text for (text,) in lake.execute("SELECT payload FROM landing.main.events").fetchall()]

    assert referrals() == [f"R-{AGAIN}-0", f"R-{AGAIN}-1"]
    assert left == ["2 records about these ids arrived after the approval, and stay. Ask again if they must go"]
    assert [text for text in payloads if f"remark of {GONE}" in text or f"R-{GONE}" in text] == []
    assert [item.id for alert in alerts() for item in alert.evidence if AGAIN not in item.id] == []
