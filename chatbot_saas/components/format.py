"""Numbers and dates as the reader's browser writes them: in their language and their time zone."""

from typing import Any

import reflex as rx
from reflex.vars import VarData

# `new Date` of all browsers reads the `T` form only; Python's text form has a space
_DATE = "(new Date(String({0} ?? '').replace(' ', 'T')))"


def _text(expression: str, value: Any) -> rx.Var[str]:
    var = rx.Var.create(value)
    return rx.Var(_js_expr=expression.format(str(var)), _var_type=str, _var_data=var._get_all_var_data())


def date_time(value: Any) -> rx.Component:
    """`21 Nov 2026, 14:05`"""
    shown = (
        "({0} ? new Intl.DateTimeFormat(undefined, {{dateStyle: 'medium', timeStyle: 'short'}}).format("
        + _DATE
        + ") : '')"
    )
    return rx.el.time(_text(shown, value), date_time=_text("String({0} ?? '')", value))


def ago(value: Any) -> rx.Component:
    """`3 minutes ago`, with the exact time on hover."""
    relative = (
        "({0} ? ((s) => {{ const f = new Intl.RelativeTimeFormat(undefined, {{numeric: 'auto'}});"
        " const a = Math.abs(s);"
        " return a < 45 ? 'just now' : a < 2700 ? f.format(Math.round(s / 60), 'minute')"
        " : a < 72000 ? f.format(Math.round(s / 3600), 'hour')"
        " : a < 2160000 ? f.format(Math.round(s / 86400), 'day')"
        " : f.format(Math.round(s / 2592000), 'month'); }})((" + _DATE + " - Date.now()) / 1000) : '')"
    )
    exact = "({0} ? " + _DATE + ".toLocaleString() : '')"
    return rx.el.time(_text(relative, value), title=_text(exact, value), date_time=_text("String({0} ?? '')", value))


def number(value: Any) -> rx.Var[str]:
    """`12,345`"""
    return _text("new Intl.NumberFormat().format(Number({0} ?? 0))", value)


def money(value: Any) -> rx.Var[str]:
    """Dollars; small sums keep the digits that tell them from nothing."""
    return _text(
        "((n) => new Intl.NumberFormat(undefined, {{style: 'currency', currency: 'USD',"
        " currencyDisplay: 'narrowSymbol', minimumFractionDigits: 2,"
        " maximumFractionDigits: n > 0 && n < 0.1 ? 5 : 2}}).format(n))(Number({0} ?? 0))",
        value,
    )


def size(value: Any) -> rx.Var[str]:
    """Bytes as `1.2 MB`."""
    return _text(
        "((n) => n < 1000 ? n + ' B' : n < 1e6 ? (n / 1e3).toFixed(n < 1e4 ? 1 : 0) + ' kB'"
        " : (n / 1e6).toFixed(1) + ' MB')(Number({0} ?? 0))",
        value,
    )


def count(value: Any, noun: str) -> rx.Var[str]:
    """`1 document`, `12,345 documents`"""
    words = f"(Number({{0}}) === 1 ? ' {noun}' : ' {noun}s')"
    return _text("(new Intl.NumberFormat().format(Number({0} ?? 0)) + " + words + ")", value)


def duration(begin: Any, end: Any) -> rx.Var[str]:
    """`0.4 s`, `12 s`, `3 min 5 s`; without an end, until now; nothing without a beginning."""
    first, last = rx.Var.create(begin), rx.Var.create(end)
    spent = f"({last!s} ? {_DATE.format(str(last))} : Date.now()) - {_DATE.format(str(first))}"
    shown = (
        f"({first!s} ? ((ms) => ms < 9950 ? (Math.max(ms, 0) / 1000).toFixed(1) + '\\u00a0s'"
        " : ms < 59500 ? Math.round(ms / 1000) + '\\u00a0s'"
        " : Math.floor(ms / 60000) + '\\u00a0min ' + Math.floor((ms % 60000) / 1000) + '\\u00a0s')"
        f"({spent}) : '')"
    )
    return rx.Var(
        _js_expr=shown, _var_type=str, _var_data=VarData.merge(first._get_all_var_data(), last._get_all_var_data())
    )
