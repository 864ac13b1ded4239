"""The client of the Twilio Conversations API."""
