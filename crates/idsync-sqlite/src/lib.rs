//! State store and sink for idsync in one SQLite file.
