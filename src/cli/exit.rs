//! How a command ends, and what is said when it ends badly.

use std::{cell::RefCell, fmt, io, path::Path, process::ExitCode, sync::Mutex};

/// How a command ended, as long as no bug ended it (that is code 101).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All expectations held.
    Held = 0,
    /// An expectation failed.
    Failed = 1,
    /// The arguments or a scenario are wrong.
    Usage = 2,
    /// Reading or writing failed.
    Io = 3,
    /// The terminal it ran in was closed (SIGHUP).
    HungUp = 129,
    /// Ctrl-C ended it (SIGINT).
    Interrupted = 130,
    /// It was asked to end (SIGTERM), as `kill`, `timeout` and schedulers of jobs do.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not be carried out.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The user has been told already.
    Told(Exit),
    /// Reading or writing failed.
    Io { what: String, error: io::Error },
    /// Ctrl-C, or a signal like it, ended the runs; this much was complete.
    Interrupted(String),
}

impl Trouble {
    /// Reading or writing a file failed.
    pub(super) fn io(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let what = format!("cannot {verb} `{}`", super::output::visible(path));
        move |error| Self::Io { what, error }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(_) => Ok(()),
            Self::Interrupted(complete) => write!(f, "interrupted: {complete}"),
            Self::Io { what, error } => write!(f, "error: {what}: {error}"),
        }
    }
}

/// Says what went wrong and gives the exit code.
pub(super) fn report(trouble: &Trouble) -> Exit {
    match trouble {
        Trouble::Told(exit) => *exit,
        Trouble::Interrupted(_) => {
            super::output::complain(&trouble.to_string());
            super::interrupt::exit()
        }
        Trouble::Io { .. } => {
            super::output::complain(&trouble.to_string());
            Exit::Io
        }
    }
}

/// The command that would repeat the run under way.
static REPLAY: Mutex<String> = Mutex::new(String::new());

thread_local! {
    /// The same of a thread that has a run for itself.
    static REPLAY_HERE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes which run is under way, on this thread and on those that it makes.
pub(super) fn note_run(file: &str, seed: u64) {
    let command = format!("roomsim run {file} --seed {seed}");
    REPLAY_HERE.with_borrow_mut(|it| it.clone_from(&command));
    if let Ok(mut replay) = REPLAY.lock() {
        *replay = command;
    }
}

/// Makes a bug tell which run it was found in.
pub(super) fn name_the_run_in_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        usual(info);
        let here = REPLAY_HERE.try_with(|it| it.try_borrow().map(|it| it.clone()));
        let here = here.ok().and_then(Result::ok).filter(|it| !it.is_empty());
        let replay = here.or_else(|| REPLAY.lock().ok().map(|it| it.clone()));
        let replay = replay.unwrap_or_default();
        let version = env!("CARGO_PKG_VERSION");
        super::output::complain(&format!(
            "this is a bug in roomsim {version}; please report it with the scenario{}{replay}",
            if replay.is_empty() { "" } else { " and this command: " },
        ));
    }));
}
