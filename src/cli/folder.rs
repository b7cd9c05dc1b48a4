//! A folder of results that is either whole or not there.
//!
//! Files are written into a fresh folder beside the target, which takes the target's name when all
//! of them are whole.  A run that is killed leaves the old results as they were; between two
//! renames, for an instant, they are beside their place, in a hidden folder called `.<name>.old-…`,
//! from where the next run puts them back.
//!
//! A target that cannot be renamed, such as a mount point, keeps its place: what was written goes
//! into it file by file, `run.json` last.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    claim::{Claim, sweep},
    exit::Trouble,
    output::visible,
};

/// The file by which a folder is known to be ours.
pub(super) const MARKER: &str = "run.json";

/// A folder in the making.
pub(super) struct Folder {
    target: PathBuf,
    /// Where it is made.
    fresh: Claim,
    /// Whether that is in the target instead of beside it.
    place: Place,
    is_done: bool,
}

/// Where a folder is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Beside the target, whose name it takes.
    Beside,
    /// In the target.
    Inside,
}

/// The name of what is made in the target.
const INSIDE: &str = "roomsim";

impl Folder {
    /// Begins a folder that will be `target`; removes what killed runs have left there.
    pub(super) fn begin(target: &Path) -> Result<Self, Trouble> {
        let parent = match target.parent() {
            Some(it) if !it.as_os_str().is_empty() => it,
            _ => Path::new("."),
        };
        let is_folder = fs::symlink_metadata(target).is_ok_and(|it| it.is_dir());
        sweep(parent);
        if is_folder {
            sweep(target);
        }
        check_replaceable(target)?;
        let beside = match target.file_name() {
            None if is_folder => None,
            None => {
                return Err(refused(target, "it has no name of its own; name a folder to be made"));
            }
            Some(name) => {
                let made = fs::create_dir_all(parent);
                Some(made.and_then(|()| Claim::make(parent, &name.to_string_lossy())))
            }
        };
        let (fresh, place) = match beside {
            Some(Ok(fresh)) => (Ok(fresh), Place::Beside),
            Some(Err(error)) if !is_folder || !keeps_its_place(&error) => {
                (Err(error), Place::Beside)
            }
            Some(Err(_)) | None => (Claim::make(target, INSIDE), Place::Inside),
        };
        let fresh = fresh.map_err(Trouble::io("make the folder", target))?;
        Ok(Self { target: target.to_owned(), fresh, place, is_done: false })
    }

    /// Makes a folder inside.
    pub(super) fn folder(&self, name: &str) -> Result<(), Trouble> {
        let path = self.fresh.folder.join(name);
        fs::create_dir(&path).map_err(Trouble::io("make the folder", &path))
    }

    /// Opens a new file inside.
    pub(super) fn file(&self, name: &str) -> io::Result<File> {
        File::create_new(self.fresh.folder.join(name))
    }

    /// What to say when writing a file inside failed.
    pub(super) fn trouble(&self, name: &str) -> impl FnOnce(io::Error) -> Trouble + use<> {
        Trouble::io("write", &self.target.join(name))
    }

    /// Gives the folder its name, in the place of older results.
    ///
    /// Another run may do the same to the same target meanwhile: then the last one stays.
    pub(super) fn finish(mut self) -> Result<(), Trouble> {
        if self.place == Place::Inside {
            return self.settle();
        }
        let mut olds = Vec::new();
        while !self.is_done {
            check_replaceable(&self.target)?;
            let old = self.fresh.free_name();
            match fs::rename(&self.target, &old) {
                Ok(()) => olds.push(old),
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) if keeps_its_place(&error) => return self.settle(),
                Err(error) => return Err(Trouble::io("replace", &self.target)(error)),
            }
            match fs::rename(&self.fresh.folder, &self.target) {
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

    /// Puts what was written into a target that keeps its place, instead of older results; nothing
    /// else in it is touched.
    fn settle(&self) -> Result<(), Trouble> {
        self.put_inside().map_err(Trouble::io("write", &self.target))
    }

    fn put_inside(&self) -> io::Result<()> {
        let copied = match self.place {
            Place::Inside => None,
            Place::Beside => {
                // What is beside a mount point may be on another file system.
                let inside = Claim::make(&self.target, INSIDE)?;
                copy_all(&self.fresh.folder, &inside.folder)?;
                Some(inside)
            }
        };
        let from = &copied.as_ref().unwrap_or(&self.fresh).folder;
        // Without the marker first, so that a mixture of two runs is never taken for one.
        remove(&self.target.join(MARKER))?;
        for name in WRITTEN.into_iter().filter(|it| *it != MARKER).chain([MARKER]) {
            remove(&self.target.join(name))?;
            if from.join(name).exists() {
                fs::rename(from.join(name), self.target.join(name))?;
            }
        }
        fs::remove_dir(from)
    }
}

/// Whether a folder cannot be moved or made where it was to be, but may well be written into: a
/// mount point, or one in a folder that is not ours to change.
fn keeps_its_place(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ResourceBusy
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Copies files, and folders with what is in them.
fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&to)?;
            copy_all(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// Removes a file or a folder, if there is one.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
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
            let _ignored = fs::remove_dir_all(&self.fresh.folder);
        }
    }
}

fn refused(target: &Path, why: &str) -> Trouble {
    let what = format!("cannot write results to `{}`", visible(target));
    Trouble::Io { what, error: io::Error::other(why.to_owned()) }
}

/// What a run writes.
pub(super) const WRITTEN: [&str; 7] =
    ["callbacks.csv", "marks.csv", "metrics.csv", MARKER, "server.csv", "summary.json", "users"];

/// Whether a folder was written by a run: its `run.json` says so.
fn is_ours(folder: &Path) -> bool {
    let manifest = fs::read_to_string(folder.join(MARKER)).unwrap_or_default();
    manifest.starts_with("{\n  \"roomsim\": ")
}

/// Moves what no run has written from one folder to another.
pub(super) fn keep_others(from: &Path, to: &Path) -> io::Result<()> {
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
        let within = visible(target.join("results"));
        let why = format!(
            "it holds other things than results of roomsim (no run.json of roomsim is in it); name \
             a folder to be made, such as `{within}`"
        );
        return Err(refused(target, &why));
    }
    Ok(())
}
