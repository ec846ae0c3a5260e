"""A change or a deletion that is based on an old read is refused."""

import httpx
import pytest

from chatbot_saas.services.runtime import Runtime
from tests.api.senders import admin, is_problem
from tests.factories.knowledge import make_bot
from tests.factories.people import Person, make_platform_admin, sign_up

__all__ = ["admin"]

pytestmark = pytest.mark.no_cover  # other tests reach the same lines; to count them here doubles the time


async def test_a_change_based_on_an_old_read_is_refused(client: httpx.AsyncClient, rt: Runtime, admin: Person) -> None:
    bot = await make_bot(rt, admin, published=False)
    url = f"/api/v1/bots/{bot.id}"
    read = await client.get(url, headers=admin.headers)
    first = {**admin.headers, "If-Match": read.headers["ETag"]}
    changed = await client.patch(url, json={"name": "Second"}, headers=first)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != read.headers["ETag"]
    late = await client.patch(url, json={"name": "Third"}, headers=first)
    assert is_problem(late, 412)
    assert late.json()["current_version"] == 2
    for tag in ('W/"1"', '"999999999999999999999999999999"', '"-1"'):
        stale = {**admin.headers, "If-Match": tag}
        assert is_problem(await client.patch(url, json={"name": "n"}, headers=stale), 412)
        assert is_problem(await client.delete(url, headers=stale), 412), "deleting is a change as well"
        assert is_problem(await client.post(f"{url}/versions/1/restore", headers=stale), 412)
    wrong = {**admin.headers, "If-Match": '"abc"'}
    assert is_problem(await client.patch(url, json={"name": "n"}, headers=wrong), 422)
    assert (await client.get(url, headers=admin.headers)).json()["name"] == "Second"
    for tag in ("*", changed.headers["ETag"]):
        answer = await client.patch(url, json={"name": "Second"}, headers={**admin.headers, "If-Match": tag})
        assert answer.status_code == 200, "nothing changed, so it is the same version"
    assert (await client.delete(url, headers={**admin.headers, "If-Match": changed.headers["ETag"]})).status_code == 200


async def test_a_source_is_changed_only_as_it_was_read(client: httpx.AsyncClient, rt: Runtime, admin: Person) -> None:
    bot = await make_bot(rt, admin, published=False)
    text = {"type": "text", "title": "Hours", "text": "The shop is open from nine to six."}
    added = await client.post(f"/api/v1/bots/{bot.id}/sources", json=text, headers=admin.headers)
    url = f"/api/v1/sources/{added.json()['items'][0]['id']}"
    read = await client.get(url, headers=admin.headers)
    first = {**admin.headers, "If-Match": read.headers["ETag"]}
    changed = await client.patch(url, json={"title": "Opening hours"}, headers=first)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != read.headers["ETag"]
    late = await client.patch(url, json={"title": "Other"}, headers=first)
    assert is_problem(late, 412)
    assert late.json()["code"] == "changed_meanwhile"
    again = await client.get(url, headers=admin.headers)
    assert (again.json()["title"], again.headers["ETag"]) == ("Opening hours", changed.headers["ETag"])
    assert is_problem(await client.delete(url, headers=first), 412)
    assert (await client.get(url, headers=admin.headers)).status_code == 200
    now = {**admin.headers, "If-Match": again.headers["ETag"]}
    assert (await client.delete(url, headers=now)).status_code == 200
    assert is_problem(await client.delete(url, headers=now), 404)


async def test_a_list_of_questions_is_deleted_only_as_it_was_read(
    client: httpx.AsyncClient, rt: Runtime, admin: Person
) -> None:
    bot = await make_bot(rt, admin, published=False)
    pair = {"question": "When are you open?", "answer": "From nine to six."}
    body = {"type": "qa", "title": "Hours", "pairs": [pair]}
    added = await client.post(f"/api/v1/bots/{bot.id}/sources", json=body, headers=admin.headers)
    url = f"/api/v1/sources/{added.json()['items'][0]['id']}"
    read = await client.get(f"{url}/pairs", headers=admin.headers)
    first = {**admin.headers, "If-Match": read.headers["ETag"]}
    other = {"pairs": [{**pair, "answer": "From ten to six."}]}
    assert (await client.patch(url, json=other, headers=first)).status_code == 200
    late = await client.delete(url, headers=first)
    assert is_problem(late, 412)
    assert late.json()["code"] == "changed_meanwhile"
    again = await client.get(f"{url}/pairs", headers=admin.headers)
    now = {**admin.headers, "If-Match": again.headers["ETag"]}
    assert (await client.delete(url, headers=now)).status_code == 200


async def test_a_test_and_a_tenant_are_changed_and_deleted_only_as_they_were_read(
    client: httpx.AsyncClient, rt: Runtime, admin: Person
) -> None:
    bot, platform = await make_bot(rt, admin, published=False), await make_platform_admin(rt)
    going = await sign_up(rt)
    test = {"question": "When are you open?", "facts": ["nine"]}
    added = await client.post(f"/api/v1/bots/{bot.id}/tests", json=test, headers=admin.headers)
    rows = [
        (f"/api/v1/tests/{added.json()['id']}", admin, {"enabled": False}, {"question": "When?"}),
        (f"/api/v1/admin/tenants/{going.tenant_id}", platform, {"name": "First"}, {"name": "Second"}),
    ]
    for url, person, one, other in rows:
        read = await client.get(url, headers=person.headers)
        first = {**person.headers, "If-Match": read.headers["ETag"]}
        same = await client.get(url, headers=person.headers)
        assert same.headers["ETag"] == read.headers["ETag"], url
        changed = await client.patch(url, json=one, headers=first)
        assert changed.status_code == 200, changed.text
        assert changed.headers["ETag"] != read.headers["ETag"], url
        late = await client.patch(url, json=other, headers=first)
        assert is_problem(late, 412)
        assert late.json()["code"] == "changed_meanwhile"
        wrong = {**person.headers, "If-Match": '"abc"'}
        assert is_problem(await client.patch(url, json=other, headers=wrong), 422)
        assert (await client.get(url, headers=person.headers)).headers["ETag"] == changed.headers["ETag"]
        again = {**person.headers, "If-Match": changed.headers["ETag"]}
        assert (await client.patch(url, json=other, headers=again)).status_code == 200, url
        assert (await client.patch(url, json=one, headers=person.headers)).status_code == 200, "nobody has to send one"
        for headers, status in ((first, 412), (again, 412), (wrong, 422)):
            assert is_problem(await client.delete(url, headers=headers), status), url
        read = await client.get(url, headers=person.headers)
        assert read.status_code == 200
        gone = await client.delete(url, headers={**person.headers, "If-Match": read.headers["ETag"]})
        assert gone.status_code in (200, 204), url
