"""One file for each type of resource: its fields, their defaults, and what a reply shows of them. Pure."""
