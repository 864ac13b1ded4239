"""Build services, conversations, participants and messages from manifests of the right shape."""
