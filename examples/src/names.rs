//! The names of groups and users by their ids, as the database has them: an id says little to whoever decides about a change.

use crate::printable::printable;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::fmt;
use std::path::Path;

/// Where names are looked up. Not to be kept beyond that: who closes the database last puts its log away, and this cannot write.
#[derive(Default)]
pub struct Names(Option<Connection>);

impl Names {
    /// Those in this database. Where it cannot be read, no name is known.
    pub fn of_database(path: &Path) -> Self {
        Self(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX).ok())
    }

    /// A group, with its name where that is known: `Sales (00g1)`.
    pub fn group(&self, id: &str) -> String {
        self.named("SELECT name FROM groups WHERE id = ?1", id)
    }

    /// A user, with their login where that is known: `ada@example.com (00u1)`.
    pub fn user(&self, id: &str) -> String {
        self.named("SELECT login FROM users WHERE id = ?1", id)
    }

    /// A membership in the words of a held set, `USER from GROUP` or `USER to GROUP`, with names; anything else as it is.
    pub fn of_example(&self, example: &str) -> String {
        let parts = [" from ", " to "].into_iter().find_map(|between| Some((example.split_once(between)?, between)));
        match parts {
            Some(((user, group), between)) if is_id(user) && is_id(group) => format!("{}{between}{}", self.user(user), self.group(group)),
            _ => printable(example).into_owned(),
        }
    }

    fn named(&self, query: &str, id: &str) -> String {
        // A name that cannot be read is as good as none.
        let name = self.0.as_ref().and_then(|database| {
            let name = database.prepare_cached(query).and_then(|mut found| found.query_row([id], |row| row.get::<_, Option<String>>(0)));
            name.optional().ok().flatten().flatten()
        });
        let id = printable(id);
        name.map_or_else(|| id.to_string(), |name| format!("{} ({id})", printable(&name)))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_named() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch("CREATE TABLE users (id, login); CREATE TABLE groups (id, name)").unwrap();
        database
            .execute_batch("INSERT INTO users VALUES ('00u1', 'ada'), ('00u2', NULL); INSERT INTO groups VALUES ('00g1', 'Sales')")
            .unwrap();
        let names = Names(Some(database));
        assert_eq!(names.of_example("00u1 from 00g1"), "ada (00u1) from Sales (00g1)");
        assert_eq!(names.of_example("00u2 to 00g2"), "00u2 to 00g2");
        assert_eq!(names.of_example("a\rb (00g1)"), "a\\rb (00g1)");
        assert_eq!(names.of_example("Away from home (00g1)"), "Away from home (00g1)");
        assert_eq!(Names::default().group("00g1"), "00g1");
    }
}
