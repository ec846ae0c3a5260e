"""The web as a running process uses it."""

from chatbot_saas.adapters.web.client import HttpWeb, Limits
from chatbot_saas.adapters.web.guard import AllowedHosts
from chatbot_saas.core.settings import Settings


def make_web(settings: Settings) -> HttpWeb:
    """Needs a running event loop. ValueError when CRAWL_ALLOW_HOSTS cannot be read."""
    return HttpWeb(
        settings.data_dir / "fetched",
        allowed=AllowedHosts.parse(settings.crawl_allow_hosts),
        limits=Limits(max_bytes=settings.upload_max_bytes),
        contact=settings.public_url,
    )
