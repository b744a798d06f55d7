"""The pages for a governance board, generated from the configuration."""
