"""How the chat stands on a website while it is closed."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from chatbot_saas.schemas.base import Request, Storable


def _path(value: str) -> str:
    path = value.strip()
    if not path.startswith(("/", "*")) or not path.isprintable() or "?" in path or "#" in path:
        raise ValueError(f"{value!r} is no path. It looks like /checkout or /account/*, without ? and #.")
    return path


Offset = Annotated[int, Field(ge=0, le=200)]
Line = StringConstraints(strip_whitespace=True)
PathPattern = Annotated[str, Field(max_length=100), Storable, AfterValidator(_path)]


class Launcher(Request):
    corner: Literal["bottom-right", "bottom-left", "top-right", "top-left"] = "bottom-right"
    x: Offset = 20
    """Pixels from the side, so that nothing of the page is covered."""
    y: Offset = 20
    icon: Literal["bubble", "question", "none"] = "bubble"
    """none only beside a label."""
    label: Annotated[str, Line, Field(max_length=24), Storable] = ""
    """A word or two beside the icon."""
    message: Annotated[str, Line, Field(max_length=160), Storable] = ""
    """Shown beside the launcher once in a visitor's session; empty for none."""
    delay: Annotated[int, Field(ge=0, le=600)] = 5
    """Seconds until then."""
    hidden: Annotated[list[PathPattern], Field(max_length=10)] = []
    """Paths of pages without a launcher; `/account/*` is /account and all below it."""

    def public(self) -> dict[str, Any]:
        """What the widget is told: what differs from the usual, in one request of at most 1 KB."""
        told = self.model_dump(exclude_defaults=True)
        if told.get("icon") == "none" and not self.label:
            del told["icon"]
        return told | ({"delay": self.delay} if self.message else {})
