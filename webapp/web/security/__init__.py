"""The checks of a request: origin, access, rate limits, proof of work; and the error page."""
