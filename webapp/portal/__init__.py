"""The portal: its interface and errors (`base`), and the client of AmootSMS behind them."""
