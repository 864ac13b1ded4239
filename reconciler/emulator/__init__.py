"""A local Twilio Conversations v1. Shares no code with the client."""
