"""The web: views, request checks, headers, limits, and what is sent back."""
