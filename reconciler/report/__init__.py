"""Reports for people and programs: text, JSON, event streams, Markdown, annotations. Pure."""
