"""The lake: two DuckLake catalogs in PostgreSQL, `landing` and `marts`, and their Parquet files."""
