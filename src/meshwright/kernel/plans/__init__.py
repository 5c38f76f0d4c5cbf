"""How each kind of plan is carried out."""
