"""Keep the messages of Twilio Conversations as code."""

__version__ = "0.1.0"
