"""The lake: the DuckLake catalogs `landing` and `marts` in PostgreSQL, and their Parquet files."""
