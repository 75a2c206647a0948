"""Forms: their definitions, their fields, their tokens, and the contact that comes of them."""
