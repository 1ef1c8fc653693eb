//! Prints who is in which group, from the SQLite file that `sync` keeps.
//!
//! ```text
//! access_review [--database FILE] [--by person|group] [--find TEXT]
//! ```

#![warn(clippy::print_stderr, clippy::print_stdout)]

use idsync_examples::exit::Exit;
use idsync_examples::note;
use idsync_examples::out::{self, Printed};
use idsync_examples::printable::printable;
use lexopt::prelude::{Long, Short, ValueExt};
use rusqlite::{Connection, OpenFlags};
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Prints who is in which group, from the SQLite file that sync keeps.

USAGE
  access_review [--database FILE] [--by person|group] [--find TEXT]

  --database FILE     The file                                          [default: idsync.db]
  --by person|group   A line per person with their groups, or per group [default: group]
  --find TEXT         Only persons (or groups) whose name or login holds TEXT
";

struct Flags {
    database: PathBuf,
    query: &'static str,
    find: String,
}

const BY_GROUP: &str = "
    SELECT g.name, coalesce(u.login, u.id), u.lifecycle
    FROM groups g LEFT JOIN memberships m ON m.group_id = g.id LEFT JOIN users u ON u.id = m.user_id
    WHERE instr(lower(g.name), lower(?1)) > 0 OR ?1 = ''
    ORDER BY g.name, g.id, 2";

const BY_PERSON: &str = "
    SELECT coalesce(u.login, u.id) || ' (' || u.lifecycle || ')', g.name, ''
    FROM users u LEFT JOIN memberships m ON m.user_id = u.id LEFT JOIN groups g ON g.id = m.group_id
    WHERE instr(lower(coalesce(u.login, u.id)), lower(?1)) > 0 OR ?1 = ''
    ORDER BY 1, u.id, 2";

fn main() -> ExitCode {
    let flags = match parse() {
        Ok(Some(flags)) => flags,
        Ok(None) => {
            idsync_examples::help::show(HELP);
            return Exit::Done.into();
        }
        Err(error) => {
            note!("access_review: {error}\n               see access_review --help");
            return Exit::Usage.into();
        }
    };
    match review(&flags) {
        // To print is all that it does.
        Ok(Printed::Lost) => Exit::Sink.into(),
        Ok(_) => Exit::Done.into(),
        Err(error) => {
            note!("access_review: {} cannot be read: {error}", flags.database.display());
            note!("               make it with sync, or name another one with --database");
            Exit::Usage.into()
        }
    }
}

fn parse() -> Result<Option<Flags>, lexopt::Error> {
    let mut flags = Flags { database: PathBuf::from("idsync.db"), query: BY_GROUP, find: String::new() };
    let mut parser = lexopt::Parser::from_env();
    while let Some(flag) = parser.next()? {
        match flag {
            Short('h') | Long("help") => return Ok(None),
            Long("database") => flags.database = parser.value()?.into(),
            Long("find") => flags.find = parser.value()?.string()?,
            Long("by") => {
                flags.query = match parser.value()?.string()?.as_str() {
                    "person" => BY_PERSON,
                    "group" => BY_GROUP,
                    other => return Err(format!("--by: `{other}` is neither person nor group").into()),
                }
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(flags))
}

/// Prints until everything is printed, or nothing can be printed any more.
fn review(flags: &Flags) -> rusqlite::Result<Printed> {
    let file = Connection::open_with_flags(&flags.database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = file.prepare(flags.query)?;
    let mut rows = statement.query([&flags.find])?;
    let mut heading = None;
    while let Some(row) = rows.next()? {
        let (name, member, lifecycle): (String, Option<String>, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let mut text = String::new();
        if heading.as_ref() != Some(&name) {
            text = format!("{}\n", printable(&name));
            heading = Some(name);
        }
        text += &match (member, lifecycle.as_deref()) {
            (Some(member), Some("" | "active")) => format!("  {}", printable(&member)),
            (Some(member), lifecycle) => format!("  {} ({})", printable(&member), lifecycle.unwrap_or("unknown")),
            (None, _) => "  (none)".to_owned(),
        };
        let printed = out::line(format_args!("{text}"));
        if printed != Printed::Whole {
            return Ok(printed);
        }
    }
    Ok(Printed::Whole)
}
