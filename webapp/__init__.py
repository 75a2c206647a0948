"""A Persian contact form in front of the AmootSMS portal."""
