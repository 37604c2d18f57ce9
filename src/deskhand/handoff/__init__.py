"""Hand-off to a person: the decision (`policy`), what the customer's words say of it (`signals`), and the ticket that records it."""
