"""Photos and documents: sending them, and getFile. Downloads are served by `botapi`."""

import struct

from ..args import Upload
from ..errors import bad_request
from .messages import formatted, put
from .registry import method

_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_LARGEST_DOWNLOAD = 20 * 1024 * 1024


@method("sendDocument")
def send_document(call):
    stored = _stored(call, "document", "documents")
    return put(call, {"document": document(stored), **formatted(call, "caption")})


@method("sendPhoto")
def send_photo(call):
    stored = _stored(call, "photo", "photos")
    if not stored.data.startswith(_IMAGES):
        raise bad_request("IMAGE_PROCESS_FAILED")
    return put(call, {"photo": photo(stored), **formatted(call, "caption")})


@method("getFile")
def get_file(call):
    stored = call.world.files.get(call.args.text("file_id"))
    if stored is None:
        raise bad_request("invalid file_id")
    if len(stored.data) > _LARGEST_DOWNLOAD:
        raise bad_request("file is too big")
    return {**_named(stored), "file_path": stored.path}


def document(stored):
    """A Document as messages carry it."""
    mime = {"mime_type": stored.mime} if stored.mime else {}
    return {"file_name": stored.name, **mime, **_named(stored)}


def photo(stored):
    """The PhotoSizes as messages carry them; only the one size is kept."""
    width, height = _size(stored.data)
    return [{**_named(stored), "width": width, "height": height}]


def _named(stored):
    return {
        "file_id": stored.id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
    }


def _size(data):
    if data.startswith(_IMAGES[0]) and len(data) >= 24:
        return struct.unpack(">II", data[16:24])
    return 640, 640  # of other formats nobody asked so far


def _stored(call, field, folder):
    upload = call.args.files.get(field) or _attached(call, field)
    if isinstance(upload, Upload):
        if not upload.data:
            raise bad_request("file must be non-empty")
        with call.world.changed:
            return call.world.keep_file(upload, folder)
    given = call.args.text(field)
    if given in call.world.files:
        return call.world.files[given]
    if not given:
        raise bad_request(f"there is no {field} in the request")
    if given.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")  # the simulator fetches nothing
    raise bad_request("wrong remote file identifier specified: Wrong string length")


def _attached(call, field):
    name = call.args.text(field)
    return call.args.files.get(name.removeprefix("attach://")) if name else None
