"""Where answers may link to, and what takes every other link and all images out of them."""

from chatbot_saas.services.links.allowed import AllowedLinks
from chatbot_saas.services.links.filter import LinkFilter, clean
from chatbot_saas.services.links.grammar import LIMIT
from chatbot_saas.services.links.reader import REMOVED

__all__ = ["LIMIT", "REMOVED", "AllowedLinks", "LinkFilter", "clean"]
