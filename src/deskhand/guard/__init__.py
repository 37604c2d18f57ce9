"""What stands between the model and the customer: evidence for what is said, and care with what others wrote."""
