"""Manifests that several tests apply, and the application that changes what one of them declares."""

from __future__ import annotations

ONE_OF_EACH = """\
version: 1
services:
  support:
    conversations:
      order-1:
        messages:
          - {key: hello, author: alice, body: Hello there, attributes: {importance: low, seen: [1, 2]}}
          - {key: how, author: bob, body: 'How can I help?'}
          - {key: bye, author: alice, body: 'Never mind, bye'}
"""
SUPPORT = """\
version: 1
services:
  support:
    friendly_name: Support
    conversations:
      order-1:
        messages:
          - {key: welcome, author: system, body: Welcome!}
          - {key: question, author: alice, body: 'Where is my order?'}
          - {key: answer, author: bob, body: Let me look.}
"""
CHANGING = """\
import base64
import http.client
import urllib.parse

AUTHORIZATION = "Basic " + base64.b64encode(b"AC00000000000000000000000000000000:any").decode()

def change(world, body):
    application = http.client.HTTPConnection(urllib.parse.urlsplit(world.base_url).netloc)
    path = f"/v1/Services/{world.sid('support')}/Conversations/{world.sid('support/order-1')}/Messages"
    form = urllib.parse.urlencode({"Author": "app", "Body": body})
    headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        application.request("POST", path, form, headers)
        assert application.getresponse().status == 201
    finally:
        application.close()
    return world.conversation("support/order-1")
"""
