"""One file per command, named like it; `import_` alone differs, as its name is a keyword of Python."""
