"""The servers of one `CAF_HOME`: PostgreSQL, Kafka, Airflow and the project's own services, started and stopped."""
