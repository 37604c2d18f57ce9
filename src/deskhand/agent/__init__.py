"""The agent: `CustomerSupportAgent` (`agent`), the loop over the model (`loop`), and its tools (`registry`, `tools/`)."""
