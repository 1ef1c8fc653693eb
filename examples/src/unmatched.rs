//! Flags that match nothing of what was synced: most likely they are misspelt.

use crate::flags::Flags;
use rusqlite::{Connection, OpenFlags};

/// What to say about them after a sync, a line each. Where the database cannot be asked there is nothing to say.
pub fn lines(flags: &Flags) -> Vec<String> {
    // The database is asked only where there is a question.
    if flags.protected.is_empty() && flags.unjudged.attributes.is_empty() {
        return Vec::new();
    }
    find(flags).unwrap_or_default()
}

fn find(flags: &Flags) -> rusqlite::Result<Vec<String>> {
    let only_reads = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(&flags.database, only_reads)?;
    if !database.prepare("SELECT 1 FROM users LIMIT 1")?.exists([])? {
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    let mut of_login = database.prepare("SELECT 1 FROM users WHERE login = ?1 COLLATE NOCASE LIMIT 1")?;
    // SQLite knows upper and lower case of ASCII alone.
    for login in flags.protected.iter().filter(|login| login.is_ascii()) {
        if !of_login.exists([login])? {
            lines.push(format!("--protect: no user that was synced has the login {login}"));
        }
    }
    let mut with_attribute = database.prepare("SELECT 1 FROM users WHERE json_type(attributes, ?1) IS NOT NULL LIMIT 1")?;
    for name in flags.unjudged.attributes.iter().filter(|name| is_of_profile(name)) {
        if !with_attribute.exists([format!("$.\"{name}\"")])? {
            lines.push(format!("--attributes: no user that was synced has the attribute {name}"));
        }
    }
    Ok(lines)
}

/// Whether it is among the attributes, if it is anywhere: the login and what Okta says beside the profile have columns of their own.
fn is_of_profile(name: &str) -> bool {
    name != "login" && !name.starts_with("extra.") && !name.contains('"')
}
