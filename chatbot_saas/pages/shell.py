"""The frame of every dashboard page: sidebar, top bar, the person's menu. `dashboard_page` is the way to add one."""

from collections.abc import Callable, Sequence
from typing import Any

import reflex as rx

from chatbot_saas.components.brand import mark, wordmark
from chatbot_saas.components.feedback import empty_state, trouble
from chatbot_saas.components.layout import bot_avatar, icon_button, link_button
from chatbot_saas.components.tokens import PRODUCT
from chatbot_saas.pages.menus import bot_switcher, user_menu
from chatbot_saas.state.shell import ShellState

Crumb = tuple[Any, str]
"""What it says and where it leads."""


def dashboard_page(
    route: str,
    title: str,
    *,
    section: str,
    on_load: Sequence[Any] = (),
    crumbs: Sequence[Crumb] = (),
    wide: bool = False,
) -> Callable[[Callable[[], rx.Component]], Callable[[], rx.Component]]:
    """Register a page inside the frame.

    `section` is the path of the sidebar's entry that is marked. Whoever is not signed in is sent to /sign-in by the
    first handler, which is the frame's own. `wide` is for pages with two columns.
    """

    def decorate(content: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
        def page() -> rx.Component:
            again = [ShellState.load, *on_load]
            return frame(content(), again, section=section, crumbs=[*crumbs, (title, "")], wide=wide)

        page.__name__ = content.__name__
        page.__module__ = content.__module__
        rx.page(route=route, title=f"{title} · {PRODUCT}", on_load=[ShellState.load, *on_load])(page)
        return content

    return decorate


def frame(
    content: rx.Component, again: Sequence[Any], *, section: str, crumbs: Sequence[Crumb], wide: bool = False
) -> rx.Component:
    """`again`: all that opens the page. Whose it is must be known first, or it would look like one for readers only."""
    width = "max-w-[1440px]" if wide else "max-w-[var(--page-width)]"
    return rx.el.div(
        rx.el.a("Skip to the content", href="#content", class_name="skip-link"),
        rx.el.aside(
            _sidebar(section),
            class_name="sidebar hidden lg:flex fixed inset-y-0 left-0 w-[var(--sidebar-width)] flex-col z-30",
            aria_label="Navigation",
        ),
        rx.el.div(
            _topbar(section, crumbs),
            rx.el.main(
                rx.cond(
                    ShellState.problem,
                    rx.fragment(
                        rx.el.h1(crumbs[-1][0], class_name="visually-hidden"),
                        trouble(ShellState.problem, "This page cannot be shown", again),
                    ),
                    content if section.startswith("/admin") else rx.cond(_may_have_tenant(), content, _no_tenant()),
                ),
                id="content",
                tab_index=-1,
                class_name=f"{width} mx-auto w-full px-4 sm:px-6 lg:px-8 py-6 lg:py-8 flex flex-col gap-6 outline-none",
            ),
            class_name="lg:pl-[var(--sidebar-width)] min-w-0",
        ),
        class_name="shell",
    )


def _no_tenant() -> rx.Component:
    return empty_state(
        "building-2",
        "This page belongs to a tenant",
        "You administer the platform and are in no tenant yourself.",
        link_button("All tenants", "/admin/tenants"),
    )


def _topbar(section: str, crumbs: Sequence[Crumb]) -> rx.Component:
    return rx.el.header(
        _drawer(section),
        rx.el.nav(
            rx.el.ol(
                *[_crumb(index, crumb, last=index == len(crumbs) - 1) for index, crumb in enumerate(crumbs)],
                class_name="flex items-center gap-2 text-sm min-w-0",
            ),
            aria_label="Breadcrumb",
            class_name="min-w-0 flex-1",
        ),
        user_menu(compact=True, class_name="lg:hidden"),
        class_name="topbar sticky top-0 z-20 flex items-center gap-3 px-4 sm:px-6 lg:px-8",
    )


def _crumb(index: int, crumb: Crumb, *, last: bool) -> rx.Component:
    text, href = crumb
    slash = (
        rx.el.span("/", class_name="hidden sm:inline text-[var(--gray-8)]", aria_hidden="true")
        if index
        else rx.fragment()
    )
    body = (
        rx.el.span(text, aria_current="page", class_name="font-medium truncate-line")
        if last
        else rx.link(
            text, href=href, underline="hover", color_scheme="gray", class_name="truncate-line text-[var(--ink-soft)]"
        )
    )
    # a phone has room for the last one only
    shown = "flex" if last else "hidden sm:flex"
    return rx.el.li(slash, body, class_name=f"{shown} items-center gap-2 min-w-0")


def _may_have_tenant() -> rx.Var[bool]:
    """Until it is known that this person has none, so that nothing jumps."""
    return ShellState.user.has_tenant | ~ShellState.loaded  # pyright: ignore[reportOperatorIssue, reportReturnType]


def _sidebar(section: str) -> rx.Component:
    return rx.fragment(
        rx.el.div(wordmark(), class_name="flex items-center h-[var(--topbar-height)] px-5 shrink-0"),
        rx.cond(_may_have_tenant(), rx.el.div(bot_switcher(), class_name="px-3 pb-3")),
        _navigation(section),
        rx.el.div(user_menu(), class_name="mt-auto p-3 border-t border-[var(--line)]"),
    )


def _navigation(section: str, *, close: Callable[[rx.Component], rx.Component] = lambda link: link) -> rx.Component:
    def entry(text: str, href: str, icon: str) -> rx.Component:
        return rx.el.li(close(_nav_link(text, href, icon, active=href == section)))

    return rx.el.nav(
        rx.el.ul(
            rx.cond(
                _may_have_tenant(),
                rx.fragment(
                    entry("Overview", "/overview", "layout-dashboard"),
                    entry("Bots", "/bots", "bot"),
                    entry("Conversations", "/conversations", "messages-square"),
                    entry("Messages", "/messages", "mail"),
                    entry("Jobs", "/jobs", "list-checks"),
                    entry("API keys", "/keys", "key-round"),
                    entry("Audit", "/audit", "scroll-text"),
                ),
            ),
            rx.cond(
                ShellState.user.is_platform_admin,
                rx.fragment(
                    rx.el.li(
                        "Platform",
                        class_name="px-2.5 pt-5 pb-1 text-xs font-medium text-[var(--ink-soft)]",
                    ),
                    entry("Tenants", "/admin/tenants", "building-2"),
                    entry("All jobs", "/admin/jobs", "list-checks"),
                ),
            ),
            class_name="flex flex-col gap-0.5",
        ),
        aria_label="Main",
        class_name="px-3 flex-1 overflow-y-auto",
    )


def _nav_link(text: str, href: str, icon: str, *, active: bool) -> rx.Component:
    here: dict[str, Any] = {"aria_current": "page"} if active else {}
    return rx.link(
        rx.icon(icon, size=17, aria_hidden="true"), text, href=href, underline="none", class_name="nav-link", **here
    )


def _drawer(section: str) -> rx.Component:
    """The sidebar of small screens."""
    return rx.drawer.root(
        rx.drawer.trigger(
            icon_button(
                "menu",
                "Open the navigation",
                icon_size=20,
                size="3",
                variant="ghost",
                color_scheme="gray",
                class_name="lg:hidden shrink-0",
            ),
            as_child=True,
        ),
        rx.drawer.overlay(class_name="fixed inset-0 z-40 bg-black/50"),
        rx.drawer.portal(
            rx.drawer.content(
                rx.drawer.title("Navigation", class_name="visually-hidden"),
                rx.drawer.description("The parts of the dashboard", class_name="visually-hidden"),
                rx.el.div(
                    rx.el.div(mark(), PRODUCT, class_name="flex items-center gap-2.5 font-semibold"),
                    rx.drawer.close(
                        icon_button(
                            "x", "Close the navigation", icon_size=18, size="3", variant="ghost", color_scheme="gray"
                        ),
                        as_child=True,
                    ),
                    class_name="flex items-center justify-between h-[var(--topbar-height)] px-5",
                ),
                _navigation(section, close=lambda link: rx.drawer.close(link, as_child=True)),
                rx.el.div(
                    rx.el.p("Bots", class_name="px-2.5 pb-1 text-xs font-medium text-[var(--ink-soft)]"),
                    rx.foreach(ShellState.bots, _drawer_bot),
                    class_name="px-3 pb-4",
                ),
                class_name="sidebar fixed inset-y-0 left-0 w-[284px] max-w-[85vw] z-50 flex flex-col outline-none",
            )
        ),
        direction="left",
    )


def _drawer_bot(bot: Any) -> rx.Component:
    return rx.drawer.close(
        rx.link(
            bot_avatar(bot.name, bot.color, size=22),
            rx.el.span(bot.name, class_name="truncate-line"),
            href=f"/bots/{bot.id}",
            underline="none",
            class_name="nav-link",
        ),
        as_child=True,
    )
