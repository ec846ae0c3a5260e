"""Every form of credential that a caller can hold, as headers."""

from uuid import UUID

import httpx

from chatbot_saas.core.tenancy import Role, Scope
from chatbot_saas.schemas.api_keys import ApiKeyCreate
from chatbot_saas.services import api_keys, auth
from chatbot_saas.services.runtime import Runtime
from tests.factories.knowledge import SHOP
from tests.factories.people import Person, sign_up

Headers = dict[str, str]


def own_origin(rt: Runtime) -> Headers:
    return {"Origin": rt.settings.public_origin}


async def api_key(
    rt: Runtime, person: Person, scopes: list[Scope] | None = None, bot_ids: list[UUID] | None = None
) -> str:
    """A key of the person's tenant, with every scope unless some are named."""
    request = ApiKeyCreate(name="test", scopes=list(Scope) if scopes is None else scopes, bot_ids=bot_ids)
    async with rt.db.tenant(person.principal) as session:
        return (await api_keys.create(session, person.principal, request)).key


async def cookie(rt: Runtime, person: Person) -> Headers:
    """What the dashboard's browser sends."""
    token = await auth.open_session(rt, person.user_id, person.tenant_id)
    return {"Cookie": f"chatbot_session={token}", **own_origin(rt)}


async def every_form(rt: Runtime, person: Person) -> dict[str, Headers]:
    """Each way of acting with all rights in the person's tenant."""
    key = await api_key(rt, person)
    forms = {
        "X-API-Key": {"X-API-Key": key},
        "bearer key": {"Authorization": f"Bearer {key}"},
    }
    for role in Role:
        colleague = await sign_up(rt, role, person.tenant_id)
        forms[f"{role} token"] = colleague.headers
        forms[f"{role} cookie"] = await cookie(rt, colleague)
    return forms


async def visit(client: httpx.AsyncClient, bot_id: UUID, site: str = SHOP) -> tuple[str, Headers]:
    """Start a conversation as a website's visitor: (its id, headers of the visitor's next requests)."""
    started = await client.post(f"/api/public/conversation/{bot_id}/start", headers={"Origin": site})
    assert started.status_code == 201, started.text
    body = started.json()
    return body["conversation_id"], {"Authorization": f"Bearer {body['visitor_token']}", "Origin": site}
