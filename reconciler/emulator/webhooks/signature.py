"""The header `X-Twilio-Signature`."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping


def sign(url: str, parameters: Mapping[str, str], auth_token: str) -> str:
    """Return the signature of a webhook to *url*, with these *parameters* in its body."""
    signed = url + "".join(name + parameters[name] for name in sorted(parameters))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
