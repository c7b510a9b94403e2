"""What must survive: the schema, the journal that writes it and the ledger that reads it."""
