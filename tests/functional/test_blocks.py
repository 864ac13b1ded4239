"""The blocks `import`, `moved` and `removed` on the command line: one plan, one apply, then nothing to do."""

from __future__ import annotations

from tests.support.golden import expect_golden
from tests.support.manifests import ONE_OF_EACH
from tests.support.project import Project
from tests.support.sdk import client_at, only_conversation

REFACTORED = """\
version: 1
services:
  support:
    conversations:
      first:
        unique_name: order-1
        messages:
          - {key: greeting, author: alice, body: Hello there, attributes: {importance: low, seen: [1, 2]}}
          - {key: how, author: bob, body: 'How can I help?'}
          - {key: note, author: zoe, body: I was here}
          - {key: late, author: zoe, body: And here}
moved:
  - {from: support/order-1, to: support/first}
  - {from: support/first/hello, to: support/first/greeting}
removed:
  - {from: support/first/bye}
import:
  - {to: support/first/note, sid: NOTE}
  - {to: support/first/late, sid: LATE}
"""


def test_a_refactoring_sends_nothing_but_the_one_change(served: Project) -> None:
    """A conversation and a key renamed, a message given up, two taken over, one of which differs."""
    sdk = client_at(served.environ["RECONCILER_ENDPOINT"])
    served.write("manifests/a.yaml", ONE_OF_EACH)
    served.run("apply", "--auto-approve", check=0)
    conversation = only_conversation(sdk)
    note = conversation.messages.create(author="zoe", body="I was here")
    late = conversation.messages.create(author="zoe", body="And there")
    served.write("manifests/a.yaml", REFACTORED.replace("NOTE", note.sid).replace("LATE", late.sid))

    expect_golden(served.run("plan", check=0), "blocks-plan")
    expect_golden(served.run("apply", "--auto-approve", "--format", "json=out.json", check=0), "blocks-apply")
    served.run("plan", "--detailed-exitcode", check=0)
    assert [message.body for message in conversation.messages.list()] == [
        "Hello there",
        "How can I help?",
        "Never mind, bye",
        "I was here",
        "And here",
    ]
