"""By which carrier? Pure choice over a Message, a generation and the health of carriers."""
