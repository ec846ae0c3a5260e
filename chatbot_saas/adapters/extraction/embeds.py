"""What a page holds of chat widgets, and what could keep one from working."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from chatbot_saas.adapters.extraction.web import parse_page

READER = "chatbot_saas.adapters.extraction.embeds:read_embeds"
_LOADER = re.compile(r"/widget/(?:v\d+/)?chatbot-widget\.js(?:[?#]|$)")
_FRAME = re.compile(r"/widget/(?:(?:v\d+/)?frame(?:[?#]|$)|chat/[0-9a-f-]{36})", re.IGNORECASE)
_SETTINGS = re.compile(r"\bchatbotWidget\s*=\s*\{([^}]*)\}")
_SETTING = re.compile(r"""["']?(botId|mode|target)["']?\s*:\s*["']([^"']*)["']""")
_ID = re.compile(r"#([\w-]+)")
_TAG_MANAGER = re.compile(
    r"googletagmanager\.com/(?:gtm|gtag)|/matomo|container_[\w-]+\.js|tags\.tiqcdn\.com", re.IGNORECASE
)
_RUNS = frozenset({"", "module", "text/javascript", "application/javascript", "text/ecmascript"})
_MOST = 50
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class ScriptTag:
    """A tag of the loader, with what the page's `window.chatbotWidget` says where the tag says nothing.

    `src` is absolute; `runs` False: its type keeps it from being run, as consent tools do.
    """

    src: str
    bot_id: str
    nonce: str
    runs: bool
    inline: bool = False
    """The chat stands in the page, without a launcher."""
    target: str = ""
    """Inline: the selector of its place."""
    place_found: bool = True
    """False: the page as it is served has no element with that id; a script may still make one."""


@dataclass(frozen=True, slots=True)
class PageEmbeds:
    scripts: tuple[ScriptTag, ...]
    frames: tuple[str, ...]
    """Addresses of iframes that show a chat; absolute."""
    named: bool
    """A script within the page names the loader: it is added by code."""
    tag_manager: bool
    policies: tuple[str, ...]
    """Of <meta http-equiv="Content-Security-Policy">."""
    in_comment: bool
    """The loader's name stands in a comment or a <noscript>, and nowhere else."""


def read_embeds(path: str, url: str, charset: str) -> PageEmbeds:
    """Runs in a worker process, as `page.read_page` does. Raises ExtractionError."""
    data = Path(path).read_bytes()
    tree = parse_page(data, charset)
    if tree is None:
        return PageEmbeds((), (), False, False, (), False)
    base = next((node.get("href") for node in tree.iter("base") if node.get("href")), "")
    here = _absolute(base, url)
    scripts = [node for node in tree.iter("script") if not _within(node, "noscript")]
    settings: dict[str, str] = {}
    for found in _SETTINGS.findall("\n".join(node.text or "" for node in scripts)):
        settings |= dict(_SETTING.findall(found))
    ids = {node.get("id") for node in tree.iter() if node.get("id")}
    tags = tuple(_tag(node, here, settings, ids) for node in scripts if _LOADER.search(node.get("src") or ""))[:_MOST]
    named = any("chatbot-widget.js" in (node.text or "") for node in scripts)
    return PageEmbeds(
        scripts=tags,
        frames=tuple(
            _absolute(node.get("src"), here) for node in tree.iter("iframe") if _FRAME.search(node.get("src") or "")
        )[:_MOST],
        named=named,
        tag_manager=any(_TAG_MANAGER.search((node.get("src") or "") + (node.text or "")) for node in scripts),
        policies=tuple(
            (node.get("content") or "")
            for node in tree.iter("meta")
            if (node.get("http-equiv") or "").lower() == "content-security-policy"
        )[:_MOST],
        in_comment=not tags and not named and b"chatbot-widget.js" in data,
    )


def _tag(node: Any, base: str, settings: dict[str, str], ids: set[str]) -> ScriptTag:
    def said(attribute: str, name: str) -> str:
        return (node.get(attribute) or settings.get(name, "")).strip()[:200]

    target = said("data-target", "target")
    named = _ID.fullmatch(target)
    return ScriptTag(
        src=_absolute(node.get("src"), base),
        bot_id=said("data-bot-id", "botId"),
        nonce=(node.get("nonce") or "")[:200],
        runs=(node.get("type") or "").strip().lower() in _RUNS,
        inline=said("data-mode", "mode") == "inline",
        target=target,
        place_found=not named or named[1] in ids,
    )


def _absolute(address: str, base: str) -> str:
    try:
        return urljoin(base, address.strip())[:_LONGEST]
    except ValueError:
        return ""


def _within(node: Any, tag: str) -> bool:
    return any(parent.tag == tag for parent in node.iterancestors())
