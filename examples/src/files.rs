//! Files that a command line names: no pipe or device of the file system is waited for, and nothing is read without end.

use std::fs::{File, Metadata};
use std::io::{Error, Read};
use std::path::Path;

/// More than any connection, key or note needs.
const MOST: u64 = 1024 * 1024;

/// What a command line can name to be read and not to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A regular file, or a link to one.
    File,
    /// A pipe that whoever started the program has opened for it, such as `<(...)`. It is read once, and lies in no folder.
    Pipe,
}

/// What there is to be read.
///
/// # Errors
/// There is nothing of the kind; in one line.
pub fn source(path: &Path) -> Result<Source, String> {
    let found = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if is_open_pipe(path, &found) { Ok(Source::Pipe) } else { regular(path, &found).map(|()| Source::File) }
}

/// Whether there is a regular file, or a link to one.
///
/// # Errors
/// There is none; in one line.
pub fn check(path: &Path) -> Result<(), String> {
    std::fs::metadata(path).map_err(|error| unreadable(path, &error)).and_then(|found| regular(path, &found))
}

/// Reads a small text.
///
/// # Errors
/// It is no regular file, too large, no text, or cannot be read; in one line.
pub fn read(path: &Path) -> Result<String, String> {
    check(path)?;
    read_small(path)
}

/// Reads a small text from wherever it can be read.
///
/// # Errors
/// As for [`read`], but for pipes that are open.
pub fn read_source(path: &Path) -> Result<(String, Source), String> {
    let source = source(path)?;
    Ok((read_small(path)?, source))
}

fn read_small(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(unreadable(path, &error)),
        Ok(_) if text.len() as u64 > MOST => Err(format!("{} cannot be read: it is larger than {} KiB", path.display(), MOST / 1024)),
        Ok(_) => Ok(text),
    }
}

/// Whether it is a pipe that need not be opened first, which could take for ever where nobody writes.
#[cfg(unix)]
fn is_open_pipe(path: &Path, found: &Metadata) -> bool {
    const OPEN: [&str; 3] = ["/dev/fd", "/dev/stdin", "/proc/self/fd"];
    std::os::unix::fs::FileTypeExt::is_fifo(&found.file_type()) && OPEN.iter().any(|place| path.starts_with(place))
}

/// Pipes are in no folder there.
#[cfg(not(unix))]
const fn is_open_pipe(_path: &Path, _found: &Metadata) -> bool {
    false
}

/// Refuses what is no regular file, by what is known of it.
///
/// # Errors
/// What it is not; in one line.
fn regular(path: &Path, found: &Metadata) -> Result<(), String> {
    if found.is_file() {
        return Ok(());
    }
    let what = if found.is_dir() { "is a folder" } else { "is not a regular file" };
    Err(format!("{} cannot be read: it {what}", path.display()))
}

fn unreadable(path: &Path, error: &Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_or_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        assert!(read(&file).unwrap_err().contains("No such file") || cfg!(not(unix)));
        std::fs::write(&file, "text").unwrap();
        assert_eq!(read(&file), Ok("text".to_owned()));
        std::fs::write(&file, vec![b'a'; 1024 * 1024 + 1]).unwrap();
        assert!(read(&file).unwrap_err().ends_with("it is larger than 1024 KiB"));
        assert!(read(folder.path()).unwrap_err().ends_with("it is a folder"));
        #[cfg(unix)]
        assert_eq!(check(Path::new("/dev/zero")), Err("/dev/zero cannot be read: it is not a regular file".to_owned()));
    }
}
