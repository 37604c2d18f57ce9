"""How the quoting model understands a message (`intents`), reads a passage (`blocks`) and chooses what answers (`choice`). All pure."""
