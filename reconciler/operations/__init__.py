"""Operations: one per command, each in its own file, without flags and output."""
