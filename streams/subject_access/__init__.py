"""Everything that is held about one person or family, and which of it a data subject may see."""
