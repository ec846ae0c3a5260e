"""The pages that a preview of a website found, to choose from: on the knowledge page and before a bot is made."""

import reflex as rx

from chatbot_saas.components.page_choice import page_choice
from chatbot_saas.state.site_preview import SitePreviewState


def found_pages() -> rx.Component:
    state = SitePreviewState
    return page_choice(
        pages=state.pages,
        found=state.found,
        chosen=state.chosen,
        matching=state.matching,
        more=state.more,
        words=state.words,
        searching=state.searching,
        stopped=state.stopped,
        on_words=state.filter_pages,
        on_all=state.choose_all,
        on_toggle=state.toggle,
        on_more=state.show_more,
        on_stop=state.stop,
    )
