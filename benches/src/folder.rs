//! Folders of files that a benchmark works on.

use std::fs::{self, File};
use std::path::Path;

/// Makes `to` a copy of the files in a folder, and of nothing else. The copy is on the disk, or whoever syncs it first would have to
/// answer for writing it.
///
/// # Panics
/// A file cannot be read, or not written.
pub fn copy_folder(from: &Path, to: &Path) {
    empty_folder(to);
    for file in fs::read_dir(from).expect("the folder can be read") {
        let file = file.expect("the folder can be read");
        let copy = to.join(file.file_name());
        fs::copy(file.path(), &copy).expect("a file can be copied");
        File::open(copy).and_then(|copy| copy.sync_all()).expect("a copy can be brought to the disk");
    }
}

/// Makes a folder that is empty.
///
/// # Panics
/// It cannot be made.
pub fn empty_folder(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder can be made");
}
