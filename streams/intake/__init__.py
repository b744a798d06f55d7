"""The relay between partners and the input topics: it passes on what a partner may say, and refuses the rest."""
