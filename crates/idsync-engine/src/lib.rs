//! The sync engine of idsync: reads a directory, proves the read, plans and applies the differences.
