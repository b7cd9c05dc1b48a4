//! Ctrl-C: the runs under way stop at the next look, and what is complete is told.

use std::sync::{LazyLock, Once};

use roomsim::sim::Control;

use super::{exit::Exit, output::complain};

/// By what all runs of the command are watched and stopped.
static CONTROL: LazyLock<Control> = LazyLock::new(Control::default);

/// By what all runs of the command are watched and stopped.
pub(super) fn control() -> &'static Control {
    &CONTROL
}

static LISTENING: Once = Once::new();

/// From now on Ctrl-C stops the runs instead of the process; a second one ends it at once.
pub(super) fn listen() {
    LISTENING.call_once(|| {
        let heard = ctrlc::set_handler(|| {
            if control().is_stopped() {
                leave();
            }
            control().stop();
        });
        if let Err(error) = heard {
            complain(&format!("warning: Ctrl-C will end roomsim at once: {error}"));
        }
    });
}

#[expect(clippy::exit, reason = "who presses Ctrl-C twice does not want to wait")]
fn leave() {
    std::process::exit(Exit::Interrupted as i32);
}
