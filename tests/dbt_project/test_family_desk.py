"""Which area, services and professionals are responsible for a family, according to the family's events."""

import pytest

BIRKENHEAD, WALLASEY, HALTON = "E01007119", "E01007203", "E01012367"


@pytest.fixture
def desk(world):
    """Returns the row about family F-1."""

    def ask() -> dict:
        [found] = world.rows("select * from marts.intermediate.int_family_desk where family_id = 'F-1'")
        return found

    return ask


@pytest.fixture
def move(world):
    def tell(at: str, lsoa: str | None, **rest: object) -> None:
        world.tell("address-changed", at, family_id="F-1", address_id=f"A-{at}", lsoa_code=lsoa, **rest)

    return tell


@pytest.fixture
def refer(world):
    def tell(at: str, **rest: object) -> None:
        world.tell(
            "referral-submitted", at, referral_id=f"R-{at}", family_id="F-1", source_code="6", severity="red", **rest
        )

    return tell


@pytest.fixture
def case(world):
    """Opens and closes cases, and assigns lead professionals."""

    class Case:
        def opened(self, at: str, name: str = "C-1", service: str = "S-1") -> None:
            world.tell("case-opened", at, family_id="F-1", case_id=name, service_id=service)

        def closed(self, at: str, name: str = "C-1") -> None:
            world.tell("case-closed", at, family_id="F-1", case_id=name, closure_reason="RC7")

        def led(self, at: str, worker: str) -> None:
            world.tell("lead-professional-assigned", at, family_id="F-1", worker_id=worker)

    return Case()


def test_area_and_gateway_are_those_of_the_latest_place(desk, move, refer):
    """
    A later report changes the family's place just as a new address does.

    The gateway that a report names takes precedence over the gateway of the report's area.
    """
    move("2025-03-01", BIRKENHEAD)
    assert (desk()["area"], desk()["gateway"]) == ("birkenhead", "birkenhead")
    refer("2025-03-02", lsoa_code=WALLASEY, gateway="birkenhead")
    assert (desk()["area"], desk()["gateway"]) == ("wallasey", "birkenhead")


def test_address_without_a_place_is_unknown(desk, move):
    move("2025-03-01", BIRKENHEAD)
    move("2025-03-02", None)

    assert (desk()["area"], desk()["gateway"]) == (None, None)


def test_protected_address_gives_nothing_away(desk, move, refer):
    """While the address is protected, neither an earlier place nor a later report reveals the family's area."""
    move("2025-03-01", WALLASEY)
    refer("2025-03-02", gateway="wallasey")
    move("2025-03-03", BIRKENHEAD, is_address_protected=True)
    refer("2025-03-04", lsoa_code=BIRKENHEAD, gateway="birkenhead")
    assert (desk()["area"], desk()["gateway"], desk()["is_address_protected"]) == (None, None, True)
    move("2025-03-05", BIRKENHEAD)
    assert (desk()["area"], desk()["gateway"], desk()["is_address_protected"]) == ("birkenhead", "birkenhead", False)


def test_place_in_another_authority_has_no_area(desk, move):
    move("2025-03-01", HALTON)

    assert desk()["area"] is None


def test_lsoa_of_2021_is_in_the_area_of_its_predecessor(desk, move):
    move("2025-03-01", "E01034838")

    assert (desk()["area"], desk()["gateway"]) == ("birkenhead", "birkenhead")


def test_only_open_cases_have_a_service(desk, case):
    case.opened("2025-03-01", "C-1", "S-1")
    case.opened("2025-03-02", "C-2", "S-2")
    case.closed("2025-03-03", "C-1")

    assert desk()["service_ids"] == ["S-2"]


def test_lead_professional_ends_with_the_last_case(desk, case):
    """
    Closing one of two cases does not end the assignment of the lead professional.

    A new lead professional may be assigned before the next case is opened.
    """
    case.opened("2025-03-01", "C-1")
    case.opened("2025-03-02", "C-2")
    case.led("2025-03-03", "W-1")
    case.led("2025-03-04", "W-2")
    case.closed("2025-03-05", "C-1")
    assert desk()["lead_professional"] == "W-2"
    case.closed("2025-03-06", "C-2")
    assert desk()["lead_professional"] is None
    case.led("2025-03-07", "W-3")
    case.closed("2025-03-08", "C-2")
    assert desk()["lead_professional"] == "W-3"


def test_correction_and_withdrawal_count(world, desk, case):
    told = world.tell("lead-professional-assigned", "2025-03-01", family_id="F-1", worker_id="W-1")
    case.opened("2025-03-02")
    world.correct(told, "2025-03-03", worker_id="W-2")
    assert desk()["lead_professional"] == "W-2"
    world.withdraw(told, "2025-03-04")
    assert desk()["lead_professional"] is None


def test_consent_to_sharing_is_the_latest_answer_on_sharing(world, desk):
    """
    A consent to receive help is not a consent to share, and withdrawing the first does not withdraw the second.

    A withdrawal of consent that was recorded in error does not count.
    """
    world.tell("consent-given", "2025-03-01", family_id="F-1", consent_scope="receive_help")
    assert not desk()["is_sharing_consented"]
    world.tell("consent-given", "2025-03-02", family_id="F-1", consent_scope="share_information")
    world.tell("consent-withdrawn", "2025-03-03", family_id="F-1", consent_scope="receive_help")
    assert desk()["is_sharing_consented"]
    told = world.tell("consent-withdrawn", "2025-03-04", family_id="F-1", consent_scope="share_information")
    assert not desk()["is_sharing_consented"]
    world.withdraw(told, "2025-03-05")
    assert desk()["is_sharing_consented"]
