"""What every test may ask for: real parts, and a guard that keeps the network out."""

pytest_plugins = [
    "parts.missing",
    "parts.network",
    "parts.ports",
    "parts.postgres",
    "parts.valkey",
    "parts.valkey_groups",
    "parts.chromium",
    "parts.databases",
]
