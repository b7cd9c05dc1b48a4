//! A folder of results that is either whole or not there.
//!
//! Files are written into a fresh folder beside the target, which takes the target's name when all
//! of them are whole.  A run that is killed leaves the old results as they were.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::exit::Trouble;

/// The file by which a folder is known to be ours.
pub(super) const MARKER: &str = "run.json";

/// A folder in the making.
pub(super) struct Folder {
    target: PathBuf,
    fresh: PathBuf,
    is_done: bool,
}

impl Folder {
    /// Begins a folder that will be `target`.
    pub(super) fn begin(target: &Path) -> Result<Self, Trouble> {
        let name = target.file_name().ok_or_else(|| {
            refused(target, "it has no name of its own; name a folder to be made")
        })?;
        check_replaceable(target)?;
        let parent = match target.parent() {
            Some(it) if !it.as_os_str().is_empty() => it,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(Trouble::io("make the folder", parent))?;
        let fresh = parent.join(format!(".{}.tmp-{}", name.to_string_lossy(), std::process::id()));
        fs::create_dir(&fresh).map_err(Trouble::io("make the folder", &fresh))?;
        Ok(Self { target: target.to_owned(), fresh, is_done: false })
    }

    /// Makes a folder inside.
    pub(super) fn folder(&self, name: &str) -> Result<(), Trouble> {
        let path = self.fresh.join(name);
        fs::create_dir(&path).map_err(Trouble::io("make the folder", &path))
    }

    /// Opens a new file inside.
    pub(super) fn file(&self, name: &str) -> io::Result<File> {
        File::create_new(self.fresh.join(name))
    }

    /// What to say when writing a file inside failed.
    pub(super) fn trouble(&self, name: &str) -> impl FnOnce(io::Error) -> Trouble + use<> {
        Trouble::io("write", &self.target.join(name))
    }

    /// Gives the folder its name, in the place of older results.
    pub(super) fn finish(mut self) -> Result<(), Trouble> {
        check_replaceable(&self.target)?;
        let old = self.fresh.with_extension(format!("old-{}", std::process::id()));
        let had_old = self.target.exists();
        if had_old {
            fs::rename(&self.target, &old).map_err(Trouble::io("replace", &self.target))?;
        }
        fs::rename(&self.fresh, &self.target).map_err(Trouble::io("write", &self.target))?;
        self.is_done = true;
        if had_old {
            fs::remove_dir_all(&old).map_err(Trouble::io("remove the old", &old))?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_done {
            // Something else has failed already; what is left is only litter.
            let _ignored = fs::remove_dir_all(&self.fresh);
        }
    }
}

fn refused(target: &Path, why: &str) -> Trouble {
    let what = format!("cannot write results to `{}`", target.display());
    Trouble::Io { what, error: io::Error::other(why.to_owned()) }
}

/// Only nothing, an empty folder, or results of ours give way to new results.
fn check_replaceable(target: &Path) -> Result<(), Trouble> {
    let meta = match fs::symlink_metadata(target) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Trouble::io("look at", target)(error)),
    };
    if !meta.is_dir() {
        return Err(refused(target, "it is there already and is not a folder"));
    }
    if target.join(MARKER).is_file() {
        return Ok(());
    }
    let mut entries = fs::read_dir(target).map_err(Trouble::io("look at", target))?;
    if entries.next().is_some() {
        return Err(refused(
            target,
            "it holds other things than results of roomsim (there is no run.json in it)",
        ));
    }
    Ok(())
}
