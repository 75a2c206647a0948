"""The portal: the errors that delivery knows, and AmootSMS behind them."""
