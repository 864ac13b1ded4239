"""The options that commands share: one file per group, each with the struct that the command is given."""
