"""Receipts of deletions, as the pages show them."""

from typing import Any

import reflex as rx
from pydantic import BaseModel, ConfigDict

from chatbot_saas.schemas.receipts import Receipt, Removed

_COUNTED = {
    "rows": ("row", "rows"),
    "chunks": ("passage", "passages"),
    "vectors": ("vector", "vectors"),
    "blobs": ("stored file", "stored files"),
    "cache": ("answer in memory", "answers in memory"),
}


class ReceiptView(BaseModel):
    """An open receipt, and its text as it is copied and checked."""

    model_config = ConfigDict(frozen=True)

    receipt: Receipt
    text: str


def view_of(receipt: Receipt) -> ReceiptView:
    return ReceiptView(receipt=receipt, text=receipt.model_dump_json(indent=2))


def download(view: ReceiptView | None) -> Any:
    """As a file, if one is open."""
    if view is None:
        return None
    return rx.download(data=view.text, filename=f"deletion-{view.receipt.kind}-{view.receipt.id}.json")


def deleted_toast(title: str, receipt: Receipt, where: str = "in the audit") -> Any:
    """What was removed, and whether it is gone everywhere already; `where` the receipt is found."""
    if receipt.verified:
        description = f"{told(receipt.removed)} Searched again: nothing is left. The receipt is {where}."
        return rx.toast.success(title, description=description)
    description = f"{told(receipt.removed)} The rest is cleared by a job; the receipt {where} says when it is done."
    return rx.toast.info(title, description=description)


def told(removed: Removed) -> str:
    parts = [
        f"{count:,} {names[count != 1]}" for field, names in _COUNTED.items() if (count := getattr(removed, field))
    ]
    return f"Removed: {', '.join(parts)}."
