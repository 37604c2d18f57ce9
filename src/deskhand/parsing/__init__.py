"""Bytes into text that can be searched: each kind of document by its own module, all of them to Markdown.

Invariant: a document is either read whole or refused with a reason. Nothing is guessed, dropped or replaced by a question mark. What is
here runs in a child process with nothing but its own memory (`child`, `sandbox`), so it imports the standard library, the readers of files
and `deskhand.errors`, and nothing of it may be called on a stranger's bytes by the server itself.
"""

# Changes whenever the text of many documents does: what was read by another version is read again when it is next given.
VERSION = "read-2"
