"""What the pages read of the lake, from marts and from published figures."""
