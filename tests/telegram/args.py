"""The parameters of one Bot API request, whichever way a client wrote them down.

Telegram takes them from the query string, a form, multipart or JSON, and a nested value may come
as JSON or as a string that holds JSON. Used by `botapi` and the methods.
"""

import json
from dataclasses import dataclass

from .errors import bad_request

MOST_BODY = 60_000_000


@dataclass
class Upload:
    name: str
    data: bytes
    mime: str


class Args:
    def __init__(self, values, files=None):
        self.values = values
        self.files = files or {}

    @classmethod
    def of(cls, request):
        """Reads a werkzeug Request; later sources win: query, form, JSON."""
        request.max_form_memory_size = MOST_BODY
        values = dict(request.args.items())
        if (request.mimetype or "") == "application/json":
            values |= _json_body(request.get_data())
        else:
            values |= dict(request.form.items())
        files = {
            key: Upload(part.filename or key, part.read(), part.mimetype or "")
            for key, part in request.files.items()
        }
        return cls(values, files)

    def plain(self):
        """For the log of calls: decoded values, files by name and size."""
        shown = {key: self.json(key, strict=False) for key in self.values}
        for key, upload in self.files.items():
            shown[key] = {"file_name": upload.name, "size": len(upload.data)}
        return shown

    def has(self, name):
        return self.values.get(name) not in (None, "")

    def text(self, name, default=""):
        value = self.values.get(name)
        if value is None:
            return default
        return value if isinstance(value, str) else json.dumps(value)

    def integer(self, name, default=0, least=None, most=None):
        try:
            value = int(self.values.get(name, default))
        except (TypeError, ValueError):
            value = default
        value = value if least is None else max(value, least)
        return value if most is None else min(value, most)

    def flag(self, name):
        return str(self.values.get(name, "")).lower() in ("true", "yes", "1")

    def json(self, name, strict=True):
        """The decoded value, None when absent; a string that is no JSON is 400 if `strict`."""
        value = self.values.get(name)
        if not isinstance(value, str) or (strict and not value):
            return None if value == "" else value
        if not strict and value[:1] not in ("{", "["):
            return value
        try:
            return json.loads(value)
        except ValueError:
            if not strict:
                return value
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None


def _json_body(data):
    if not data.strip():
        return {}
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise bad_request("can't parse JSON body")
    return body
