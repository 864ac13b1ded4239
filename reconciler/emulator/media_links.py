"""Temporary urls of files, which whoever knows them may read: signed, and valid for five minutes."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from urllib.parse import urlencode

from reconciler.emulator.decisions import DIRECT_SECONDS
from reconciler.emulator.records import Media
from reconciler.emulator.store import Store

PATH: Final = "/direct/{service}/{media}"


def link(origin: str, store: Store, media: Media) -> str:
    """Return a url of the content of *media*."""
    path = PATH.format(service=media.service_sid, media=media.sid)
    expires = str(int(store.clock().timestamp()) + DIRECT_SECONDS)
    return f"{origin}{path}?{urlencode({'Expires': expires, 'Signature': sign(store, path, expires)})}"


def sign(store: Store, path: str, expires: str) -> str:
    """Return the signature of a url with this *path* that ends at *expires*, in epoch seconds."""
    return hmac.new(store.store_id.encode(), f"{path}:{expires}".encode(), hashlib.sha256).hexdigest()
