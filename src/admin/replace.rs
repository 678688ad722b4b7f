//! A file that is replaced at once: whoever opens it finds the old one or the new one whole.

use std::path::Path;
use std::{fs, io};

/// Puts a text in the place of a file, as readable as that was.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    fs::write(&new, text)?;
    if let Ok(old) = fs::metadata(file) {
        fs::set_permissions(&new, old.permissions())?;
    }
    fs::rename(&new, file)
}
