"""The tables of the store, as the changes that lead from each format of the data file to the next."""

from __future__ import annotations

from typing import Final

SIGN: Final = b"SQLite format 3\0"
"""How a data file begins."""
BESIDE: Final = ("-wal", "-shm", "-journal")
"""What the names of the files that SQLite keeps beside a data file have behind its own."""

_FIRST: Final = """
CREATE TABLE account (
  store_id TEXT NOT NULL, sid TEXT NOT NULL, messaging_service_sid TEXT NOT NULL, default_service_sid TEXT
) STRICT;
CREATE TABLE services (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE, friendly_name TEXT NOT NULL,
  date_created TEXT NOT NULL, date_updated TEXT NOT NULL
) STRICT;
CREATE TABLE conversations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE,
  service INTEGER NOT NULL REFERENCES services ON DELETE CASCADE,
  friendly_name TEXT, unique_name TEXT, attributes TEXT NOT NULL, messaging_service_sid TEXT NOT NULL,
  state TEXT NOT NULL, inactive_after INTEGER, closed_after INTEGER, touched_at INTEGER NOT NULL,
  email_address TEXT, email_name TEXT, next_index INTEGER NOT NULL DEFAULT 0, activity INTEGER NOT NULL,
  date_created TEXT NOT NULL, date_updated TEXT NOT NULL,
  UNIQUE (service, unique_name)
) STRICT;
CREATE INDEX conversations_by_activity ON conversations (service, activity);
CREATE TABLE participants (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE,
  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
  identity TEXT, address TEXT, proxy_address TEXT, projected_address TEXT, role_sid TEXT,
  attributes TEXT NOT NULL, last_read_message_index INTEGER, last_read_timestamp TEXT,
  date_created TEXT NOT NULL, date_updated TEXT NOT NULL,
  UNIQUE (conversation, identity)
) STRICT;
CREATE INDEX participants_by_address ON participants (address, proxy_address);
CREATE INDEX participants_by_identity ON participants (identity);
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE,
  service INTEGER NOT NULL REFERENCES services ON DELETE CASCADE,
  identity TEXT NOT NULL, friendly_name TEXT, role_sid TEXT, attributes TEXT NOT NULL,
  date_created TEXT NOT NULL, date_updated TEXT NOT NULL,
  UNIQUE (service, identity)
) STRICT;
CREATE TABLE messages (
  id INTEGER PRIMARY KEY, sid TEXT NOT NULL UNIQUE,
  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
  number INTEGER NOT NULL, stored_at REAL NOT NULL, document BLOB NOT NULL,
  UNIQUE (conversation, number)
) STRICT;
CREATE TABLE receipts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE,
  message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  channel_message_sid TEXT NOT NULL, participant_sid TEXT NOT NULL, status TEXT NOT NULL,
  date_created TEXT NOT NULL
) STRICT;
CREATE INDEX receipts_by_message ON receipts (message);
CREATE TABLE media (
  sid TEXT PRIMARY KEY, service INTEGER NOT NULL REFERENCES services ON DELETE CASCADE,
  message INTEGER REFERENCES messages ON DELETE CASCADE,
  content_type TEXT NOT NULL, filename TEXT, uploaded_at REAL NOT NULL, content BLOB NOT NULL
) STRICT;
CREATE INDEX media_by_service ON media (service);
CREATE INDEX media_by_message ON media (message, uploaded_at);
"""
_RESOURCES: Final = """
CREATE TABLE resources (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  service INTEGER REFERENCES services ON DELETE CASCADE,
  conversation INTEGER REFERENCES conversations ON DELETE CASCADE,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX resources_by_kind ON resources (kind, service, conversation);
CREATE INDEX resources_by_service ON resources (service);
CREATE INDEX resources_by_conversation ON resources (conversation);
ALTER TABLE participants ADD COLUMN notification_level TEXT NOT NULL DEFAULT 'default'
"""

_TIMERS: Final = """
CREATE INDEX conversations_with_timers ON conversations (id)
  WHERE inactive_after IS NOT NULL OR closed_after IS NOT NULL
"""

FORMATS: Final = (_FIRST, _RESOURCES, _TIMERS)
"""The statements that make the first format, the second from the first, and so on."""
