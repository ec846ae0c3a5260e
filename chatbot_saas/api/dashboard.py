"""Signing in to the dashboard: the password goes from the form to here, never through State."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from chatbot_saas.api.dependencies import SESSION_COOKIE, AddressDep, RuntimeDep, require_own_origin
from chatbot_saas.core.security import SESSION_LIFE
from chatbot_saas.schemas.auth import LoginRequest, SignUpRequest
from chatbot_saas.services import auth
from chatbot_saas.services.runtime import Runtime

router = APIRouter(prefix="/api/dashboard", include_in_schema=False)


@router.post("/sign-in")
async def sign_in(body: LoginRequest, request: Request, rt: RuntimeDep, address: AddressDep) -> Response:
    require_own_origin(request, rt)
    user_id, tenant_id = await auth.log_in(rt, body.email, body.password, address)
    return await _with_cookie(rt, user_id, tenant_id, 204)


@router.post("/sign-up")
async def sign_up(body: SignUpRequest, request: Request, rt: RuntimeDep, address: AddressDep) -> Response:
    require_own_origin(request, rt)
    user_id, tenant_id = await auth.sign_up(rt, body.email, body.password, body.tenant_name, address)
    return await _with_cookie(rt, user_id, tenant_id, 201)


@router.post("/sign-out", status_code=204)
async def sign_out(request: Request, rt: RuntimeDep) -> Response:
    require_own_origin(request, rt)
    if token := request.cookies.get(SESSION_COOKIE):
        await auth.close_session(rt, token)
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


async def _with_cookie(rt: Runtime, user_id: UUID, tenant_id: UUID | None, status: int) -> Response:
    response = Response(status_code=status)
    response.set_cookie(
        SESSION_COOKIE,
        await auth.open_session(rt, user_id, tenant_id),
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=rt.settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )
    return response
