"""How tokens and keys are stored."""

import hashlib


def hash_secret(secret: str) -> str:
    """What is stored of a token or key. It has 256 random bits, so a plain SHA-256 cannot be searched."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
