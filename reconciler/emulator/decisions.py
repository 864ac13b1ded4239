"""What the emulator does where Twilio is silent or contradicts itself: decided here, once.

Everything else follows Twilio's reference. Each line below may be wrong about the real service.

Limits and statuses
- A refusal has HTTP status 400 where Twilio publishes none; a user, participant or address pair that
  exists already is 409. A value that has no code of its own is 400/20001.
- `Body`: 32 KB in UTF-8; 1,600 characters once a participant is reached by SMS, WhatsApp or the like.
- `Attributes`: 4 KB (conversation 16 KB) in UTF-8; any JSON value is accepted and kept byte for byte.
- `Author`, `Identity` and names: 256 characters. Timers: ISO 8601 durations of weeks down to
  seconds, at most a century.
- A conversation is group MMS once one participant has a projected address: whoever comes then counts
  among the 10 (50436), and an update that makes it so is refused where there are more. Only there may a
  participant have an address without a proxy address, and one may have a projected address alone.
- The 1,000 conversations of an identity (50214) are those of one service that are not closed.
- There is no limit on actions per second; faults can script one.

Messages
- `Subject` and `ContentVariables` are checked and then dropped, for no reply shows them.
- `Body` and `MediaSid` together are both kept. Under `ContentSid` both are ignored and the body is the
  rendered template; a well-formed `ContentSid` that is not built in (see `templates`) is 50526.
- An unedited message has `date_updated` equal to `date_created`. Future dates are accepted; a date
  without an offset is UTC; a bare day is refused.
- An update without parameters changes nothing, `date_updated` neither; any other sets it to `DateUpdated`
  or to now. `Body=` is refused (50503): an update cannot clear a body. `Author=` means `system`.
- A new `Author` recomputes `participant_sid`. A participant that leaves keeps its sid on old messages.
- Indexes have no gaps but those that deletes leave.
- In a closed conversation nothing can be created, updated or deleted (50377); itself it can be deleted.
- Delivery to participants outside chat succeeds at once: receipts are `delivered`, `delivery` says `all`.

Conversations, participants, services
- `{CH}` may be a unique name in every path. Resources always carry the sid in their fields and urls;
  only the urls of a page repeat the path asked for.
- Timers run from the last message or update; a new message revives an inactive conversation, an update
  does not.
- Creating as `closed` is 50384, setting `initializing` 50386. A closed conversation keeps its unique name;
  an empty `UniqueName` means none.
- Conversations are listed by latest activity, newest first; with `StartDate` or `EndDate` by creation,
  newest first.
- `role_sid` of a participant is null unless given. Adding an unknown `Identity` creates its user;
  removing the participant keeps it.
- The default service is made when it is first asked for, so a new store lists no services. It can be
  deleted like any other; the next question makes a new one. `/v1/Conversations/…` and `/v1/Users/…` lead
  to it.

Paging
- `PageSize` above the maximum is granted as the maximum, or refused with 400/20001 if so configured; below
  1 or no number is 400/20001. Maxima: messages 1,000 (configurable); users, receipts, roles, addresses and
  memberships 50; webhooks 5; all other lists 100. None exceeds the configured one.
- Tokens never expire and survive the deletion of the message they point at.

Webhooks
- Pre-action webhooks see REST writes that have the header. A delayed write meets only those after it.
- Post-action webhooks are sent one after another, in the order of their events, and once each.
- An event that `filters` does not list is not sent, by none of the three scopes; `[]` lists none.
- A service has webhooks of its own as soon as it has a url; those of conversations are sent besides.
- No connection is no answer: nothing changes. So does a redirect, and a 2xx whose body is no JSON object.
- A refusal is 400/50056 for the caller. A replaced value that is no string is 400/20001.
- `onDeliveryUpdated` is sent as `sent` and as `delivered` for each receipt. A timer that ran out is
  reported, with no header and `Source` `API`, when the next request comes.
- They are signed with the configured token, else with `emulator`; dates of the past have `.000`.
- A trigger is found anywhere in a body, in any case. Webhooks for Studio are kept and never sent.

Other resources
- A service's four roles are made when they are first asked for; what they allow is not enforced.
- `ParticipantConversations` without a filter is an empty list. `unread_messages_count` is null before the
  first read. `created_by` is `system`.
- Addresses make no conversations, notifications are not pushed, and there are never any bindings.

Media
- Same origin as everything else. Urls are absolute; `content_direct_temporary` leads there too.
- In a `MediaSet`, a file that does not exist has the code 404 and nothing but its sid.
- The header `X-Twilio-Token` of chat clients is let in like a password; it stands for the store's account.
- Content types must look like one (50511); at most 150 MB (50512). Multipart uploads are not understood.

Identity
- Any AC or SK user with a non-empty password is accepted unless a token is configured. `account_sid` in
  replies is the user where it is an account, else the store's own.
"""

from __future__ import annotations

from typing import Final

KILOBYTE: Final = 1024

BODY_BYTES: Final = 32 * KILOBYTE
BODY_CHARACTERS_OUTSIDE_CHAT: Final = 1600
MESSAGE_ATTRIBUTES_BYTES: Final = 4 * KILOBYTE
CONVERSATION_ATTRIBUTES_BYTES: Final = 16 * KILOBYTE
NAME_CHARACTERS: Final = 256
SUBJECT_CHARACTERS: Final = 256
PARTICIPANTS: Final = 1000
PARTICIPANTS_OUTSIDE_CHAT: Final = 50
PARTICIPANTS_OF_GROUP_MMS: Final = 10
CONVERSATIONS_OF_IDENTITY: Final = 1000
MEDIA_BYTES: Final = 150 * KILOBYTE * KILOBYTE
MEDIA_SECONDS: Final = 300
"""How long media lives that no message carries."""
DIRECT_SECONDS: Final = 300
"""How long a temporary url of a file leads to it."""

DEFAULT_PAGE: Final = 50
MAX_PAGE_MESSAGES: Final = 1000
MAX_PAGE: Final = 100
MAX_PAGE_SMALL: Final = 50
"""Users and receipts."""
