//! Every fault in the table of `README.md` has a test that carries its number, or says why it has none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

const ROWS: u32 = 46;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The Rust sources below a folder, without what was built and what is hidden.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if entry.is_dir() {
            sources(&entry, found);
        } else if name.ends_with(".rs") {
            found.push(entry);
        }
    }
}

/// The rows in the name of a function, such as 7 and 19 in `p01_row07_row19_…`.
fn rows_in(name: &str) -> impl Iterator<Item = u32> {
    let words = name.split('_').filter_map(|word| word.strip_prefix("row"));
    words.filter(|digits| digits.len() == 2).filter_map(|digits| digits.parse().ok())
}

/// For each row the files with tests that carry its number.
fn tested() -> BTreeMap<u32, BTreeSet<String>> {
    let workspace = workspace();
    let mut files = Vec::new();
    sources(&workspace, &mut files);
    assert!(files.len() > 100, "the sources are there: {}", files.len());
    let mut tested = BTreeMap::<u32, BTreeSet<String>>::new();
    for file in files {
        let path = file.strip_prefix(&workspace).unwrap().to_string_lossy().replace('\\', "/");
        for line in read_to_string(&file).unwrap().lines() {
            let Some((_, rest)) = line.split_once("fn ") else { continue };
            let name = rest.split('(').next().unwrap();
            rows_in(name).for_each(|row| _ = tested.entry(row).or_default().insert(path.clone()));
        }
    }
    tested
}

/// The lines of the table under a heading: the number, and the cells after it.
fn table<'a>(readme: &'a str, heading: &str) -> BTreeMap<u32, Vec<&'a str>> {
    let (_, section) = readme.split_once(heading).unwrap_or_else(|| panic!("{heading} is missing"));
    let section = section.split("\n## ").next().unwrap();
    let mut table = BTreeMap::new();
    for line in section.lines() {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        if let Some(row) = cells.next().and_then(|cell| cell.parse().ok()) {
            assert!(table.insert(row, cells.collect()).is_none(), "{row} is in the table twice");
        }
    }
    table
}

#[test]
fn every_row_has_a_test_or_a_reason_and_the_readme_says_where() {
    let readme = read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (with, without, tested) = (table(&readme, "\n## Faults with tests\n"), table(&readme, "\n## Faults without a test\n"), tested());
    let mut wrong = Vec::new();
    for row in 1..=ROWS {
        match (tested.get(&row), without.get(&row)) {
            (None, None) => wrong.push(format!("row {row:02} has neither a test nor a reason why not")),
            (Some(files), Some(_)) => wrong.push(format!("row {row:02} is said to have no test, and has one in {files:?}")),
            (None, Some(cells)) if cells.len() != 2 || cells.iter().any(|cell| cell.is_empty()) => {
                wrong.push(format!("row {row:02} needs its fault and the reason why it has no test"));
            }
            (None, Some(_)) => {}
            (Some(files), None) => {
                let named: Vec<_> = with.get(&row).and_then(|cells| cells.get(1)).into_iter().flat_map(|cell| cell.split(", ")).collect();
                let is_there = |name: &&str| files.contains(name.trim_matches('`'));
                if named.is_empty() || !named.iter().all(is_there) {
                    wrong.push(format!("row {row:02} has tests in {files:?}, and the table says {named:?}"));
                }
            }
        }
    }
    let unknown = tested.keys().chain(with.keys()).chain(without.keys()).filter(|row| !(1..=ROWS).contains(*row));
    wrong.extend(unknown.map(|row| format!("there is no row {row}")));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn rows_are_read_from_names() {
    assert_eq!(rows_in("p01_row07_row19_a_name").collect::<Vec<_>>(), [7, 19]);
    assert_eq!(rows_in("a_row_7_row123_rows12_row").count(), 0);
}
