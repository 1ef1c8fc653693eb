//! The same data as CSV, for databases to load.

use super::Data;
use super::content::{GROUP_ATTRIBUTES, USER_ATTRIBUTES};
use crate::flat::{Flat, Row};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes `users.csv`, `groups.csv` and `members.csv`, with a header each.
///
/// # Panics
/// A file cannot be read or written.
pub fn export_csv(data: &Data, folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder can be made");
    rows(data, folder, "users", &["id", "login", "status"], &USER_ATTRIBUTES);
    rows(data, folder, "groups", &["id", "name", "kind"], &GROUP_ATTRIBUTES);
    let mut out = create(folder, "members");
    writeln!(out, "gid,uid").expect("a header can be written");
    let mut members = Flat::open(&data.folder().join("members")).expect("the members can be opened");
    while let Some((group, count)) = members.section().expect("a section can be read") {
        members.members(count, |user| writeln!(out, "{group},{user}").expect("a member can be written")).expect("the members can be read");
    }
    out.flush().expect("a file can be written");
}

fn rows(data: &Data, folder: &Path, name: &str, fixed: &[&str], attributes: &[&str]) {
    let mut out = create(folder, name);
    writeln!(out, "{},{}", fixed.join(","), attributes.join(",")).expect("a header can be written");
    let mut rows = Flat::open(&data.folder().join(name)).expect("the rows can be opened");
    while let Some(row) = rows.row().expect("a row can be read") {
        let Row { id, name, state, attributes } = Row::read(row);
        write!(out, "{id},\"{name}\",{state}").expect("a row can be written");
        // A text of JSON without an escape is a quoted field of CSV.
        attributes.for_each(|(_, value)| write!(out, ",{value}").expect("a value can be written"));
        writeln!(out).expect("a row can be written");
    }
    out.flush().expect("a file can be written");
}

fn create(folder: &Path, name: &str) -> BufWriter<File> {
    BufWriter::with_capacity(1 << 20, File::create(folder.join(name).with_extension("csv")).expect("a file can be made"))
}
