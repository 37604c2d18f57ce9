"""Stand-ins for what Deskhand talks to, for its tests and benchmarks. Shipped for your own tests too; nothing imports it."""
