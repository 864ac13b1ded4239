"""Webhooks: the resources that ask for them, the events that cause them, and how they are sent.

`engine` decides which are sent around an operation. `decisions` lists what Twilio's documents leave open.
"""
