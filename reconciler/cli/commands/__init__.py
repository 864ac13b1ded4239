"""One file per command, with the name of the command; `import_` has a `_`, as `import` is a keyword."""
