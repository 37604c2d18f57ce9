"""Accounts, sessions, keys, attempts to sign in, and the audit log, as rows.

Invariant: no secret is here as it is shown. Tokens, keys and recovery codes are SHA-256 of 80 random bits or more, passwords Argon2id,
what makes codes is sealed.
"""

import sqlalchemy as sa

from deskhand.persistence import metadata

accounts = sa.Table(
    "staff_account",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    # As `service.normal_email` writes it.
    sa.Column("email", sa.String(254), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("skills", sa.JSON, nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("avatar_color", sa.String(16), nullable=False),
    sa.Column("presence", sa.String(16), nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("password_is_temporary", sa.Boolean, nullable=False),
    # Sealed; there while codes are being set up, too.
    sa.Column("totp_secret", sa.LargeBinary),
    sa.Column("totp_enabled", sa.Boolean, nullable=False),
    # The newest 30-second step whose code was taken: none is taken twice.
    sa.Column("totp_last_step", sa.BigInteger, nullable=False),
    sa.Column("recovery_hashes", sa.JSON, nullable=False),
    sa.Column("disabled_at", sa.Double),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("last_sign_in_at", sa.Double),
    # Who this is to the company's identity provider: a hash of its address and of its name for the person.
    sa.Column("oidc_identity", sa.String(64)),
    sa.Index("ix_staff_account_oidc_identity", "oidc_identity", unique=True),
)

sessions = sa.Table(
    "staff_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("staff_id", sa.ForeignKey("staff_account.id", ondelete="CASCADE"), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("last_seen_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Index("ix_staff_session_staff_id", "staff_id"),
    sa.Index("ix_staff_session_expires_at", "expires_at"),
)

keys = sa.Table(
    "staff_key",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("hint", sa.String(8), nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("last_used_at", sa.Double),
    sa.Column("revoked_at", sa.Double),
)

attempts = sa.Table(
    "staff_attempt",
    metadata,
    # What is counted, hashed: an account, an address, or a browser that signed in before.
    sa.Column("bucket", sa.String(80), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("blocked_until", sa.Double, nullable=False),
    sa.Column("forgotten_at", sa.Double, nullable=False),
    sa.Index("ix_staff_attempt_forgotten_at", "forgotten_at"),
)

audit_entries = sa.Table(
    "audit_entry",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("actor_id", sa.String(32), nullable=False),
    sa.Column("actor_name", sa.String(200), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("target", sa.String(200), nullable=False),
    # JSON, kept as the very text that the code was computed of.
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("key_id", sa.String(16), nullable=False),
    sa.Column("mac", sa.String(64), nullable=False),
    sa.Index("ix_audit_entry_actor_id", "actor_id", "seq"),
    sa.Index("ix_audit_entry_action", "action", "seq"),
)

# One row: how long the log is, so that its end cannot be cut off unnoticed.
audit_heads = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("mac", sa.String(64), nullable=False),
    sa.Column("key_id", sa.String(16), nullable=False),
    sa.Column("head_mac", sa.String(64), nullable=False),
)
