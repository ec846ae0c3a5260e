"""Sign-in and sign-up. Plain forms that assets/auth.js sends to the API: no password passes through State."""

from typing import Any

import reflex as rx

from chatbot_saas.components.brand import mark
from chatbot_saas.components.tokens import PRODUCT, PROMISE


def _input(
    name: str, label: str, kind: Any, autocomplete: str, *, hint: str = "", aside: rx.Component | None = None
) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.label(label, html_for=name, class_name="text-sm font-medium"),
            aside if aside is not None else rx.fragment(),
            class_name="flex items-baseline justify-between",
        ),
        rx.el.input(
            id=name,
            name=name,
            type=kind,
            auto_complete=autocomplete,
            required=True,
            aria_describedby=f"{name}-note",
            class_name="plain-input",
        ),
        rx.el.p(hint, id=f"{name}-note", custom_attrs={"data-hint": hint}, class_name="field-hint", aria_live="polite"),
        class_name="flex flex-col gap-1.5",
    )


def _password(autocomplete: str, hint: str = "") -> rx.Component:
    reveal = rx.el.button(
        "Show",
        type="button",
        custom_attrs={"data-reveal": "password", "aria-pressed": "false", "aria-label": "Show the password"},
        class_name="text-[13px] text-[var(--accent-11)] cursor-pointer px-1",
    )
    return _input("password", "Password", "password", autocomplete, hint=hint, aside=reveal)


def _form(kind: str, then: str, button: str, busy: str, *fields: rx.Component) -> rx.Component:
    return rx.el.form(
        rx.el.div(
            role="alert",
            hidden=True,
            custom_attrs={"data-problem": ""},
            class_name="rounded-lg px-3.5 py-2.5 text-sm bg-[var(--red-a3)] text-[var(--red-11)]",
        ),
        *fields,
        rx.el.button(button, type="submit", custom_attrs={"data-busy": busy}, class_name="plain-button mt-1"),
        no_validate=True,
        method="post",
        custom_attrs={"data-auth": kind, "data-then": then},
        class_name="flex flex-col gap-4",
    )


def _frame(title: str, text: str, form: rx.Component, other: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.el.main(
            rx.el.div(mark(28), PRODUCT, class_name="flex items-center gap-2.5 text-lg font-semibold tracking-tight"),
            rx.el.div(
                rx.el.div(
                    rx.heading(title, as_="h1", size="7", class_name="tracking-[-0.025em]"),
                    rx.text(text, size="3", class_name="text-[var(--ink-soft)]"),
                    class_name="flex flex-col gap-2",
                ),
                form,
                other,
                class_name="w-full max-w-[400px] flex flex-col gap-7 my-auto py-10",
            ),
            class_name="flex flex-col items-start px-6 sm:px-12 lg:px-20 py-8 min-h-dvh w-full "
            "[&>div:last-child]:mx-auto lg:[&>div:last-child]:mx-0",
        ),
        _promise(),
        class_name="shell grid lg:grid-cols-[minmax(480px,1fr)_minmax(0,1.1fr)]",
    )


def _promise() -> rx.Component:
    """What the product does, shown by an answer rather than told."""
    return rx.el.aside(
        rx.el.div(
            rx.el.p(PROMISE, class_name="text-[34px] leading-[1.15] font-semibold tracking-[-0.03em] max-w-[14ch]"),
            rx.el.p(
                "Upload your documents, paste one line of HTML, and your website answers questions with the page it "
                "read them on.",
                class_name="text-[17px] leading-7 text-white/80 max-w-[44ch]",
            ),
            rx.el.div(
                rx.el.p(
                    "Can I return a plant that arrived damaged?",
                    class_name="self-end rounded-2xl rounded-br-md bg-white text-[#26235f] px-4 py-2.5 text-[15px]",
                ),
                rx.el.p(
                    "Yes. Send us a photo within 14 days and we replace it free of charge.",
                    rx.el.sup("1", class_name="ml-0.5 font-semibold text-[#ffd166]"),
                    class_name="self-start rounded-2xl rounded-bl-md bg-white/15 px-4 py-2.5 text-[15px] leading-6",
                ),
                rx.el.p(
                    rx.el.span("1", class_name="text-[#ffd166] font-semibold"),
                    "Delivery and returns.pdf, page 3",
                    class_name="flex gap-2 text-[13px] text-white/75 pl-1",
                ),
                class_name="promise-card flex flex-col gap-3 p-5 max-w-[460px] w-full",
                aria_hidden="true",
            ),
            rx.el.ul(
                *[
                    rx.el.li(
                        rx.icon("check", size=17, class_name="text-[#ffd166] shrink-0 mt-0.5", aria_hidden="true"), text
                    )
                    for text in (
                        "Says so when your sources do not hold the answer",
                        "Runs on your own machine, with your own model key",
                        "From sign-up to your website in under five minutes",
                    )
                ],
                class_name="flex flex-col gap-2.5 text-[15px] text-white/85 [&>li]:flex [&>li]:gap-2.5",
            ),
            class_name="flex flex-col gap-8 max-w-[520px] my-auto",
        ),
        class_name="promise hidden lg:flex flex-col px-16 xl:px-24 py-12 min-h-dvh",
        aria_label="About the product",
    )


def _other(question: str, link: str, href: str) -> rx.Component:
    return rx.text(
        question, " ", rx.link(link, href=href, weight="medium"), size="2", class_name="text-[var(--ink-soft)]"
    )


@rx.page(route="/sign-in", title=f"Sign in · {PRODUCT}")
def sign_in() -> rx.Component:
    return _frame(
        "Welcome back",
        "Sign in to your bots.",
        _form(
            "sign-in",
            "/",  # leads on to where this person's work is
            "Sign in",
            "Signing in…",
            _input("email", "E-mail address", "email", "username"),
            _password("current-password"),
        ),
        _other("New here?", "Create an account", "/sign-up"),
    )


@rx.page(route="/sign-up", title=f"Create an account · {PRODUCT}")
def sign_up() -> rx.Component:
    return _frame(
        "Create your account",
        "Your first bot can answer from your documents in five minutes.",
        _form(
            "sign-up",
            "/bots/new",
            "Create account",
            "Creating your account…",
            _input("tenant_name", "Company or team", "text", "organization"),
            _input("email", "Work e-mail", "email", "username"),
            _password("new-password", hint="At least 10 characters."),
        ),
        _other("Have an account?", "Sign in", "/sign-in"),
    )
