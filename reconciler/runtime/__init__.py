"""What deals with the machine and knows nothing of messages: whole files, read and written safely."""
