//! A shell script with the commands of tc-netem.

use std::fmt::Write as _;

use super::{Change, Missing, Way, note_path};
use crate::{
    id::{ClientId, Id, IdVec},
    link::{
        Direction, PathModel, Reorder,
        delay::{Delay, Spread, Table},
        loss::Loss,
    },
    scenario::Scenario,
    time::{SimSpan, SimTime},
};

/// The script: interfaces come from the environment, times are slept.
pub(super) fn script(scenario: &Scenario, changes: &[Change], mut missing: Missing) -> String {
    let mut lines = String::new();
    let mut now = SimTime::ZERO;
    let mut tables = Tables::default();
    let mut paths: IdVec<ClientId, [Option<&PathModel>; 2]> =
        IdVec::filled(scenario.named_clients().len(), || [None; 2]);
    for change in changes {
        if now < change.at {
            line(&mut lines, format_args!("sleep {}", seconds(change.at.since(now))));
            now = change.at;
        }
        for direction in Direction::BOTH {
            let interface = interface(change.client, direction);
            let before = &mut paths[change.client][direction as usize];
            let (command, conditions) = match change.ways[direction as usize] {
                Way::Cut => {
                    let is_late = |it: &PathModel| !it.delay.longest().is_zero();
                    if direction == Direction::Down && before.is_some_and(is_late) {
                        missing.note(LATE_CUT);
                    }
                    ("netem", "loss random 100%".to_owned())
                }
                Way::Held => {
                    missing.note(HELD);
                    line(&mut lines, format_args!("# ${interface} stands still"));
                    continue;
                }
                Way::Open(link) => {
                    let path = scenario.links()[link].model.path(direction);
                    let before = before.replace(path);
                    note_path(path, &mut missing);
                    note_netem((before, path), &mut missing);
                    (command(before, path), conditions(path, &mut tables))
                }
            };
            line(&mut lines, format_args!("{command} \"${interface}\" {conditions}"));
        }
    }
    tables.note(&mut missing);
    line(&mut lines, format_args!("sleep {}", seconds(scenario.end().since(now))));
    let mut text = format!(
        "#!/bin/sh\n\
         # The links of the scenario {} for tc-netem: run it as root, with the interface of each\n\
         # client's direction in the environment (UP: from the client, DOWN: to it).\n",
        scenario.name()
    );
    for (client, spec) in scenario.named_clients().iter() {
        let (up, down) = (interface(client, Direction::Up), interface(client, Direction::Down));
        line(&mut text, format_args!("# {up}, {down}: {}", spec.name));
    }
    for what in &missing.0 {
        line(&mut text, format_args!("# NOT EXPRESSED: {what}"));
    }
    text += "set -eu\n";
    text += &tables.files();
    // The limit that a path has comes later and counts; without, netem's own would.
    let limit = NO_LIMIT;
    line(
        &mut text,
        format_args!(
            "netem() {{\n    interface=$1\n    shift\n    \
             tc qdisc replace dev \"$interface\" root netem limit {limit} \"$@\"\n}}"
        ),
    );
    if lines.contains("\nanew ") {
        text += "# netem keeps a rate and a distribution that it is not told anew.\n\
                 anew() {\n    tc qdisc del dev \"$1\" root\n    netem \"$@\"\n}\n";
    }
    text + &lines
}

/// As good as no limit.
const NO_LIMIT: u32 = 1_000_000_000;

/// Outages cut the client's end, which is the far one of the way down.
const LATE_CUT: &str = "an outage on a way down that takes time: here it loses what is sent in it, \
                        in the scenario what would arrive in it";

/// What is under way when netem begins anew.
const PURGED: &str = "messages under way when a rate or a distribution ends: netem loses them";

/// netem's rate of 0 is none.
const HELD: &str = "a link that stands still and holds messages: netem's rate of 0 is no limit; it \
                    stays as it was";

/// netem lets messages wait for the rate when their delay is over.
const VARIED: &str = "a delay that varies before a rate: netem lets messages wait for the rate \
                      after their delay, and none overtakes";

/// What netem's files hold.
const QUANTILES_MAX: usize = 16_384;

/// The tables of quantiles that a script brings along: tc's own of these names are others.
#[derive(Default)]
struct Tables<'a>(Vec<(String, &'a Table)>);

impl<'a> Tables<'a> {
    /// The name that tc knows a table by.
    fn name(&mut self, table: &'a Table) -> String {
        if let Some((name, _)) = self.0.iter().find(|it| it.1 == table) {
            return name.clone();
        }
        let n_others = self.0.iter().filter(|it| it.1.name.is_none()).count();
        let name = match table.name {
            Some(name) => format!("roomsim-{name}"),
            None => format!("roomsim-table-{}", n_others + 1),
        };
        self.0.push((name.clone(), table));
        name
    }

    /// What netem's files cannot hold.
    fn note(&self, missing: &mut Missing) {
        for (name, table) in &self.0 {
            let beyond = |it: &i32| i16::try_from(*it).is_err();
            let n_beyond = table.quantiles().iter().filter(|it| beyond(it)).count();
            if n_beyond != 0 {
                missing.note(format!(
                    "the tail of {name} beyond 4 times the jitter: netem's tables end there, \
                     which {n_beyond} of {} quantiles do not",
                    table.len()
                ));
            }
            if QUANTILES_MAX < table.len() {
                missing.note(format!(
                    "all of the {} quantiles of {name}: netem's tables hold {QUANTILES_MAX}",
                    table.len()
                ));
            }
        }
    }

    /// The commands that write the files, into a folder of their own, where tc is to look for them.
    fn files(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let mut text = "TC_LIB_DIR=$(mktemp -d)\nexport TC_LIB_DIR\n\
                        trap 'rm -r \"$TC_LIB_DIR\"' EXIT\n"
            .to_owned();
        for (name, table) in &self.0 {
            line(&mut text, format_args!("cat >\"$TC_LIB_DIR/{name}.dist\" <<'END'"));
            let n = table.len().min(QUANTILES_MAX);
            let quantile = |it: usize| {
                let quantile = table.quantiles()[it * table.len() / n];
                quantile.clamp(i16::MIN.into(), i16::MAX.into()).to_string()
            };
            let quantiles: Vec<String> = (0..n).map(quantile).collect();
            for row in quantiles.chunks(12) {
                line(&mut text, format_args!("{}", row.join(" ")));
            }
            text += "END\n";
        }
        text
    }
}

/// The command that lets netem follow a path after another: told of the new one it would keep what
/// that does not speak of.
fn command(before: Option<&PathModel>, path: &PathModel) -> &'static str {
    if before.is_some_and(|it| is_kept(it, path)) { "anew" } else { "netem" }
}

/// Whether netem would keep a rate or a table of a path that the next has not.
fn is_kept(before: &PathModel, path: &PathModel) -> bool {
    let has_table = |it: &PathModel| matches!(it.delay.spread, Spread::Table(_)) && has_jitter(it);
    before.rate().is_some() && path.rate().is_none() || has_table(before) && !has_table(path)
}

fn has_jitter(path: &PathModel) -> bool {
    !path.delay.jitter.is_zero()
}

/// What is said otherwise to netem, or not at all.
fn note_netem((before, path): (Option<&PathModel>, &PathModel), missing: &mut Missing) {
    match path.loss {
        Loss::Random(_) => (),
        Loss::GilbertElliott(_) | Loss::FourState(_) => {
            missing.note("burst models of each kind of traffic by itself: all share one");
        }
        Loss::Timed(_) => {
            missing.note("good and bad spells that last for time: as much is lost by chance");
        }
    }
    let has_gap = reorder_of(path).is_some_and(|it| 1 < it.gap);
    if has_gap {
        missing.note("gaps of each kind of traffic by itself: all share one");
    }
    if !path.duplicate.is_zero() && (path.loss.has_chain() || has_gap) {
        missing.note("copies that leave a burst model and a gap as they find them");
    }
    if let Spread::Table(_) = path.delay.spread
        && has_jitter(path)
        && path.delay.mean.is_zero()
    {
        missing.note("a distribution without a delay: the delay is 1us");
    }
    if reorder_of(path).is_some() && path.delay.mean.is_zero() {
        missing.note("reordering without a delay: the delay is 1us");
    }
    let has_changed = before.is_some_and(|it| it.delay.mean != path.delay.mean);
    if path.rate().is_some() && (has_jitter(path) || has_changed) {
        missing.note(VARIED);
    }
    if before.is_some_and(|it| is_kept(it, path)) {
        missing.note(PURGED);
    }
}

/// The reordering, if anything is reordered.
fn reorder_of(path: &PathModel) -> Option<Reorder> {
    path.reorder.filter(|it| !it.share.is_zero())
}

/// Text can be written to a string.
fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "{what}").expect("text can be written to a string");
}

/// The name of the variable with a client's interface: names of clients are no names of those.
fn interface(client: ClientId, direction: Direction) -> String {
    let way = match direction {
        Direction::Up => "UP",
        Direction::Down => "DOWN",
    };
    format!("{way}_{}", client.index() + 1)
}

fn seconds(span: SimSpan) -> String {
    let micros = span.as_micros();
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// The arguments of netem for a path.
fn conditions<'a>(path: &'a PathModel, tables: &mut Tables<'a>) -> String {
    let mut words = Vec::new();
    let Delay { mean, jitter, spread } = &path.delay;
    let reorder = reorder_of(path);
    let table = match spread {
        Spread::Table(table) if has_jitter(path) => Some(tables.name(table)),
        Spread::Table(_) | Spread::Uniform => None,
    };
    if !mean.is_zero() || has_jitter(path) || reorder.is_some() {
        // tc takes neither a distribution nor a reordering without a delay.
        let least = u64::from(table.is_some() || reorder.is_some());
        words.push(format!("delay {}us", mean.as_micros().max(least)));
    }
    if has_jitter(path) {
        words.push(format!("{}us", jitter.as_micros()));
    }
    words.extend(table.map(|it| format!("distribution {it}")));
    match path.loss {
        Loss::Random(share) if share.is_zero() => (),
        Loss::Random(share) => words.push(format!("loss random {share}")),
        Loss::GilbertElliott(it) => words.push(format!(
            "loss gemodel {} {} {} {}",
            it.to_bad, it.to_good, it.bad_loss, it.good_loss
        )),
        Loss::FourState(it) => {
            words
                .push(format!("loss state {} {} {} {} {}", it.p13, it.p31, it.p32, it.p23, it.p14));
        }
        Loss::Timed(it) if it.mean_loss().is_zero() => (),
        Loss::Timed(it) => words.push(format!("loss random {}", it.mean_loss())),
    }
    if !path.duplicate.is_zero() {
        words.push(format!("duplicate {}", path.duplicate));
    }
    if let Some(reorder) = reorder {
        words.push(format!("reorder {} gap {}", reorder.share, reorder.gap));
    }
    if let Some(bottleneck) = path.bottleneck {
        if let Some(rate) = bottleneck.rate {
            words.push(format!("rate {rate} {}", bottleneck.overhead));
        }
        words.push(format!("limit {}", bottleneck.limit));
    }
    words.join(" ")
}
