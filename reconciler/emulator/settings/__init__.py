"""The resources of an account and of a service that are no conversations: each file has one of them."""
