"""Who may ask what: every root field is public by name or refuses the public, and every role is tried on every one."""

import pytest
from graphql import GraphQLField, get_named_type, is_leaf_type

from api.schema import schema
from domain.people.roles import ROLES
from tests.api.graph import Graph

pytestmark = pytest.mark.anyio

PUBLIC = frozenset(
    {
        "me", "city", "areas", "area", "areaByCode", "locate", "searchPlaces", "matters", "trackReport", "suggestMatters", "similarReports",
        "answerQuestion", "rateCase", "reopenReport", "withdrawReport", "publicCases",
        "signIn", "refreshSession", "signOut", "submitReport",
    }
)  # fmt: skip
BY_CODE = frozenset({"answerQuestion", "rateCase", "reopenReport", "withdrawReport"})
UUID = '"0190c8e0-0000-7000-8000-000000000000"'
POSITION = "{lon: 114.905, lat: 27.805, datum: WGS84}"
INSTANT = '"2026-11-20T00:00:00Z"'
# One valid call of each field that needs arguments.
ARGUMENTS = {
    "areas": '(layer: "grid")', "area": f"(id: {UUID})", "areaByCode": '(layer: "grid", code: "x")', "case": f"(id: {UUID})",
    "locate": f"(position: {POSITION})", "searchPlaces": '(text: "镇")', "trackReport": '(code: "AAAA-BBBB-CCCC")',
    "signIn": '(username: "nobody", password: "no password at all")',
    "refreshSession": '(refreshToken: "x")', "signOut": '(refreshToken: "x")',
    "submitReport": f'(input: {{submissionId: {UUID}, description: "x", position: {POSITION}, occurredAt: {INSTANT}}})',
    "suggestMatters": '(text: "x")', "similarReports": f'(input: {{description: "x", position: {POSITION}}})',
    "raiseAlert": f'(input: {{submissionId: {UUID}, kind: "person_on_track", position: {POSITION}, occurredAt: {INSTANT}}})',
    "handUpCase": f'(caseId: {UUID}, platform: "above")',
    "placeDiversion": f'(input: {{id: {UUID}, position: {POSITION}}})',
    "returnDiversion": f'(input: {{id: {UUID}, reason: "x"}})',
    "markRead": f"(deliveryId: {UUID})", "retryDelivery": f"(id: {UUID})", "discardDelivery": f'(id: {UUID}, reason: "x")',
    "saveEndpoint": f'(input: {{kind: "webhook", label: "x", id: {UUID}}})', "testEndpoint": f"(id: {UUID})",
    "removeEndpoint": f"(id: {UUID})", "saveGateway": '(kind: "sms", settings: [])', "unsubscribePush": '(url: "https://x")',
    "subscribePush": '(input: {url: "http", p256dh: "x", auth: "x"})',
    "stepCase": f'(input: {{caseId: {UUID}, verb: "accept", revision: 1}})',
    "answerQuestion": f'(code: "AAAA-BBBB-CCCC", text: "x", submissionId: {UUID})',
    "rateCase": f'(code: "AAAA-BBBB-CCCC", satisfaction: "fair", submissionId: {UUID})',
    "reopenReport": f'(code: "AAAA-BBBB-CCCC", reason: "x", submissionId: {UUID})',
    "withdrawReport": f'(code: "AAAA-BBBB-CCCC", reason: "x", submissionId: {UUID})',
    "publicCases": "(bbox: [114.8, 27.7, 115.0, 27.9])", "mediaViews": f"(caseId: {UUID})",
    "fieldActions": f'(input: [{{id: {UUID}, caseId: {UUID}, kind: "note", text: "x", occurredAt: {INSTANT}, phoneNow: {INSTANT}}}])',
    "askReporter": f'(input: {{caseId: {UUID}, text: "x"}})', "replyToReporter": f'(input: {{caseId: {UUID}, text: "x"}})',
    "saveReplyTemplate": '(input: {code: "x", kind: "reply", name: "x", textZh: "x", textEn: "x"})',
    "releasePhotos": f"(caseId: {UUID}, photoIds: [{UUID}])", "moderateReport": f'(reportId: {UUID}, publicText: "x")',
    "dutyRoster": f"(from: {INSTANT}, to: {INSTANT})", "departmentSkills": f"(departmentId: {UUID})",
    "saveDutyShift": f"(input: {{departmentId: {UUID}, startsAt: {INSTANT}, endsAt: {INSTANT}, headCount: 1}})",
    "removeDutyShift": f"(id: {UUID})", "setDepartmentSkills": f"(departmentId: {UUID}, skills: [])",
    "saveAdmission": f'(input: {{areaId: {UUID}, matters: {{}}, taskClass: "x"}})', "removeAdmission": f"(id: {UUID})",
    "claimCase": f"(caseId: {UUID})", "releaseCase": f"(caseId: {UUID})", "startHandover": '(input: {text: "x"})',
    "acknowledgeHandover": f"(id: {UUID})", "bulkJob": f"(id: {UUID})", "bulkResults": f"(jobId: {UUID})",
    "figures": '(input: {from: "2026-11-01", to: "2026-11-30"})',
    "figureCases": '(input: {from: "2026-11-01", to: "2026-11-30"}, code: "received")',
    "saveFigureDefinition": '(input: {code: "x_y", name: "x", nameEn: "x", statistic: "count", anchor: "received", numerator: "open",'
    ' validFrom: "2026-11-01"})',
    "bulkStep": f'(input: {{jobId: {UUID}, verb: "recall", caseIds: [{UUID}], reason: "x"}})', "undoBulk": f"(jobId: {UUID})",
}  # fmt: skip
NEEDS = {
    "cases": "case.read", "case": "case.read", "caseCounts": "case.read", "livePosition": "case.read",
    "diversions": "case.file", "placeDiversion": "case.file", "returnDiversion": "case.file",
    "platforms": "case.dispatch", "handUpCase": "case.dispatch",
    "raiseAlert": "alert.raise", "myCases": "case.handle", "fieldActions": "case.handle", "replyTemplates": "case.read",
    "mediaViews": "case.verify", "moderateReport": "case.verify", "releasePhotos": "case.file",
    "stepCase": "case.handle", "admissions": "case.read", "claimCase": "case.read",
    "releaseCase": "case.read", "departmentSkills": "case.dispatch", "handovers": "case.dispatch", "startHandover": "case.dispatch",
    "acknowledgeHandover": "case.dispatch", "bulkStep": "case.dispatch", "saveAdmission": "case.supervise",
    "removeAdmission": "case.supervise", "figures": "case.read", "figureCases": "case.read",
    "saveFigureDefinition": "figure.manage",
    "deliveries": "delivery.read", "deliveryCounts": "delivery.read",
    **dict.fromkeys(
        ("retryDelivery", "discardDelivery", "endpoints", "gateways", "deliveryChannels", "unreachableDepartments", "saveEndpoint",
         "testEndpoint", "removeEndpoint", "saveGateway"), "delivery.manage",
    ),
}  # fmt: skip


def _calls() -> list[tuple[str, str]]:
    kinds = schema()._schema
    found = []
    for operation, root in (("query", kinds.query_type), ("mutation", kinds.mutation_type)):
        assert root is not None
        found += [(name, f"{operation} {{ {name}{ARGUMENTS.get(name, '')} {_leaf(field)} }}") for name, field in root.fields.items()]
    return found


def _leaf(field: GraphQLField) -> str:
    return "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"


@pytest.mark.parametrize(("name", "call"), _calls())
async def test_a_root_field_is_public_by_name_or_refuses_the_public(graph: Graph, name: str, call: str) -> None:
    answer = (await graph.answer(call)).json()
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    if name in PUBLIC:
        # Signing in with nonsense is refused too, but by the password and not by the door; so is a code no report has.
        refused = {"unauthenticated"} if name in {"signIn", "refreshSession"} else {"not_found"} if name in BY_CODE else set()
        assert codes <= refused, answer
    else:
        assert codes == {"unauthenticated"}, answer


async def test_every_role_may_do_exactly_what_its_row_says(graph: Graph) -> None:
    calls = dict(_calls())
    for role in ROLES:
        headers = await graph.staff(role.name.replace("_", "-"), role.name)
        for name, permission in NEEDS.items():
            answer = (await graph.answer(calls[name], headers=headers)).json()
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            assert ("forbidden" in codes) is (permission not in role.permissions), (role.name, name, answer)


async def test_a_live_feed_is_not_for_the_public_nor_sent_over_post(graph: Graph) -> None:
    found = await graph.refused("subscription { live { position } }")
    assert found["code"] == "invalid"
    assert "WebSocket" in found["message"]
