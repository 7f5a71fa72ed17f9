"""Duplicates through the doors: what a citizen is offered and never told, and what staff see."""

from typing import Any

import orjson

from tests.api.graph import SUBMIT, Graph

SIMILAR = """
query($input: SimilarReportsInput!) {
  similarReports(input: $input) { number matterName state stateName { zh } hoursAgo withinM }
}
"""
JOINED = SUBMIT.replace("repeated", "repeated joined")
ON_CASE = """
query($id: ID!) { case(id: $id) {
  duplicates { case { id number state } score sure distanceM apartS wordsShare pictureBits sameMatter }
  links { kind reportId other { id number } score features actorName undoneAt }
  mergedCases { id } mergedInto { id } reports { id }
} }
"""
STEP = "mutation($input: StepCaseInput!) { stepCase(input: $input) { id state mergedInto { id } } }"
TEXT = "菜市场后门垃圾堆了三天没有人来清"
AGAIN = "菜市场后门的垃圾堆了三天了,没人来清!"


def asked(graph: Graph, column: float = 0.5, row: float = 0.5, **given: Any) -> dict[str, Any]:
    return {"input": {"description": TEXT, "position": graph.at(column, row), "matterId": str(graph.city.matters["rubbish"])} | given}


async def test_a_citizen_is_offered_the_open_case_close_by_in_general_words_only(graph: Graph) -> None:
    sent = await graph.report(source="citizen", description=TEXT, contactName="来电人甲", contactPhone="13900000000")
    (found,) = (await graph.ask(SIMILAR, asked(graph)))["similarReports"]
    assert found == {
        "number": sent["number"], "matterName": "暴露生活垃圾", "state": "checking", "stateName": {"zh": "待核实"}, "hoursAgo": 0,
        "withinM": 160,
    }  # fmt: skip
    told = orjson.dumps(found).decode()
    assert not any(secret in told for secret in (TEXT, "来电人甲", "13900000000", sent["trackingCode"], sent["caseId"], "114.9"))


async def test_without_a_matter_the_likeliest_are_looked_for_and_far_away_there_is_nothing(graph: Graph) -> None:
    sent = await graph.report(description=TEXT)
    (found,) = (await graph.ask(SIMILAR, asked(graph, matterId=None)))["similarReports"]
    assert found["number"] == sent["number"]
    assert (await graph.ask(SIMILAR, asked(graph, column=1.5)))["similarReports"] == []
    assert (await graph.ask(SIMILAR, asked(graph, matterId=str(graph.city.matters["cover"]))))["similarReports"] == []


async def test_how_near_it_is_said_to_be_follows_from_the_cell_alone(graph: Graph) -> None:
    await graph.report(description=TEXT)
    said = set()
    for i in range(40):
        found = (await graph.ask(SIMILAR, asked(graph, column=0.5 + 0.02 * i, description="x")))["similarReports"]
        said.add(found[0]["withinM"] if found else None)
    assert said <= {160, 360, None}
    assert len(said) == 3


async def test_a_complaint_about_somebody_is_never_offered(graph: Graph) -> None:
    sent = await graph.report(description=TEXT)
    async with graph.doors.app.state.pool.connection() as conn:
        await conn.execute("update cases set about_department_id = %s where id = %s", (graph.city.departments["west"], sent["caseId"]))
    assert (await graph.ask(SIMILAR, asked(graph)))["similarReports"] == []


async def test_a_citizen_says_it_is_the_same_and_follows_the_same_case_with_a_code_of_their_own(graph: Graph) -> None:
    first = await graph.report()
    (offer,) = (await graph.ask(SIMILAR, asked(graph)))["similarReports"]
    given = graph.report_input(description="我也看到了", sameAs=offer["number"])
    second = (await graph.ask(JOINED, {"input": given}))["submitReport"]
    assert (second["caseId"], second["joined"], second["repeated"]) == (first["caseId"], True, False)
    assert second["trackingCode"] != first["trackingCode"]
    tracked = await graph.ask("query($code: String!) { trackReport(code: $code) { number } }", {"code": second["trackingCode"]})
    assert tracked["trackReport"]["number"] == first["number"]
    staff = await graph.staff("desk", "dispatcher", area="360500")
    case = (await graph.ask(ON_CASE, {"id": first["caseId"]}, staff))["case"]
    assert len(case["reports"]) == 2
    (link,) = case["links"]
    assert (link["kind"], link["reportId"], link["other"], link["actorName"]) == ("same_as", second["reportId"], None, None)


async def test_staff_see_possible_duplicates_with_reasons_merge_them_and_take_it_back(graph: Graph) -> None:
    staff = await graph.staff("desk", "dispatcher", area="360500")
    one = await graph.report(staff, description=TEXT, source="staff")
    other = await graph.report(staff, description=AGAIN, source="staff")
    (found,) = (await graph.ask(ON_CASE, {"id": one["caseId"]}, staff))["case"]["duplicates"]
    assert found["case"] == {"id": other["caseId"], "number": other["number"], "state": "dispatched"}
    assert (found["sure"], found["sameMatter"], found["distanceM"]) == (True, True, 0)
    assert found["score"] > 0.8
    given = {"caseId": one["caseId"], "verb": "merge", "targetId": other["caseId"]}
    merged = (await graph.ask(STEP, {"input": given}, staff))["stepCase"]
    assert (merged["state"], merged["mergedInto"]) == ("merged", {"id": other["caseId"]})
    case = (await graph.ask(ON_CASE, {"id": other["caseId"]}, staff))["case"]
    assert case["mergedCases"] == [{"id": one["caseId"]}]
    assert case["duplicates"] == []
    assert (case["links"][0]["kind"], case["links"][0]["other"]["id"]) == ("merged", one["caseId"])
    await graph.ask(STEP, {"input": {"caseId": one["caseId"], "verb": "unmerge"}}, staff)
    case = (await graph.ask(ON_CASE, {"id": one["caseId"]}, staff))["case"]
    assert case["mergedInto"] is None
    assert case["links"][0]["undoneAt"] is not None


async def test_nobody_is_shown_a_duplicate_outside_their_remit(graph: Graph) -> None:
    whole = await graph.staff("desk", "dispatcher", area="360500")
    west = await graph.report(whole, description=TEXT, source="staff", position=graph.at(1.9999, 0.5))
    east = await graph.report(whole, description=AGAIN, source="staff", position=graph.at(2.0001, 0.5))
    query = "query($id: ID!) { case(id: $id) { duplicates { case { id } } } }"
    (seen,) = (await graph.ask(query, {"id": west["caseId"]}, whole))["case"]["duplicates"]
    assert seen["case"]["id"] == east["caseId"]
    narrow = await graph.staff("west", "dispatcher", area="360502101")
    assert (await graph.ask(query, {"id": west["caseId"]}, narrow))["case"]["duplicates"] == []
