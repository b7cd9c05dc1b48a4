//! Signals that end a command: the runs under way stop at the next look, what is complete is told,
//! and nothing half done is left.

use std::sync::{
    LazyLock, Once,
    atomic::{AtomicU8, Ordering},
};

use roomsim::sim::Control;

use super::{exit::Exit, output::complain};

/// By what all runs of the command are watched and stopped.
static CONTROL: LazyLock<Control> = LazyLock::new(Control::default);

/// By what all runs of the command are watched and stopped.
pub(super) fn control() -> &'static Control {
    &CONTROL
}

/// The exit code for the signal that stopped the runs.
static ENDED_BY: AtomicU8 = AtomicU8::new(Exit::Interrupted as u8);

/// How a command ends whose runs were stopped.
pub(super) fn exit() -> Exit {
    let all = [Exit::HungUp, Exit::Terminated];
    let code = ENDED_BY.load(Ordering::Relaxed);
    all.into_iter().find(|it| *it as u8 == code).unwrap_or(Exit::Interrupted)
}

static LISTENING: Once = Once::new();

/// From now on Ctrl-C and signals like it stop the runs instead of the process; another Ctrl-C ends
/// it at once.  To be called before there are other threads.
pub(super) fn listen() {
    LISTENING.call_once(|| {
        if let Err(error) = system::on_signals(heard) {
            complain(&format!("warning: Ctrl-C will end roomsim at once: {error}"));
        }
    });
}

fn heard(ends: Exit) {
    if control().is_stopped() {
        // The other signals come twice by themselves: from `timeout` to a process and its group,
        // from the terminal and from its shell.
        if ends == Exit::Interrupted {
            leave();
        }
        return;
    }
    ENDED_BY.store(ends as u8, Ordering::Relaxed);
    control().stop();
}

#[expect(clippy::exit, reason = "who presses Ctrl-C twice does not want to wait")]
fn leave() {
    std::process::exit(Exit::Interrupted as i32);
}

#[cfg(unix)]
mod system {
    //! A thread that waits for signals, which all other threads put off.

    use std::{fs, thread};

    use nix::sys::signal::{SigSet, Signal};

    use crate::cli::Exit;

    /// The signals, and how a command ends that gets one.
    const ENDS: [(Signal, Exit); 3] = [
        (Signal::SIGINT, Exit::Interrupted),
        (Signal::SIGTERM, Exit::Terminated),
        (Signal::SIGHUP, Exit::HungUp),
    ];

    /// Calls `heard` for each signal with how the command is to end.
    pub(super) fn on_signals(heard: fn(Exit)) -> nix::Result<()> {
        let mut signals = SigSet::empty();
        for (signal, ends) in ENDS {
            // What `nohup` began is not ended when the terminal is gone.
            if ends != Exit::HungUp || !is_ignored(signal) {
                signals.add(signal);
            }
        }
        signals.thread_block()?;
        thread::spawn(move || {
            loop {
                let came = signals.wait().expect("these signals can be waited for");
                ENDS.iter().filter(|it| it.0 == came).for_each(|it| heard(it.1));
            }
        });
        Ok(())
    }

    /// Whether a signal was ignored when the command began.
    ///
    /// Linux keeps signals that are put off also when they are ignored, and tells which are;
    /// elsewhere those that are ignored do not come.
    fn is_ignored(signal: Signal) -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok());
        mask.is_some_and(|it| it >> (signal as u32 - 1) & 1 == 1)
    }
}

#[cfg(not(unix))]
mod system {
    //! Ctrl-C, and the end of the console.

    use crate::cli::Exit;

    /// Calls `heard` for each signal with how the command is to end.
    pub(super) fn on_signals(heard: fn(Exit)) -> Result<(), ctrlc::Error> {
        ctrlc::set_handler(move || heard(Exit::Interrupted))
    }
}
