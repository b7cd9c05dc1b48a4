//! A folder of results that is either whole or not there.
//!
//! Files are written into a fresh folder beside the target, which takes the target's name when all
//! of them are whole.  A run that is killed leaves the old results as they were; between two
//! renames, for an instant, they are beside their place, in a hidden folder called `.<name>.old-…`.

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
        fs::create_dir_all(parent).map_err(Trouble::io("make the folder", target))?;
        let fresh = Self::make_fresh(parent, &name.to_string_lossy())
            .map_err(Trouble::io("make the folder", target))?;
        Ok(Self { target: target.to_owned(), fresh, is_done: false })
    }

    /// A new hidden folder; one that a killed run of the same process number left stays as it is.
    fn make_fresh(parent: &Path, name: &str) -> io::Result<PathBuf> {
        let pid = std::process::id();
        let mut number = 0;
        loop {
            let fresh = parent.join(format!(".{name}.tmp-{pid}-{number}"));
            match fs::create_dir(&fresh) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {
                    number += 1;
                }
                made => return made.map(|()| fresh),
            }
        }
    }

    /// A hidden name beside the target that nothing has.
    fn free_name(&self) -> PathBuf {
        let of_number = |number| {
            let mut name = self.fresh.clone().into_os_string();
            name.push(format!(".old-{number}"));
            PathBuf::from(name)
        };
        let mut names = (0..).map(of_number);
        names.find(|it| fs::symlink_metadata(it).is_err()).expect("there are enough numbers")
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
    ///
    /// Another run may do the same to the same target meanwhile: then the last one stays.
    pub(super) fn finish(mut self) -> Result<(), Trouble> {
        let mut olds = Vec::new();
        while !self.is_done {
            check_replaceable(&self.target)?;
            let old = self.free_name();
            match fs::rename(&self.target, &old) {
                Ok(()) => olds.push(old),
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(Trouble::io("replace", &self.target)(error)),
            }
            match fs::rename(&self.fresh, &self.target) {
                Ok(()) => self.is_done = true,
                Err(error) if is_taken(&error) && olds.len() < RIVALS_MAX => (),
                Err(error) => {
                    // The older results are better than none.
                    if let Some(old) = olds.last() {
                        let _ignored = fs::rename(old, &self.target);
                    }
                    return Err(Trouble::io("write", &self.target)(error));
                }
            }
        }
        for old in olds {
            keep_others(&old, &self.target).map_err(Trouble::io("keep what else was in", &old))?;
            fs::remove_dir_all(&old).map_err(Trouble::io("remove the old", &old))?;
        }
        Ok(())
    }
}

/// How often another run may put its results in the place that was just cleared.
const RIVALS_MAX: usize = 100;

/// Whether a folder could not be renamed because there is one of that name.
fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
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
    let what = format!("cannot write results to `{}`", super::output::visible(target));
    Trouble::Io { what, error: io::Error::other(why.to_owned()) }
}

/// What a run writes.
const WRITTEN: [&str; 7] =
    ["callbacks.csv", "marks.csv", "metrics.csv", MARKER, "server.csv", "summary.json", "users"];

/// Whether a folder was written by a run: its `run.json` says so.
fn is_ours(folder: &Path) -> bool {
    let manifest = fs::read_to_string(folder.join(MARKER)).unwrap_or_default();
    manifest.starts_with("{\n  \"roomsim\": ")
}

/// Moves what no run has written from one folder to another.
fn keep_others(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        let is_kept = !WRITTEN.iter().any(|it| name == *it);
        let mut n_tries = 0;
        while is_kept && !to.join(&name).exists() {
            match fs::rename(from.join(&name), to.join(&name)) {
                // Another run is putting its results there just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound && n_tries < RIVALS_MAX => {
                    n_tries += 1;
                }
                moved => {
                    moved?;
                    break;
                }
            }
        }
    }
    Ok(())
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
    if is_ours(target) {
        return Ok(());
    }
    let mut entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Trouble::io("look at", target)(error)),
    };
    // The folders of `--seeds` lie in one that has no results of its own; and another run may have
    // put its results there since the first look.
    if !entries.all(|it| it.is_ok_and(|it| is_ours(&it.path()))) && !is_ours(target) {
        return Err(refused(
            target,
            "it holds other things than results of roomsim (no run.json of roomsim is in it)",
        ));
    }
    Ok(())
}
