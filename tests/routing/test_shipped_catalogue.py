import csv
from collections import Counter, defaultdict
from pathlib import Path

import domain.routing

DATA = Path(domain.routing.__file__).parent / "data"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def key(row: dict[str, str]) -> tuple[str, ...]:
    return row["scheme"], row["scheme_version"], row["kind"], row["major"], row["minor"]


def test_the_catalogue_has_92_component_and_98_event_classes_with_unique_codes() -> None:
    matters = rows("matters.csv")
    assert Counter(m["kind"] for m in matters) == {"component": 92, "event": 98}
    assert len({key(m) for m in matters}) == len(matters)
    assert all(m["name"] and m["name_en"] and m["major_name"] and m["basis"] for m in matters)


def test_every_class_has_conditions_in_order_with_distinct_words_and_a_limit() -> None:
    conditions = defaultdict(list)
    for row in rows("filing_conditions.csv"):
        conditions[key(row)].append(row)
    assert set(conditions) == {key(m) for m in rows("matters.csv")}
    for own in conditions.values():
        assert [int(c["ord"]) for c in own] == list(range(1, len(own) + 1))
        assert len({c["wording"] for c in own}) == len(own)
        assert all(int(c["limit_amount"]) > 0 for c in own)
        assert {c["limit_unit"] for c in own} <= {"urgent_hour", "work_hour", "work_day", "urgent_day"}
        assert {c["wording_basis"] for c in own} == {"own_wording"}


def test_a_missing_manhole_cover_must_be_handled_in_two_continuous_hours() -> None:
    first = next(c for c in rows("filing_conditions.csv") if key(c)[2:] == ("component", "01", "01"))
    assert (first["limit_amount"], first["limit_unit"]) == ("2", "urgent_hour")
    assert "缺失" in first["wording"]


def test_classes_about_people_ship_disabled() -> None:
    disabled = {m["name"] for m in rows("matters.csv") if m["enabled"] == "false"}
    assert disabled == {"无照经营游商", "街头散发广告", "违规养犬"}
