"""HTTP and the WebSocket: parse, authorise, hand over, render. No rule of the product is decided here."""
