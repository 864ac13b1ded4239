"""The values that every layer shares: addresses, what is desired, and what is remote."""

from reconciler.model.addresses import (
    ADDRESS_PART as ADDRESS_PART,
)
from reconciler.model.addresses import (
    INSTANCE_KEY as INSTANCE_KEY,
)
from reconciler.model.addresses import (
    NAME as NAME,
)
from reconciler.model.addresses import (
    Address as Address,
)
from reconciler.model.addresses import (
    ResourceType as ResourceType,
)
from reconciler.model.addresses import (
    matches as matches,
)
from reconciler.model.addresses import (
    parent_of as parent_of,
)
from reconciler.model.addresses import (
    type_of as type_of,
)
from reconciler.model.desired import (
    IMMUTABLE as IMMUTABLE,
)
from reconciler.model.desired import (
    JSON_FIELDS as JSON_FIELDS,
)
from reconciler.model.desired import (
    MESSAGE_FIELDS as MESSAGE_FIELDS,
)
from reconciler.model.desired import (
    PARTICIPANTS as PARTICIPANTS,
)
from reconciler.model.desired import (
    UNSEEN as UNSEEN,
)
from reconciler.model.desired import (
    Anchor as Anchor,
)
from reconciler.model.desired import (
    Conversation as Conversation,
)
from reconciler.model.desired import (
    Desired as Desired,
)
from reconciler.model.desired import (
    Doubt as Doubt,
)
from reconciler.model.desired import (
    Import as Import,
)
from reconciler.model.desired import (
    MediaFile as MediaFile,
)
from reconciler.model.desired import (
    Message as Message,
)
from reconciler.model.desired import (
    Moment as Moment,
)
from reconciler.model.desired import (
    Move as Move,
)
from reconciler.model.desired import (
    Order as Order,
)
from reconciler.model.desired import (
    Participant as Participant,
)
from reconciler.model.desired import (
    RemoteBindings as RemoteBindings,
)
from reconciler.model.desired import (
    RemoteEmail as RemoteEmail,
)
from reconciler.model.desired import (
    RemoteMessagingBinding as RemoteMessagingBinding,
)
from reconciler.model.desired import (
    RemoteTimers as RemoteTimers,
)
from reconciler.model.desired import (
    Service as Service,
)
from reconciler.model.desired import (
    Timeline as Timeline,
)
from reconciler.model.desired import (
    Unmanaged as Unmanaged,
)
from reconciler.model.desired import (
    declared as declared,
)
from reconciler.model.desired import (
    declared_conversations as declared_conversations,
)
from reconciler.model.desired import (
    is_reserved as is_reserved,
)
from reconciler.model.desired import (
    is_well_formed as is_well_formed,
)
from reconciler.model.remote import (
    ConversationView as ConversationView,
)
from reconciler.model.remote import (
    Remote as Remote,
)
from reconciler.model.remote import (
    RemoteConversation as RemoteConversation,
)
from reconciler.model.remote import (
    RemoteMedia as RemoteMedia,
)
from reconciler.model.remote import (
    RemoteMessage as RemoteMessage,
)
from reconciler.model.remote import (
    RemoteParticipant as RemoteParticipant,
)
from reconciler.model.remote import (
    RemoteService as RemoteService,
)
