"""Who is chosen: the order of capacities, and the most particular duty, against brute force."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.routing.choose import choose
from domain.routing.receipts import explain
from domain.routing.table import Department, Duty, Matter, RoutingTable, Rule

CITY, COUNTY, TOWN, GRID = (UUID(int=i) for i in range(1, 5))
PATH = [CITY, COUNTY, TOWN, GRID]
DEPARTMENTS = {UUID(int=i): Department(UUID(int=i), f"d{i:02}", f"部门{i}") for i in range(10, 16)}
WATER, TOWN_OFFICE = UUID(int=10), UUID(int=11)
COVER = Matter(UUID(int=90), "component", "01", "01", "上水井盖", True, None)
RUBBISH = Matter(UUID(int=91), "event", "01", "10", "暴露生活垃圾", True, None)
RULES = {
    "component": Rule("component.default", 1, "owner", "territory"),
    "event": Rule("event.default", 1, "territory", "owner"),
    "alert": Rule("alert.default", 1, "owner", "territory"),
}


def duty(
    number: int, department: UUID, area: UUID, capacity: str, kind: str | None = None, major: str | None = None, minor: str | None = None
) -> Duty:
    return Duty(UUID(int=number), department, area, capacity, kind, major, minor)


def table(*duties: Duty) -> RoutingTable:
    by_place: dict[tuple[str, UUID], list[Duty]] = {}
    for one in duties:
        by_place.setdefault((one.capacity, one.area_id), []).append(one)
    return RoutingTable(1, None, {}, {}, DEPARTMENTS, by_place, RULES)


OWNER = duty(1, WATER, CITY, "owner", "component", "01")
TERRITORY = duty(2, TOWN_OFFICE, TOWN, "territory")


def test_a_component_goes_to_its_owner_and_an_event_to_the_territory() -> None:
    both = table(OWNER, TERRITORY, duty(3, WATER, CITY, "owner", "event"))
    assert choose(both, COVER, PATH).department == DEPARTMENTS[WATER]
    assert choose(both, RUBBISH, PATH).department == DEPARTMENTS[TOWN_OFFICE]


def test_the_second_capacity_is_asked_when_the_first_has_nobody() -> None:
    choice = choose(table(TERRITORY), COVER, PATH)
    assert choice.department == DEPARTMENTS[TOWN_OFFICE]
    assert [reason["code"] for reason in choice.reasons] == ["rule", "nobody_owner", "duty_territory"]


def test_what_nobody_owns_is_said_to_be_unassigned() -> None:
    choice = choose(table(), COVER, PATH)
    assert choice.department is None
    assert choice.reasons[-1] == {"code": "unassigned"}


def test_a_matter_not_known_yet_goes_to_the_territory_and_never_to_a_special_owner() -> None:
    choice = choose(table(OWNER, duty(4, WATER, GRID, "territory", "event", "01"), TERRITORY), None, PATH)
    assert choice.department == DEPARTMENTS[TOWN_OFFICE]


duties = st.builds(
    duty,
    st.integers(100, 999),
    st.sampled_from(list(DEPARTMENTS)),
    st.sampled_from([*PATH, UUID(int=77)]),
    st.sampled_from(["owner", "territory"]),
    st.sampled_from([None, "component", "event"]),
    st.sampled_from([None, "01", "02"]),
    st.sampled_from([None, "01", "10"]),
)


@given(st.lists(duties, max_size=8), st.sampled_from([COVER, RUBBISH, None]))
def test_the_choice_is_the_best_of_all_duties_by_brute_force(given_duties: list[Duty], matter: Matter | None) -> None:
    rule = RULES[matter.kind if matter else "event"]
    wanted = (matter.kind, matter.major, matter.minor) if matter else (None, None, None)

    def key(one: Duty) -> tuple[object, ...] | None:
        parts = (one.kind, one.major, one.minor)
        if one.area_id not in PATH or any(have is not None and have != want for have, want in zip(parts, wanted, strict=True)):
            return None
        capacity = 0 if one.capacity == rule.first else 1
        return (capacity, -PATH.index(one.area_id), -sum(p is not None for p in parts), DEPARTMENTS[one.department_id].code)

    best = min((k for one in given_duties if (k := key(one)) is not None), default=None)
    chosen = choose(table(*given_duties), matter, PATH).department
    assert (chosen.code if chosen else None) == (best[3] if best else None)


@given(st.lists(duties, max_size=4), st.sampled_from([COVER, RUBBISH, None]))
def test_every_reason_can_be_put_into_words(given_duties: list[Duty], matter: Matter | None) -> None:
    for reason in choose(table(*given_duties), matter, PATH).reasons:
        zh, en = explain(reason)
        assert reason["code"] not in (zh, en)
