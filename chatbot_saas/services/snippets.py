"""The lines that put a bot on a website, by what the website is made with."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from chatbot_saas.schemas.embed import Snippet


@dataclass(frozen=True, slots=True)
class Place:
    """`here` is our own address, without a slash at its end."""

    here: str
    bot_id: UUID

    @property
    def loader(self) -> str:
        return f"{self.here}/widget/v1/chatbot-widget.js"

    @property
    def frame(self) -> str:
        return f"{self.here}/widget/v1/frame?bot_id={self.bot_id}"

    @property
    def link(self) -> str:
        """The chat on a page of its own."""
        return f"{self.here}/widget/chat/{self.bot_id}"

    @property
    def sample(self) -> str:
        """A page of an imaginary shop with the chat on it."""
        return f"{self.here}/widget/v1/demo?bot_id={self.bot_id}"

    @property
    def line(self) -> str:
        return f'<script src="{self.loader}" data-bot-id="{self.bot_id}" defer></script>'


def of(place: Place) -> list[Snippet]:
    """Every way, the usual one first."""
    return [Snippet(name=name, title=title, note=note, code=make(place)) for name, title, note, make in _WAYS]


def _frame(place: Place) -> str:
    return (
        f'<iframe src="{place.frame}" title="Chat" loading="lazy" '
        'style="width:100%;max-width:420px;height:640px;border:0"></iframe>'
    )


def _react(place: Place) -> str:
    return f"""import {{ useEffect }} from "react";

export function Chat() {{
  useEffect(() => {{
    const script = document.createElement("script");
    script.src = "{place.loader}";
    script.dataset.botId = "{place.bot_id}";
    document.body.append(script);
    return () => {{
      window.ChatbotWidget?.destroy("{place.bot_id}");
      script.remove();
    }};
  }}, []);
  return null;
}}"""


def _wordpress(place: Place) -> str:
    return f"""add_action('wp_footer', function () {{
    echo '{place.line}';
}});"""


def _tag_manager(place: Place) -> str:
    """By code: the tag manager drops `data-` attributes of tags that it inserts."""
    return f"""<script>
  (function () {{
    var script = document.createElement("script");
    script.src = "{place.loader}";
    script.setAttribute("data-bot-id", "{place.bot_id}");
    document.body.appendChild(script);
  }})();
</script>"""


def _inline(place: Place) -> str:
    made = place.line.replace(" defer", ' data-mode="inline" data-target="#chat" defer')
    return f'<div id="chat" style="height:640px"></div>\n{made}'


def _line(place: Place) -> str:
    return place.line


def _link(place: Place) -> str:
    return place.link


_WAYS: tuple[tuple[str, str, str, Callable[[Place], str]], ...] = (
    ("script", "Any website", "Just before </body>, on every page that should have the chat.", _line),
    ("inline", "In the page", "Where the chat should stand, as high as that element; without a launcher.", _inline),
    (
        "iframe",
        "A frame",
        "Where no script may run.",
        _frame,
    ),
    ("react", "React", "Put <Chat /> once into the outermost component.", _react),
    (
        "wordpress",
        "WordPress",
        "At the end of functions.php of your (child) theme. With a plugin for code in the footer, paste the line for "
        "any website there instead.",
        _wordpress,
    ),
    (
        "shopify",
        "Shopify",
        "Online Store › Themes › Edit code › theme.liquid, just before </body>.",
        _line,
    ),
    (
        "gtm",
        "Tag Manager",
        "A new tag of the type Custom HTML, with the trigger All Pages. Publish the container.",
        _tag_manager,
    ),
    ("link", "A link", "Opens the chat on a page of its own: for an e-mail, a QR code or a message.", _link),
)
