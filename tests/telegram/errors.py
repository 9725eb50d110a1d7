"""The refusals of the Bot API, in the words of Telegram's own server.

Raised anywhere below `botapi`, which alone turns them into an answer.
"""


class ApiError(Exception):
    """A refusal: HTTP status, description, `parameters`; `after` seconds pass before it is sent."""

    def __init__(self, code, description, after=0.0, **parameters):
        super().__init__(description)
        self.code = code
        self.description = description
        self.after = after
        self.parameters = parameters

    def body(self):
        answer = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


class TornConnectionError(Exception):
    """The connection is to be closed, or is closed already, without an answer."""


def bad_request(what, **parameters):
    return ApiError(400, f"Bad Request: {what}", **parameters)


def forbidden(what):
    return ApiError(403, f"Forbidden: {what}")


def not_found(what=""):
    return ApiError(404, f"Not Found: {what}" if what else "Not Found")


def unauthorized():
    return ApiError(401, "Unauthorized")


def too_many_requests(seconds):
    return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
