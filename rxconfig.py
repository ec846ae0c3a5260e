"""What Reflex reads at every start. No ports and no public address here: one build serves under any of them."""

import reflex as rx
from reflex_base.constants import StateManagerMode
from reflex_base.plugins.sitemap import SitemapPlugin

from chatbot_saas.core.settings import get_settings

settings = get_settings()

config = rx.Config(
    app_name="chatbot_saas",
    app_module_import="chatbot_saas.app",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    # also guards the websocket: any other website is refused at the handshake
    cors_allowed_origins=sorted(settings.own_origins),
    # The truth lives in the database and the URL, so a state that is lost with the process costs nothing.
    # Several web processes need a shared one.
    state_manager_mode=StateManagerMode.REDIS if settings.redis_url else StateManagerMode.MEMORY,
    redis_url=settings.redis_url or None,
    plugins=[
        rx.plugins.TailwindV4Plugin(),
        rx.plugins.RadixThemesPlugin(
            theme=rx.theme(accent_color="iris", gray_color="slate", radius="medium", panel_background="solid")
        ),
    ],
    disable_plugins=[SitemapPlugin],  # a dashboard behind a sign-in has nothing for a search engine
)
