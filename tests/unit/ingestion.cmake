# Unit tests of ingestion.
