"""Programs of others against the emulator: clients, Terraform, readers of an OpenAPI document."""
