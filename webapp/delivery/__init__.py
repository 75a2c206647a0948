"""Submissions: stored before they are sent, sent once, retried until the portal has them."""
