//! How fast roomsim is, and how fast other simulators are on the same workload.
//!
//! All times but those of `threads` are CPU time of the process: what else runs on the machine moves
//! them little.  Rows are measured in turn, as often as `--reps` says, and the least counts.

mod features;
mod hub;
mod peer;
mod product;
mod rows;
mod table;

use std::{
    num::NonZeroUsize,
    process::ExitCode,
    time::{Duration, Instant},
};

use cpu_time::ProcessTime;

use roomsim::sim::Heartbeats;

use hub::{Expected, Size, Tally};
use rows::{ONE_ROOM_MOST, ROOMS, Row, Rows, rows};
use table::{Style, Table};

const HELP: &str = "\
How fast roomsim is, and how fast other simulators are on the same workload.

Usage: roomsim-peers [COMMAND] [OPTIONS]

Commands:
  peers    ns per hop of roomsim and of nexosim, simcore and simrs (the default)
  rooms    ns per hop of roomsim alone, reading and running apart: rooms of 100, of 1000, one room
  linear   ns per client of roomsim in rooms of 100, for more and more clients
  threads  wall time of roomsim in rooms of 100 on 1 and on 2 threads
  features ns per message of roomsim in rooms of 100 with one thing more

Options:
  --n N,…        so many clients [default: 1000,10000,100000; linear: 10000,100000,1000000;
                 features: 10000]
  --seconds S    virtual time [default: 1200; peers with more than 10000 clients and linear: 300]
  --reps N       how often each row is measured [default: 3]
  --only NAME,…  only these rows; roomsim means all that begin with it
  --all          also the slower way of each peer to keep deadlines, and what takes long:
                 more than 10000 clients in one room
  --markdown     tables in Markdown
";

/// What the command line says.
struct Options {
    clients: Option<Vec<u32>>,
    seconds: Option<u64>,
    reps: u32,
    rows: Rows,
    style: Style,
}

impl Options {
    /// What is to be measured, unless the command line says otherwise.
    fn sizes(&self, clients: &[u32], seconds: impl Fn(u32) -> u64) -> Vec<Size> {
        let clients = self.clients.as_deref().unwrap_or(clients);
        let size =
            |&clients| Size { clients, seconds: self.seconds.unwrap_or_else(|| seconds(clients)) };
        clients.iter().map(size).collect()
    }
}

fn main() -> ExitCode {
    let (command, options) = match read_command_line() {
        Ok(it) => it,
        Err(message) => {
            eprintln!("{message}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match command.as_str() {
        "peers" => peers(&options),
        "rooms" => rooms(&options),
        "linear" => linear(&options),
        "threads" => threads(&options),
        "features" => features(&options),
        "help" => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        other => {
            eprintln!("there is no command {other}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn read_command_line() -> Result<(String, Options), String> {
    fn list<T: std::str::FromStr>(text: &str) -> Result<Vec<T>, String> {
        let one = |it: &str| it.parse().map_err(|_| format!("{it} is not what {text} should list"));
        text.split(',').map(one).collect()
    }
    let mut args = pico_args::Arguments::from_env();
    if args.contains(["-h", "--help"]) {
        args.finish();
        let options = Options {
            clients: None,
            seconds: None,
            reps: 1,
            rows: Rows::Usual,
            style: Style::Plain,
        };
        return Ok(("help".to_owned(), options));
    }
    let told = |error: pico_args::Error| error.to_string();
    let command = args.subcommand().map_err(told)?;
    let all = args.contains("--all");
    let only = args.opt_value_from_fn("--only", list::<String>).map_err(told)?;
    let options = Options {
        clients: args.opt_value_from_fn("--n", list).map_err(told)?,
        seconds: args.opt_value_from_str("--seconds").map_err(told)?,
        reps: args.opt_value_from_str("--reps").map_err(told)?.unwrap_or(3),
        rows: match only {
            Some(names) => Rows::Only(names),
            None if all => Rows::All,
            None => Rows::Usual,
        },
        style: if args.contains("--markdown") { Style::Markdown } else { Style::Plain },
    };
    let rest = args.finish();
    if !rest.is_empty() {
        return Err(format!("what is {}?", rest[0].display()));
    }
    if options.reps == 0 || options.clients.iter().flatten().any(|&it| it == 0) {
        return Err("--reps and --n must be at least 1".to_owned());
    }
    if options.seconds.is_some_and(|it| it < 30) {
        return Err("--seconds must be at least 30: a deadline is 10 s long".to_owned());
    }
    Ok((command.unwrap_or_else(|| "peers".to_owned()), options))
}

/// What a piece of work gives, and how much CPU time of the process it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = ProcessTime::now();
    let result = work();
    (result, start.elapsed())
}

fn ns_per(time: Duration, count: u64) -> f64 {
    time.as_nanos() as f64 / count as f64
}

/// ns per hop of all rows at all sizes.
fn peers(options: &Options) -> ExitCode {
    let mut rows = rows();
    if let Rows::Only(names) = &options.rows
        && let Some(name) = names.iter().find(|it| rows.iter().all(|row| !row.is_meant(it)))
    {
        let all: Vec<_> = rows.iter().map(|it| it.name.as_str()).collect();
        eprintln!("there is no row {name}; there are {}", all.join(", "));
        return ExitCode::from(2);
    }
    rows.retain(|row| row.is_wanted(&options.rows));
    let sizes = options.sizes(&[1000, 10_000, 100_000], |it| if it > 10_000 { 300 } else { 1200 });
    let mut ns = vec![vec![f64::INFINITY; sizes.len()]; rows.len()];
    let mut exit = ExitCode::SUCCESS;
    let mut counts = Table::new(
        options.style,
        [
            "counted (and expected)",
            "clients",
            "hops",
            "lost",
            "client time-outs",
            "server time-outs",
        ]
        .map(str::to_owned),
    );
    for (column, &size) in sizes.iter().enumerate() {
        for rep in 0..options.reps {
            for (row, ns) in rows.iter().zip(&mut ns) {
                if !row.is_bearable(size, &options.rows) {
                    continue;
                }
                eprintln!("{} clients, {}/{}: {}", size.clients, rep + 1, options.reps, row.name);
                let (tally, time) = timed(|| (row.run)(size));
                ns[column] = ns[column].min(ns_per(time, tally.hops()));
                if rep == 0 && !agrees(row, &tally, size, &mut counts) {
                    exit = ExitCode::FAILURE;
                }
            }
        }
    }
    print_ns(options, &rows, &sizes, &ns);
    println!("{counts}");
    exit
}

/// Whether what was counted is what theory expects; notes it in any case.
fn agrees(row: &Row, tally: &Tally, size: Size, counts: &mut Table) -> bool {
    let expected = (row.expect)(tally, size);
    let cell = |got: u64, what: fn(&str) -> bool| {
        let mean = expected.iter().find(|it| what(it.what)).map_or(0.0, |it| it.mean);
        format!("{got} ({mean:.0})")
    };
    counts.row([
        row.name.clone(),
        size.clients.to_string(),
        tally.hops().to_string(),
        cell(tally.lost, |it| it == "lost"),
        cell(tally.client_timeouts, |it| it == "client time-outs" || it == "reconnections"),
        cell(tally.server_timeouts, |it| it == "server time-outs"),
    ]);
    for it in expected.iter().filter(|it| !it.holds()) {
        let Expected { what, got, mean, deviation } = it;
        let (name, clients) = (&row.name, size.clients);
        eprintln!("{name}, {clients} clients: {what}: {got}, expected {mean:.1} ± {deviation:.1}");
    }
    expected.iter().all(Expected::holds)
}

/// A figure, unless it was not measured.
fn or_dash(figure: f64) -> String {
    // What was not measured took infinitely long; what is divided by that, nothing.
    if figure.is_finite() && figure > 0.0 { format!("{figure:.1}") } else { "–".to_owned() }
}

fn print_ns(options: &Options, rows: &[Row], sizes: &[Size], ns: &[Vec<f64>]) {
    let columns = || sizes.iter().map(|size| format!("{} for {} s", size.clients, size.seconds));
    let head = [String::from("CPU ns per hop")].into_iter().chain(columns());
    let mut table = Table::new(options.style, head.chain([String::from("how")]));
    for (row, ns) in rows.iter().zip(ns) {
        let cells = ns.iter().map(|&ns| or_dash(ns));
        table.row([row.name.clone()].into_iter().chain(cells).chain([row.what.clone()]));
    }
    println!("{table}");

    let is_product = |it: &&Row| it.is_product();
    if !rows.iter().any(|it| it.is_product()) || rows.iter().all(|it| it.is_product()) {
        return;
    }
    let names: Vec<_> = rows.iter().filter(is_product).map(|it| it.name.clone()).collect();
    let head = format!("times as long as {}", names.join(" / "));
    let mut table = Table::new(options.style, [head].into_iter().chain(columns()));
    for (row, peer) in rows.iter().zip(ns).filter(|(row, _)| !row.is_product()) {
        let cell = |column: usize| {
            let products = rows.iter().zip(ns).filter(|(row, _)| row.is_product());
            let ratios = products.map(|(_, ns)| or_dash(peer[column] / ns[column]));
            ratios.collect::<Vec<_>>().join(" / ")
        };
        table.row([row.name.clone()].into_iter().chain((0..sizes.len()).map(cell)));
    }
    println!("{table}");
}

/// ns per hop of roomsim alone, what reading the scenario takes apart from what running it takes.
fn rooms(options: &Options) -> ExitCode {
    let sizes = options.sizes(&[100_000], |_| 1200);
    let head = ["roomsim", "clients", "seconds", "hops", "read, ms", "run, ms", "run, ns per hop"];
    let mut table = Table::new(options.style, head.map(str::to_owned));
    for &size in &sizes {
        for &way in product::WAYS {
            for (room, _, rooms) in ROOMS {
                if room == u32::MAX
                    && ONE_ROOM_MOST < size.clients
                    && !matches!(options.rows, Rows::All)
                {
                    continue;
                }
                let text = product::scenario(size, room.min(size.clients));
                let (mut read, mut run, mut hops) = (Duration::MAX, Duration::MAX, 0);
                for _ in 0..options.reps {
                    let (scenario, time) = timed(|| product::parse(&text));
                    read = read.min(time);
                    let (tally, time) = timed(|| (way.run)(&scenario, NonZeroUsize::MIN));
                    run = run.min(time);
                    hops = tally.hops();
                }
                table.row([
                    format!("{rooms}{}", way.suffix),
                    size.clients.to_string(),
                    size.seconds.to_string(),
                    hops.to_string(),
                    format!("{:.1}", read.as_secs_f64() * 1e3),
                    format!("{:.1}", run.as_secs_f64() * 1e3),
                    format!("{:.1}", ns_per(run, hops)),
                ]);
            }
        }
    }
    println!("{table}");
    ExitCode::SUCCESS
}

/// Whether the cost grows with the number of clients and no faster.
fn linear(options: &Options) -> ExitCode {
    // The same time for all, or the cost of a login would not compare.
    let sizes = options.sizes(&[10_000, 100_000, 1_000_000], |_| 300);
    let texts: Vec<_> = sizes.iter().map(|&size| product::scenario(size, 100)).collect();
    let head = [
        "rooms of 100",
        "clients",
        "seconds",
        "read, ns per client",
        "run, ns per client",
        "run, to the first",
    ];
    let mut table = Table::new(options.style, head.map(str::to_owned));
    for &way in product::WAYS {
        let mut best = vec![(Duration::MAX, Duration::MAX); sizes.len()];
        for _ in 0..options.reps {
            for (text, (read, run)) in texts.iter().zip(&mut best) {
                let (scenario, time) = timed(|| product::parse(text));
                *read = time.min(*read);
                let (_, time) = timed(|| (way.run)(&scenario, NonZeroUsize::MIN));
                *run = time.min(*run);
            }
        }
        let per_client = |i: usize| ns_per(best[i].1, u64::from(sizes[i].clients));
        for (i, size) in sizes.iter().enumerate() {
            table.row([
                format!("roomsim{}", way.suffix),
                size.clients.to_string(),
                size.seconds.to_string(),
                format!("{:.0}", ns_per(best[i].0, u64::from(size.clients))),
                format!("{:.0}", per_client(i)),
                format!("{:+.1} %", (per_client(i) / per_client(0) - 1.0) * 100.0),
            ]);
        }
    }
    println!("{table}");
    ExitCode::SUCCESS
}

/// How much sooner two threads are done than one: wall time, so the machine should be idle.
fn threads(options: &Options) -> ExitCode {
    let sizes = options.sizes(&[100_000], |_| 1200);
    let head =
        ["rooms of 100", "clients", "seconds", "1 thread, ms", "2 threads, ms", "times as fast"];
    let mut table = Table::new(options.style, head.map(str::to_owned));
    let two = NonZeroUsize::MIN.saturating_add(1);
    for &size in &sizes {
        let scenario = product::parse(&product::scenario(size, 100));
        for &way in product::WAYS {
            let mut best = [Duration::MAX; 2];
            for _ in 0..options.reps {
                for (best, threads) in best.iter_mut().zip([NonZeroUsize::MIN, two]) {
                    let start = Instant::now();
                    (way.run)(&scenario, threads);
                    *best = start.elapsed().min(*best);
                }
            }
            let [one, two] = best.map(|it| it.as_secs_f64() * 1e3);
            table.row([
                format!("roomsim{}", way.suffix),
                size.clients.to_string(),
                size.seconds.to_string(),
                format!("{one:.0}"),
                format!("{two:.0}"),
                format!("{:.2}", one / two),
            ]);
        }
    }
    println!("{table}");
    ExitCode::SUCCESS
}

/// What other things than heartbeats over simple links cost.
fn features(options: &Options) -> ExitCode {
    let sizes = options.sizes(&[10_000], |_| 1200);
    let head = ["feature", "clients", "seconds", "messages", "passing over, ns", "one by one, ns"];
    let mut table = Table::new(options.style, head.map(str::to_owned));
    for &size in &sizes {
        for feature in features::FEATURES {
            let scenario = product::parse(&feature.scenario(size));
            let (mut best, mut n) = ([Duration::MAX; 2], 0);
            for _ in 0..options.reps {
                for (best, way) in
                    best.iter_mut().zip([Heartbeats::PassedOver, Heartbeats::EachOne])
                {
                    let (messages, time) = timed(|| features::messages(&scenario, way));
                    (*best, n) = (time.min(*best), messages);
                }
            }
            let [over, each] = best.map(|it| format!("{:.1}", ns_per(it, n)));
            table.row([
                feature.name.to_owned(),
                size.clients.to_string(),
                size.seconds.to_string(),
                n.to_string(),
                over,
                each,
            ]);
        }
    }
    println!("{table}");
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each feature is a scenario, and its messages are the same either way.
    #[test]
    fn features_send_the_same_either_way() {
        for feature in features::FEATURES {
            let size = Size { clients: 200, seconds: 400 };
            let scenario = product::parse(&feature.scenario(size));
            let n = [Heartbeats::PassedOver, Heartbeats::EachOne]
                .map(|it| features::messages(&scenario, it));
            assert!(20_000 < n[0] && n[0] == n[1], "{}: {n:?}", feature.name);
        }
    }

    /// Every simulator, with either kind of deadlines, counts what theory expects.
    #[test]
    fn all_count_what_theory_expects() {
        let size = Size { clients: 1000, seconds: 600 };
        for row in rows() {
            let tally = (row.run)(size);
            for it in (row.expect)(&tally, size) {
                assert!(it.holds(), "{}: {it:?}", row.name);
            }
        }
    }

    /// A deadline that moves has one event, which comes back until the time is over.
    #[test]
    fn a_lazy_deadline_has_one_event() {
        let mut lazy = hub::Lazy::default();
        assert!(lazy.set(10));
        assert!(!lazy.set(15));
        assert_eq!(lazy.wake(10), hub::Wake::Again(15));
        assert_eq!(lazy.wake(15), hub::Wake::Over);
        assert!(lazy.set(30));
    }
}
