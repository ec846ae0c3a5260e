"""How to reach a visitor who left a message."""

from typing import Any

import reflex as rx

from chatbot_saas.schemas.leads import LeadRead


def who(item: LeadRead) -> Any:
    """Their name, or what they gave instead."""
    reached = rx.cond(item.email, item.email, rx.cond(item.phone, item.phone, "A visitor"))
    return rx.cond(item.name, item.name, reached)


def reachable(item: LeadRead) -> rx.Var[bool]:
    """Whether they gave an address or a number."""
    given: Any = rx.Var.create(item.email).to(bool) | rx.Var.create(item.phone).to(bool)
    return given


def contact(item: LeadRead) -> rx.Component:
    """The address and the number, as links that begin a mail and a call."""
    return rx.fragment(
        rx.cond(item.email, _link(item.email, _mail_to(item.email))),
        rx.cond(item.phone, _link(item.phone, rx.Var.create(f"tel:{item.phone}"))),
    )


def _mail_to(email: Any) -> rx.Var[str]:
    """What a visitor wrote must not add a receiver or a subject."""
    address = rx.Var.create(email)
    return rx.Var(
        _js_expr=f"('mailto:' + String({address!s} ?? '').replace(/[^\\w@.+-]/g, encodeURIComponent))",
        _var_type=str,
        _var_data=address._get_all_var_data(),
    )


def _link(text: Any, href: Any) -> rx.Component:
    return rx.el.a(
        text,
        href=href,
        class_name="block w-fit max-w-full whitespace-normal [overflow-wrap:anywhere] text-[var(--accent-11)] "
        "hover:underline",
    )
