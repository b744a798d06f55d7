"""Start and stop the servers of one `CAF_HOME`: PostgreSQL, Kafka, Airflow and the project's own services."""
