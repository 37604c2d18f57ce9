"""Real servers, real clients and what is broken between them: the ground of the chaos tests.

What there is: `deskhand serve` in processes of its own (one on SQLite, two on one PostgreSQL), a model server in another, clients over
REST, server-sent events and the WebSocket that retry and resume on whichever server answers, and four kinds of fault: a kill, a freeze,
a lost response, a named failpoint.

The invariant: a test judges only what the database holds and what the clients saw, never what a server says of itself.
"""
