"""Programs of others against the emulator: official clients, and tools that read an OpenAPI document."""
