"""Why a web address gave nothing. Each message is for the customer who named it: the reason, then what to do."""

from typing import ClassVar

from chatbot_saas.core.errors import InvalidError


class WebError(InvalidError):
    """This page could not be fetched. Open the address in a browser and check that it shows what you expect."""

    code = "web_failed"
    retryable: ClassVar[bool] = False
    """Whether the same request can succeed later without anybody changing anything."""

    def __init__(self, message: str | None = None, *, retry_after: float = 0.0, **details: object) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after
        """Seconds that the website asks to wait; 0 when it says nothing."""


class AddressInvalidError(WebError):
    """This is not a complete web address. Write it as in a browser: https://www.example.com/page"""

    code = "web_address_invalid"


class AddressForbiddenError(WebError):
    """This address does not lead to a public website. Only http and https pages on the public internet can be read."""

    code = "web_address_forbidden"


class PortForbiddenError(AddressForbiddenError):
    """Only the usual ports, 80 and 443, are read. Leave the port out, or ask the operator to allow it."""

    code = "web_port_forbidden"


class NameNotFoundError(WebError):
    """No website has this name. Check the spelling of the address."""

    code = "web_name_not_found"


class ResolverFailedError(WebError):
    """The name of the website could not be looked up just now. It is tried again later."""

    code = "web_name_lookup_failed"
    retryable = True


class UnreachableError(WebError):
    """The website does not answer. Check that it is online; it is tried again later."""

    code = "web_unreachable"
    retryable = True


class TimedOutError(WebError):
    """The website took too long to send the page. Check that it is online; it is tried again later."""

    code = "web_timeout"
    retryable = True


class TlsError(WebError):
    """The website's certificate is not valid, so the connection is not safe. Ask its owner to renew the certificate."""

    code = "web_tls"


class TooLargeError(WebError):
    """The page is too large. Name smaller pages, or download the file, split it and upload the parts."""

    code = "web_too_large"


class TooManyRedirectsError(WebError):
    """The address leads from one address to the next without end. Name the address that the browser shows at last."""

    code = "web_redirects"


class RedirectInvalidError(WebError):
    """The page forwards to an address that is not valid. Name the address that the browser shows at last."""

    code = "web_redirect_invalid"


class RobotsForbiddenError(WebError):
    """The website's robots.txt asks programs not to read this page. If the website is yours, allow it there."""

    code = "web_robots"


class RobotsUnavailableError(WebError):
    """The website's robots.txt cannot be read because of an error there, so the page is left alone until it can."""

    code = "web_robots_unavailable"
    retryable = True


class AnswerUnreadableError(WebError):
    """The website's answer breaks the rules of HTTP, or ended early. Open the page in a browser to see if it works."""

    code = "web_answer_unreadable"
    retryable = True


class TypeUnreadableError(WebError):
    """What is at this address is neither a page nor a document that can be read, such as a picture or a film."""

    code = "web_type_unreadable"


class StatusError(WebError):
    """The website refused to give this page."""

    code = "web_status"

    def __init__(
        self, status_code: int, message: str | None = None, *, retry_after: float = 0.0, **details: object
    ) -> None:
        super().__init__(message, retry_after=retry_after, status_code=status_code, **details)
        self.status_code = status_code
        """The HTTP status that the website sent."""

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.status_code, self.message)


class PageGoneError(StatusError):
    """There is no page at this address (any more). Check the spelling, or remove it here."""

    code = "web_gone"


class PageLockedError(StatusError):
    """The website does not let programs read this page: it wants a sign-in, or blocks robots. Ask whoever runs it."""

    code = "web_locked"


class TooBusyError(StatusError):
    """The website receives too many requests and asks to wait. It is tried again later."""

    code = "web_busy"
    retryable = True


class SiteBrokenError(StatusError):
    """The website has an error of its own at this page. It is tried again later."""

    code = "web_site_broken"
    retryable = True


def status_error(status: int, retry_after: float = 0.0) -> StatusError:
    """The error for an HTTP `status` that is neither a success nor a redirect."""
    if status in (404, 410):
        return PageGoneError(status)
    if status in (401, 402, 403, 407, 451):
        return PageLockedError(status)
    if status == 429 or (status == 503 and retry_after):
        return TooBusyError(status, retry_after=retry_after)
    if status >= 500 or status in (408, 425):
        return SiteBrokenError(status, retry_after=retry_after)
    return StatusError(status, f"The website refused to give this page (status {status}). Open it in a browser.")
