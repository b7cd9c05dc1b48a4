//! Hidden folders in which results are made, each with a file beside it that is locked as long as
//! its run lives.
//!
//! The kernel gives up the locks of a process that is killed, whichever container it ran in; so a
//! later run knows what was left behind, and removes it.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::folder::{WRITTEN, keep_others};

/// What the names of hidden folders have between that of their target and the process.
const INFIX: &str = ".tmp-";
/// What the names of locked files end with.
const LOCK: &str = ".lock";
/// What the names of older results have before their number.
const OLD: &str = ".old-";

/// The most hidden folders that one process has for one target.
const NUMBERS_MAX: usize = 1000;

/// A hidden folder that is ours as long as we live.
pub(super) struct Claim {
    pub(super) folder: PathBuf,
    /// Locked, and where it is; nothing, where the file system has no locks.
    lock: Option<(File, PathBuf)>,
}

impl Claim {
    /// Makes a hidden folder in another one, for a target of this name.
    pub(super) fn make(parent: &Path, name: &str) -> io::Result<Self> {
        let pid = std::process::id();
        let mut number = 0;
        loop {
            let folder = parent.join(format!(".{name}{INFIX}{pid}-{number}"));
            match Self::try_make(folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
                made => return made,
            }
            number += 1;
            if NUMBERS_MAX <= number {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
        }
    }

    fn try_make(folder: PathBuf) -> io::Result<Self> {
        let path = with(&folder, LOCK);
        let file = File::create_new(&path)?;
        let lock = match file.try_lock() {
            Ok(()) if path.exists() => Some((file, path)),
            // Somebody who looks for what killed runs left has it.
            Ok(()) | Err(TryLockError::WouldBlock) => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            Err(TryLockError::Error(_)) => {
                fs::remove_file(&path)?;
                None
            }
        };
        let made = fs::create_dir(&folder);
        let claim = Self { folder, lock };
        made.map(|()| claim)
    }

    /// A hidden name beside the folder that nothing has, for the older results.
    pub(super) fn free_name(&self) -> PathBuf {
        let mut names = (0..).map(|it| with(&self.folder, &format!("{OLD}{it}")));
        names.find(|it| fs::symlink_metadata(it).is_err()).expect("there are enough numbers")
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some((file, path)) = self.lock.take() {
            drop(file); // Some systems remove no file that is open.
            let _ignored = fs::remove_file(path); // It is only litter.
        }
    }
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Removes what killed runs have left in a folder.  Nothing is certain to be left that a live
/// process has, or that holds anything that no run writes; and nothing fails because of litter.
pub(super) fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let names = entries.filter_map(|it| it.ok()?.file_name().into_string().ok());
    let claims: BTreeSet<String> =
        names.filter_map(|it| Left::of(&it).map(|it| it.claim)).collect();
    for claim in claims {
        let folder = parent.join(&claim);
        let path = with(&folder, LOCK);
        let lock = match File::options().read(true).write(true).open(&path) {
            Ok(file) if file.try_lock().is_ok() => Some(file),
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => continue,
        };
        let pid = Left::of(&claim).and_then(|it| it.pid);
        if lock.is_some() || pid.is_some_and(is_gone) {
            let _ignored = remove(parent, &claim);
            drop(lock);
            let _ignored = fs::remove_file(&path);
        }
    }
}

/// What the name of something hidden says.
struct Left<'a> {
    /// The name of the hidden folder that it belongs to.
    claim: String,
    /// The name of the target.
    target: &'a str,
    pid: Option<u32>,
}

impl<'a> Left<'a> {
    /// `.<target>.tmp-<process>-<number>`, and perhaps `.lock` or `.old-<number>` behind it.
    fn of(name: &'a str) -> Option<Self> {
        let (target, rest) = name.strip_prefix('.')?.rsplit_once(INFIX)?;
        let (numbers, end) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
        let (pid, number) = numbers.split_once('-')?;
        let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        let is_ours = is_number(pid)
            && is_number(number)
            && (end.is_empty() || end == LOCK || end.strip_prefix(OLD).is_some_and(is_number));
        let claim = name[..name.len() - end.len()].to_owned();
        is_ours.then(|| Self { claim, target, pid: pid.parse().ok() })
    }
}

/// Removes the folder of a run that is no more, and puts older results back in their place.
fn remove(parent: &Path, claim: &str) -> io::Result<()> {
    let Some(Left { target, .. }) = Left::of(claim) else { return Ok(()) };
    let target = parent.join(target);
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name();
        let end = name.to_str().and_then(|it| it.strip_prefix(claim));
        let Some(end) = end.filter(|_| entry.file_type().is_ok_and(|it| it.is_dir())) else {
            continue;
        };
        if end.starts_with(OLD) {
            if fs::symlink_metadata(&target).is_err() {
                fs::rename(entry.path(), &target)?;
                continue;
            }
            keep_others(&entry.path(), &target)?;
            fs::remove_dir_all(entry.path())?;
        } else if end.is_empty() && has_only_ours(&entry.path())? {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn has_only_ours(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if !WRITTEN.iter().any(|it| name == *it) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether it is certain that there is no process of this number.
#[cfg(unix)]
fn is_gone(pid: u32) -> bool {
    let Ok(pid) = i32::try_from(pid) else { return true };
    let asked = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None);
    0 < pid && asked == Err(nix::errno::Errno::ESRCH)
}

/// Whether it is certain that there is no process of this number.
#[cfg(not(unix))]
fn is_gone(_: u32) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_run_makes_are_known() {
        let claim = || ".a.tmp-b.tmp-17-0".to_owned();
        for end in ["", ".lock", ".old-0", ".old-12"] {
            let name = claim() + end;
            assert_eq!(Left::of(&name).map(|it| it.claim), Some(claim()), "{name}");
        }
        let visit = Left::of(".visit.tmp-17-3.lock").map(|it| (it.target, it.pid));
        assert_eq!(visit, Some(("visit", Some(17))));
        for name in [
            "visit.tmp-17-3",
            ".visit.tmp-17",
            ".visit.tmp--3",
            ".visit.tmp-17-",
            ".visit.tmp-17-3x",
            ".visit.tmp-17-3.txt",
            ".visit.tmp-17-3.old-",
            ".visit.tmp-17-3.lock.old-1",
            ".visit",
        ] {
            assert!(Left::of(name).is_none(), "{name}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_process_that_lives_is_not_gone() {
        assert!(!is_gone(std::process::id()));
        assert!(!is_gone(1), "one that is somebody else's");
        assert!(is_gone(u32::MAX));
    }
}
