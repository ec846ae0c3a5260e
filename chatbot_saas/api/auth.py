from fastapi import APIRouter, Response

from chatbot_saas.api.dependencies import AddressDep, IdentityDep, RuntimeDep
from chatbot_saas.api.errors import errors
from chatbot_saas.core.errors import TooManyRequestsError, UnauthenticatedError
from chatbot_saas.schemas.auth import LoginRequest, MeRead, RefreshRequest, SignUpRequest, TokenPair
from chatbot_saas.services import auth

router = APIRouter(prefix="/api/v1", tags=["auth"])


@router.post("/auth/signup", status_code=201, responses=errors(auth.EmailTakenError, TooManyRequestsError))
async def sign_up(body: SignUpRequest, rt: RuntimeDep, address: AddressDep) -> TokenPair:
    """Make a tenant and its owner, and sign in."""
    user_id, tenant_id = await auth.sign_up(rt, body.email, body.password, body.tenant_name, address)
    return await auth.issue_tokens(rt, user_id, tenant_id)


@router.post("/auth/login", responses=errors(auth.WrongLoginError, TooManyRequestsError))
async def log_in(body: LoginRequest, rt: RuntimeDep, address: AddressDep) -> TokenPair:
    user_id, tenant_id = await auth.log_in(rt, body.email, body.password, address)
    return await auth.issue_tokens(rt, user_id, tenant_id)


@router.post("/auth/refresh", responses=errors(UnauthenticatedError))
async def refresh(body: RefreshRequest, rt: RuntimeDep) -> TokenPair:
    """Trade the refresh token for the next pair. Each works once; a second use ends the whole family."""
    return await auth.refresh_tokens(rt, body.refresh_token)


@router.post("/auth/logout", status_code=204)
async def log_out(body: RefreshRequest, rt: RuntimeDep) -> Response:
    """End the sign-in that the refresh token belongs to, with all its tokens."""
    await auth.log_out(rt, body.refresh_token)
    return Response(status_code=204)


@router.get("/me", responses=errors(UnauthenticatedError))
async def me(identity: IdentityDep, rt: RuntimeDep) -> MeRead:
    return await auth.me(rt, identity)
