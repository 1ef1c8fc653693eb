//! A moment of the file, to read from.

use rusqlite::Connection;
use std::ops::Deref;

/// Statements see the file as it is at one moment, whoever else writes it. A run reads thousands of times, so the statements that begin
/// and end a moment are prepared once, which a transaction of `rusqlite` does each time.
#[derive(Debug)]
pub(crate) struct Moment<'a>(&'a Connection);

impl<'a> Moment<'a> {
    pub(crate) fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(connection))
    }

    pub(crate) fn end(self) -> rusqlite::Result<()> {
        self.0.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

impl Deref for Moment<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for Moment<'_> {
    /// Ends it if nobody did, as when reading failed: the connection is free again.
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // If even this fails, so will the next transaction, and say why.
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_stands_still_and_frees_the_connection_however_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let open = || crate::schema::open(&crate::schema::place(&folder.path().join("acme.db")).unwrap()).unwrap();
        let (reader, writer) = (open(), open());
        let count = |connection: &Connection| connection.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0)).unwrap();
        let add = |id: &str| {
            const SQL: &str = "INSERT INTO users (id, status, lifecycle, attributes, extra) VALUES (?1, '', '', '{}', '{}')";
            writer.execute(SQL, [id]).unwrap();
        };
        let moment = Moment::begin(&reader).unwrap();
        assert_eq!(count(&moment), 0);
        add("a");
        assert_eq!(count(&moment), 0, "it is of one moment");
        moment.end().unwrap();
        assert!(reader.is_autocommit());
        let moment = Moment::begin(&reader).unwrap();
        assert_eq!(count(&moment), 1);
        drop(moment);
        assert!(reader.is_autocommit());
        add("b");
        assert_eq!(count(&Moment::begin(&reader).unwrap()), 2);
    }
}
