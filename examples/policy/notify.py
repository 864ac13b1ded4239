"""Tell Slack or a mailbox what a plan would change: numbers and addresses, and no text of any message.

The plan comes as JSON on the standard input. Nothing is refused: a message that cannot be sent is an error on
stderr, and the command ends with 0.
"""

import json
import os
import smtplib
import sys
from email.message import EmailMessage
from typing import Any
from urllib.request import Request, urlopen

MOST = 20
"""Addresses that are named; further ones are counted."""
SECONDS = 20


def told(plan: dict[str, Any]) -> tuple[str, str]:
    """Return one line on the plan, and what changes where."""
    counts = plan["summary"]
    numbers = f"{counts['add']} to add, {counts['change']} to change, {counts['destroy']} to destroy"
    changes = [
        f"{' and '.join(one['change']['actions'])} {one['address']}" for one in plan["resource_changes"]
    ]
    more = [f"... and {len(changes) - MOST} more"] if len(changes) > MOST else []
    refusals = [f"refused: {one['text']}" for one in plan["refusals"]]
    return f"reconciler: {numbers}", "\n".join([*changes[:MOST], *more, *refusals])


def slack(subject: str, text: str) -> None:
    """Post it to the incoming webhook at SLACK_WEBHOOK_URL."""
    shown = f"*{subject}*\n{text}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    request = Request(  # noqa: S310 -- the address is ours
        os.environ["SLACK_WEBHOOK_URL"],
        data=json.dumps({"text": shown}).encode(),
        headers={"Content-Type": "application/json"},
    )
    urlopen(request, timeout=SECONDS).close()  # noqa: S310


def email(subject: str, text: str) -> None:
    """Send it from MAIL_FROM to MAIL_TO, by the server MAIL_SERVER (`host` or `host:port`).

    With MAIL_USER and MAIL_PASSWORD the connection is encrypted before they are sent.
    """
    message = EmailMessage()
    message["From"], message["To"] = os.environ["MAIL_FROM"], os.environ["MAIL_TO"]
    message["Subject"] = subject
    message.set_content(text)
    host, _, port = os.environ["MAIL_SERVER"].partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=SECONDS) as server:
        if user := os.environ.get("MAIL_USER"):
            server.starttls()
            server.login(user, os.environ["MAIL_PASSWORD"])
        server.send_message(message)


if __name__ == "__main__":
    try:
        {"slack": slack, "email": email}[sys.argv[1]](*told(json.load(sys.stdin)))
    except (OSError, KeyError, ValueError) as error:
        sys.stderr.write(f"notify.py could not send it: {error!r}\n")
