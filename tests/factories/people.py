"""Tenants and the people in them."""

from dataclasses import dataclass
from uuid import UUID

from chatbot_saas.core.ids import new_id
from chatbot_saas.core.security import hash_password
from chatbot_saas.core.tenancy import Role, System, Tenant, tenant_for_role
from chatbot_saas.models import Membership, TenantRow, User
from chatbot_saas.services import auth
from chatbot_saas.services.runtime import Runtime

PASSWORD = "correct horse battery"
_HASH = hash_password(PASSWORD, rounds=4)  # tests make many people; the cost of a real hash is tested once


@dataclass(frozen=True, slots=True)
class Person:
    user_id: UUID
    tenant_id: UUID
    role: Role
    email: str
    access_token: str
    refresh_token: str

    @property
    def principal(self) -> Tenant:
        return tenant_for_role(self.tenant_id, self.user_id, self.role)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


async def sign_up(rt: Runtime, role: Role = Role.OWNER, tenant_id: UUID | None = None) -> Person:
    """A new user with `role` in a new tenant, or in the given one."""
    from_platform = System("tests")
    tenant = tenant_id or new_id()
    user_id = new_id()
    email = f"{user_id.hex}@example.com"
    async with rt.db.platform(from_platform) as session:
        if tenant_id is None:
            session.add(TenantRow(id=tenant, name=f"Tenant {tenant.hex[-6:]}"))
        session.add(User(id=user_id, email=email, password_hash=_HASH))
        await session.flush()
        session.add(Membership(tenant_id=tenant, user_id=user_id, role=role))
    pair = await auth.issue_tokens(rt, user_id, tenant)
    return Person(user_id, tenant, role, email, pair.access_token, pair.refresh_token)


async def make_platform_admin(rt: Runtime) -> Person:
    person = await sign_up(rt)
    async with rt.db.platform(System("tests")) as session:
        user = await session.get_one(User, person.user_id)
        user.is_platform_admin = True
    return person
