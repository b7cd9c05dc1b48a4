//! Reads scenario and profile files.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use roomsim::{
    scenario::{self, FILE_MAX, Scenario, fault::Fault},
    sink::trace::sha256,
};

use super::{diagnostic, exit::Trouble};

/// A scenario and the file that it came from.
pub(super) struct Loaded {
    /// The file as the user named it.
    pub(super) file: String,
    pub(super) scenario: Scenario,
    pub(super) sha256: String,
    /// The files that it names, with their SHA-256.
    pub(super) named: BTreeMap<String, String>,
}

impl Loaded {
    /// The file as a shell would have to be told.
    pub(super) fn typed(&self) -> String {
        let is_plain = |it: char| it.is_alphanumeric() || "/._-+,:@%".contains(it);
        match &*self.file {
            STDIN => "-".to_owned(),
            file if file.chars().all(is_plain) => file.to_owned(),
            file => format!("'{}'", file.replace('\'', "'\\''")),
        }
    }
}

/// How messages name the standard input.
const STDIN: &str = "<stdin>";

/// A file that has been read without a fault.
pub(super) struct Parsed<T> {
    /// The file as the user named it.
    pub(super) file: String,
    pub(super) what: T,
    pub(super) sha256: String,
}

/// Reads all scenarios; complains of everything that is wrong with any of them.
pub(super) fn load(files: &[PathBuf]) -> Result<Vec<Loaded>, Trouble> {
    let all = read_all(files, |path, text| {
        let named = RefCell::new(BTreeMap::new());
        let scenario = Scenario::parse_with(text, &|name| {
            let (text, sha256) = read_named(path, name)?;
            named.borrow_mut().insert(name.to_owned(), sha256);
            Ok(text)
        })?;
        Ok((scenario, named.into_inner()))
    })?;
    let loaded =
        |Parsed { file, what: (scenario, named), sha256 }| Loaded { file, scenario, sha256, named };
    Ok(all.into_iter().map(loaded).collect())
}

/// The text of a file that a scenario names, from the scenario's folder, and its SHA-256.
fn read_named(scenario: &Path, name: &str) -> Result<(String, String), String> {
    let folder = if is_stdin(scenario) { None } else { scenario.parent() };
    let path = folder.unwrap_or_else(|| Path::new("")).join(name);
    let mut bytes = Vec::new();
    if path.metadata().is_ok_and(|it| !it.is_file()) {
        return Err("it is no file".to_owned());
    }
    File::open(path)
        .and_then(|it| it.take(FILE_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|it| it.to_string())?;
    let text = scenario::text_of(&bytes).map_err(|it| it.problem)?;
    Ok((text.to_owned(), sha256(&bytes)))
}

/// Reads all files; complains of everything that is wrong with any of them.
pub(super) fn read_all<T>(
    files: &[PathBuf],
    parse: impl Fn(&Path, &str) -> Result<T, Vec<Fault>>,
) -> Result<Vec<Parsed<T>>, Trouble> {
    let mut all = Vec::new();
    let mut trouble = None;
    for path in files {
        let file = name_of(path);
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(unreadable) => {
                // The faults of the other files are told all the same.
                trouble.get_or_insert(unreadable);
                continue;
            }
        };
        match scenario::text_of(&bytes).map_err(|fault| vec![fault]).and_then(|it| parse(path, it))
        {
            Ok(what) => all.push(Parsed { file, what, sha256: sha256(&bytes) }),
            Err(faults) => {
                diagnostic::complain(&file, &bytes, &faults);
                trouble.get_or_insert(Trouble::Wrong);
            }
        }
    }
    trouble.map_or(Ok(all), Err)
}

fn name_of(path: &Path) -> String {
    if is_stdin(path) { STDIN.to_owned() } else { path.display().to_string() }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// All bytes of a file, or one more than is allowed.
fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    let limit = FILE_MAX as u64 + 1;
    let done = if is_stdin(path) {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|it| it.take(limit).read_to_end(&mut bytes))
    };
    done.map_err(Trouble::io("read", path))?;
    Ok(bytes)
}
