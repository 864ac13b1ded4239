"""States as Terraform writes them, with the resources of Twilio's provider."""

from __future__ import annotations

import json
from typing import Any

HEX = "0123456789abcdef" * 2
CREATED = "2026-01-05T09:00:00Z"
CONVERSATIONS = "twilio_conversations_services_conversations_v1"
PARTICIPANTS = "twilio_conversations_services_conversations_participants_v1"
MESSAGES = "twilio_conversations_services_conversations_messages_v1"
DEFAULT_CONVERSATIONS = "twilio_conversations_conversations_v1"
DEFAULT_PARTICIPANTS = "twilio_conversations_conversations_participants_v1"
DEFAULT_MESSAGES = "twilio_conversations_conversations_messages_v1"
PROVIDER = 'provider["registry.terraform.io/twilio/twilio"]'


def sensitive(*names: str) -> list[list[dict[str, str]]]:
    """Return `sensitive_attributes` that name these attributes."""
    return [[{"type": "get_attr", "value": name}] for name in names]


def instance(identity: str, /, *, hidden: tuple[str, ...] = (), **attributes: Any) -> dict[str, Any]:
    """Return an instance with an id and *attributes*, of which the *hidden* ones are sensitive."""
    return {
        "schema_version": 0,
        "attributes": {"id": identity, "sid": identity.rpartition("/")[2], **attributes},
        "sensitive_attributes": sensitive(*hidden),
        "private": "bnVsbA==",
    }


def resource(kind: str, name: str, /, *instances: Any, **fields: Any) -> dict[str, Any]:
    """Return a resource with its instances."""
    return {
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": PROVIDER,
        "instances": list(instances),
        **fields,
    }


def tfstate(*resources: Any, **fields: Any) -> str:
    """Return the text of a state."""
    return json.dumps(
        {
            "version": 4,
            "terraform_version": "1.11.4",
            "serial": 7,
            "lineage": "0b2d3c4e-0000-4000-8000-000000000001",
            "outputs": {},
            "resources": list(resources),
            "check_results": None,
            **fields,
        },
        indent=2,
    )


def instance_of(live: Any, /, *, hidden: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """Return the instance that Terraform has of a *live* message of the SDK."""
    return instance(
        f"{live.chat_service_sid}/{live.conversation_sid}/{live.sid}",
        hidden=hidden,
        **{
            "chat_service_sid": live.chat_service_sid,
            "conversation_sid": live.conversation_sid,
            "author": live.author,
            "body": live.body,
            "attributes": live.attributes,
            "date_created": CREATED,
            "date_updated": CREATED,
            "content_sid": None,
            "content_variables": None,
            "media_sid": None,
            "subject": None,
            "x_twilio_webhook_enabled": None,
            **changes,
        },
    )
