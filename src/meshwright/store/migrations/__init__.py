"""How each version's schema follows from the one before, run by `Database.migrate`."""
