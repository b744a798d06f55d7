"""The audit: who saw or did what. Records entries, chains them, proves that none is missing, and lists them."""
