"""Suggested matters through the door: for the public before sending, for staff on the case."""

from tests.api.graph import Graph

SUGGEST = """
query($text: String!, $position: PositionInput) {
  suggestMatters(text: $text, position: $position) { matter { id kind major minor name nameEn } score words }
}
"""
ON_CASE = "query($id: ID!) { case(id: $id) { suggestedMatters { matter { id name } score words } } }"


async def test_the_public_is_offered_matters_for_a_few_words(graph: Graph) -> None:
    found = (await graph.ask(SUGGEST, {"text": "自来水井盖没了", "position": graph.at(0.5, 0.5)}))["suggestMatters"]
    assert found[0]["matter"]["id"] == str(graph.city.matters["cover"])
    assert found[0]["matter"]["name"] == "上水井盖"
    assert 0 < found[0]["score"] <= 1
    assert "井盖" in "".join(found[0]["words"])
    assert {one["matter"]["kind"] for one in found} <= {"component", "event"}


async def test_a_text_that_is_empty_or_too_long_is_refused_by_name(graph: Graph) -> None:
    for text in ("", "灯" * 2001):
        refused = await graph.refused(SUGGEST, {"text": text})
        assert refused["field"] == "text"


async def test_staff_see_suggestions_on_a_report_that_came_without_a_matter(graph: Graph) -> None:
    sent = await graph.report(matterId=None, description="楼下一大堆垃圾没人清,臭死了")
    staff = await graph.staff("desk", "dispatcher", area="360500")
    found = (await graph.ask(ON_CASE, {"id": sent["caseId"]}, staff))["case"]["suggestedMatters"]
    assert found[0]["matter"] == {"id": str(graph.city.matters["rubbish"]), "name": "暴露生活垃圾"}
    assert "垃圾" in found[0]["words"]
