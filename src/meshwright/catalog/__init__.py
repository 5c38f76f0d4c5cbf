"""Which models exist and what is known of them."""
