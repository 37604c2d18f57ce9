"""Deskhand: an AI customer-support agent that a company runs itself."""

__version__ = "0.1.0"
