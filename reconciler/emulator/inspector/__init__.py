"""The inspector: pages on what an emulator holds, for a browser on this machine. Imported when one asks."""
