//! Reads scenario and profile files.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use roomsim::{
    report::text::count,
    scenario::{
        self, FILE_MAX, Scenario,
        fault::Fault,
        settings::{Edited, Origin, Setting},
    },
    sink::trace::sha256,
};

use super::{
    args, diagnostic,
    exit::{Exit, Trouble},
    output::{complain, visible},
};

/// A scenario and the file that it came from.
pub(super) struct Loaded {
    /// The file as it is shown.
    pub(super) file: String,
    /// The file, with what is set in it, as a shell would have to be told.
    pub(super) typed: String,
    /// Which of the files asked for it is, from 0.
    pub(super) index: usize,
    pub(super) scenario: Scenario,
    pub(super) sha256: String,
    /// The files that it names, with their SHA-256.
    pub(super) named: BTreeMap<String, String>,
    /// What was set in it.
    pub(super) settings: Vec<Setting>,
}

/// What is wrong with a scenario, and with what was set in it.
#[derive(Default)]
pub(super) struct Wrong {
    in_file: Vec<Fault>,
    /// In the setting, and with it.
    in_settings: Vec<(Setting, Fault)>,
}

impl From<Vec<Fault>> for Wrong {
    fn from(in_file: Vec<Fault>) -> Self {
        Self { in_file, in_settings: Vec::new() }
    }
}

impl Wrong {
    /// The faults of an edited text, where their author can mend them.
    fn of(edited: &Edited, settings: &[Setting], faults: Vec<Fault>) -> Self {
        let mut wrong = Self::default();
        for fault in faults {
            match edited.origin(&fault.range) {
                Origin::File(range) => wrong.in_file.push(Fault { range, ..fault }),
                Origin::Setting(index) => {
                    let setting = settings[index].clone();
                    let range = setting.pointer().len() + 1..setting.to_string().len();
                    wrong.in_settings.push((setting, Fault { range, ..fault }));
                }
            }
        }
        wrong
    }

    /// Tells the user; gives the same as lines of text.
    fn complain(&self, file: &str, bytes: &[u8]) -> String {
        let mut details = String::new();
        if !self.in_file.is_empty() {
            diagnostic::complain(file, bytes, &self.in_file);
            details += &diagnostic::in_lines(file, bytes, &self.in_file);
        }
        for (setting, fault) in &self.in_settings {
            let (text, fault) = (setting.to_string(), std::slice::from_ref(fault));
            diagnostic::complain("--set", text.as_bytes(), fault);
            details += &diagnostic::in_lines("--set", text.as_bytes(), fault);
        }
        details
    }
}

/// How messages name the standard input.
const STDIN: &str = "<stdin>";

/// A file that has been read without a fault.
pub(super) struct Parsed<T> {
    /// The file as it is shown.
    pub(super) file: String,
    pub(super) what: T,
    pub(super) sha256: String,
}

/// A file that could not be read, or is wrong; the user has been told.
pub(super) struct Refused {
    /// The file as it is shown.
    pub(super) file: String,
    /// Which of the files asked for it is, from 0.
    pub(super) index: usize,
    /// How the command ends.
    pub(super) exit: Exit,
    /// What is wrong in a few words.
    pub(super) summary: String,
    /// All that is wrong, with places and remedies.
    pub(super) details: String,
}

/// Which files a scenario may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those below its own folder; for the standard input, below where roomsim runs.
    Below,
    /// All.
    Anywhere,
}

impl From<&args::Outside> for Reach {
    fn from(args: &args::Outside) -> Self {
        if args.allow_outside { Self::Anywhere } else { Self::Below }
    }
}

/// How scenarios are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    pub(super) reach: Reach,
    /// What is set in each.
    pub(super) settings: &'a [Setting],
}

impl<'a> Reading<'a> {
    pub(super) fn new(outside: &args::Outside, set: &'a args::Set) -> Self {
        Self { reach: outside.into(), settings: &set.settings }
    }
}

/// Reads all scenarios; complains of everything that is wrong with any of them.
pub(super) fn load(files: &[PathBuf], how: Reading<'_>) -> Result<Vec<Loaded>, Trouble> {
    all_or_none(load_each(files, how))
}

/// Reads scenarios; complains of everything that is wrong with any of them.
pub(super) fn load_each(files: &[PathBuf], how: Reading<'_>) -> Vec<Result<Loaded, Refused>> {
    let Reading { reach, settings } = how;
    let all = read_each(files, |path, text| {
        let named = RefCell::new(BTreeMap::new());
        let (edited, misfits) = Edited::new(text, settings);
        let scenario = Scenario::parse_with(edited.text(), &|name| {
            let (text, sha256) = read_named(path, name, reach)?;
            named.borrow_mut().insert(name.to_owned(), sha256);
            Ok(text)
        });
        let misfits = misfits.into_iter().map(|(index, it)| (settings[index].clone(), it));
        match scenario {
            Ok(scenario) if misfits.len() == 0 => Ok((scenario, named.into_inner())),
            Ok(_) => Err(Wrong { in_settings: misfits.collect(), ..Wrong::default() }),
            Err(faults) => {
                let mut wrong = Wrong::of(&edited, settings, faults);
                wrong.in_settings.splice(0..0, misfits);
                Err(wrong)
            }
        }
    });
    let numbered = all.into_iter().zip(files).enumerate();
    let set = settings.iter().map(|it| format!(" --set {}", typed(Path::new(&it.to_string()))));
    let set: String = set.collect();
    let loaded = numbered.map(|(index, (read, path))| {
        read.map(|Parsed { file, what: (scenario, named), sha256 }| Loaded {
            file,
            typed: typed(path) + &set,
            index,
            scenario,
            sha256,
            named,
            settings: settings.to_vec(),
        })
    });
    loaded.collect()
}

/// All, or how the first that is refused ends the command.
fn all_or_none<T>(all: Vec<Result<T, Refused>>) -> Result<Vec<T>, Trouble> {
    all.into_iter().collect::<Result<_, _>>().map_err(|it| Trouble::Told(it.exit))
}

/// A file as a shell would have to be told.
fn typed(path: &Path) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || "/._-+,:@%".contains(it);
    match path.to_str() {
        Some(name) if name.chars().all(is_plain) => name.to_owned(),
        Some(name) if visible(name) == name => format!("'{}'", name.replace('\'', "'\\''")),
        Some(_) | None => {
            let bytes = path.as_os_str().as_encoded_bytes().iter();
            let escaped: Vec<String> = bytes
                .map(|it| match it {
                    b'\'' | b'\\' => format!("\\{}", char::from(*it)),
                    b' '..=b'~' => char::from(*it).to_string(),
                    _ => format!("\\x{it:02x}"),
                })
                .collect();
            format!("$'{}'", escaped.concat())
        }
    }
}

/// The text of a file that a scenario names, from the scenario's folder, and its SHA-256.
fn read_named(scenario: &Path, name: &str, reach: Reach) -> Result<(String, String), String> {
    let folder = if is_stdin(scenario) { None } else { scenario.parent() };
    let folder = folder.filter(|it| !it.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let path = match reach {
        Reach::Anywhere => folder.join(name),
        Reach::Below => below(folder, name)?,
    };
    let mut bytes = Vec::new();
    // Who opens a pipe may wait for ever.
    if path.metadata().is_ok_and(|it| !it.is_file()) {
        return Err("it is no file".to_owned());
    }
    File::open(path)
        .and_then(|it| it.take(FILE_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|it| it.to_string())?;
    let text = scenario::text_of(&bytes).map_err(|it| it.problem)?;
    Ok((text.to_owned(), sha256(&bytes)))
}

/// Where a file really is that lies below a folder, whatever symbolic links are on the way.  Of
/// one that does not, nothing is told, not even whether it is there.
fn below(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let outside = || "it is not below the folder of the scenario, and --allow-outside is not given";
    let folder = fs::canonicalize(folder).map_err(|it| it.to_string())?;
    match fs::canonicalize(folder.join(name)) {
        Ok(path) if path.starts_with(&folder) => Ok(path),
        Err(error) if seems_below(Path::new(name)) => Err(error.to_string()),
        Ok(_) | Err(_) => Err(outside().to_owned()),
    }
}

/// Whether a name leads below a folder as it is written.
fn seems_below(name: &Path) -> bool {
    let mut depth = 0_usize;
    name.components().all(|it| match it {
        Component::CurDir => true,
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::ParentDir => {
            let is_inside = 0 < depth;
            depth = depth.saturating_sub(1);
            is_inside
        }
        Component::Prefix(_) | Component::RootDir => false,
    })
}

/// Reads all files; complains of everything that is wrong with any of them.
pub(super) fn read_all<T>(
    files: &[PathBuf],
    parse: impl Fn(&Path, &str) -> Result<T, Wrong>,
) -> Result<Vec<Parsed<T>>, Trouble> {
    all_or_none(read_each(files, parse))
}

/// Reads files; complains of everything that is wrong with any of them.
fn read_each<T>(
    files: &[PathBuf],
    parse: impl Fn(&Path, &str) -> Result<T, Wrong>,
) -> Vec<Result<Parsed<T>, Refused>> {
    let read_one = |(index, path): (usize, &PathBuf)| {
        let file = name_of(path);
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let told = Trouble::io("read", path)(error).to_string();
                complain(&told);
                let summary = told.trim_start_matches("error: ").to_owned();
                return Err(Refused { file, index, exit: Exit::Io, summary, details: told });
            }
        };
        let text = scenario::text_of(&bytes).map_err(|fault| Wrong::from(vec![fault]));
        match text.and_then(|it| parse(path, it)) {
            Ok(what) => Ok(Parsed { file, what, sha256: sha256(&bytes) }),
            Err(wrong) => {
                let details = wrong.complain(&file, &bytes);
                let n_faults = wrong.in_file.len() + wrong.in_settings.len();
                let summary = format!("the scenario has {}", count(n_faults, "fault"));
                Err(Refused { file, index, exit: Exit::Usage, summary, details })
            }
        }
    };
    files.iter().enumerate().map(read_one).collect()
}

fn name_of(path: &Path) -> String {
    if is_stdin(path) { STDIN.to_owned() } else { visible(path) }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// All bytes of a file, or one more than is allowed.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = FILE_MAX as u64 + 1;
    if is_stdin(path) {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_typed_so_that_a_shell_takes_them_for_one() {
        for (name, told) in [
            ("a/b-1.json", "a/b-1.json"),
            ("-", "-"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("a\u{1b}[2J'\\", "$'a\\x1b[2J\\'\\\\'"),
            ("\u{202e}x", "$'\\xe2\\x80\\xaex'"),
        ] {
            assert_eq!(typed(Path::new(name)), told);
        }
    }

    #[test]
    fn what_leads_out_of_a_folder_is_seen() {
        for name in ["a", "./a", "a/../b", "a/b/../../c", "a/.."] {
            assert!(seems_below(Path::new(name)), "{name}");
        }
        for name in ["..", "../a", "a/../..", "a/../../b/c", "/a"] {
            assert!(!seems_below(Path::new(name)), "{name}");
        }
    }
}
