//! The table of `docs/reasons.md`, generated from the code and the gallery: what the SDK can tell,
//! and a scenario that shows it.  A line without a scenario fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use roomsim::{
    id::{ClientId, Id as _, RoomId},
    protocol::{
        call::{AppEvent, CallKind},
        code::{LegacyState, Reason},
        table::{self, Entry},
    },
    scenario::{Action, Step},
    sim::Plan,
    sink::trace::What,
};

use crate::support::{Ran, gallery, gallery_names, run};

/// What each scenario of the gallery shows: the first one, by name, for each thing.
#[derive(Default)]
struct Shown {
    /// By their numbers of rows: the simplest scenarios are named.
    entries: BTreeMap<Entry, BTreeSet<(usize, String)>>,
    arrows: BTreeMap<(&'static str, &'static str), String>,
    callbacks: BTreeMap<String, String>,
}

/// So many scenarios are named for each line.
const NAMED_MAX: usize = 3;

/// The name of a reason as a node of the status page's diagram.
fn node(reason: Option<Reason>) -> &'static str {
    reason.map_or("Logout", Reason::name)
}

impl Shown {
    fn of_gallery() -> Self {
        let mut shown = Self::default();
        for name in gallery_names() {
            shown.add(&name, &run(&gallery(&name), None));
        }
        shown
    }

    fn add(&mut self, name: &str, ran: &Ran) {
        let mut last: BTreeMap<(ClientId, Option<RoomId>), Reason> = BTreeMap::new();
        let plan = Plan::of(&ran.scenario);
        let mut killed: BTreeSet<ClientId> = BTreeSet::new();
        for cell in (0..plan.n_cells()).map(|it| plan.cell(it, ran.scenario.seed())) {
            let kill = |it: &Step| {
                let Action::App(client, AppEvent::Kill) = it.action else { return None };
                Some(cell.clients[client.index()])
            };
            killed.extend(cell.script.iter().filter_map(kill));
        }
        let n_rows = ran.trace.rows().len();
        for row in ran.trace.rows() {
            let value = match &row.what {
                What::UserUpdate(update, _) | What::StreamUpdate(update, _) => update.name(),
                What::CallResult(_, code, _) => &code.to_string(),
                What::StateChanged(_)
                | What::OnlineCount(_)
                | What::TokenWillExpire(_)
                | What::ExtraInfo(..)
                | What::Broadcast(..)
                | What::NetworkMode(_) => "",
            };
            let callback = format!("{} {value}", row.what.callback());
            let callback = callback.trim_end().to_owned();
            self.callbacks.entry(callback).or_insert_with(|| name.to_owned());
            let What::StateChanged(status) = row.what else { continue };
            let entry = Entry { reason: status.reason, event: status.event, code: status.code };
            self.entries.entry(entry).or_default().insert((n_rows, name.to_owned()));
            // Who is killed tells nobody, so what was before is not known.
            if killed.contains(&row.client) {
                continue;
            }
            let before = last.get(&(row.client, row.room)).copied();
            // After these the client is logged out without another callback (spec: R13).
            let is_out = |it: &Reason| it.legacy() == Some(LegacyState::Disconnected);
            if let Some(before) = before.filter(|it| is_out(it) && *it != Reason::Logout)
                && status.reason == Reason::Logining
            {
                let silent = (before.name(), "Logout");
                self.arrows.entry(silent).or_insert_with(|| name.to_owned());
            }
            // A wrong room is refused wherever the client is.
            let here = last.iter().filter(|((client, _), it)| *client == row.client && !is_out(it));
            let from = if status.reason == Reason::LogoutFailed {
                here.map(|(_, it)| *it).next()
            } else {
                before.filter(|it| !is_out(it))
            };
            let arrow = (node(from), status.reason.name());
            self.arrows.entry(arrow).or_insert_with(|| name.to_owned());
            // LogoutFailed changes nothing (see A22).
            if status.reason != Reason::LogoutFailed {
                last.insert((row.client, row.room), status.reason);
            }
        }
    }
}

/// The arrows of the status page's diagram, then those that other pages require.
const ARROWS: [(&str, &str, &str); 22] = [
    ("Logout", "Logining", "1"),
    ("Logining", "Logined", "2"),
    ("Logining", "LoginFailed", "3"),
    ("LoginFailed", "Logout", "4, silent"),
    ("Logined", "Logout", "5"),
    ("Logined", "LogoutFailed", "6"),
    ("Logout", "LogoutFailed", "7: it changes nothing"),
    ("Logined", "Reconnecting", "8"),
    ("Reconnecting", "Reconnected", "9"),
    ("Reconnecting", "ReconnectFailed", "10"),
    ("ReconnectFailed", "Logout", "11, silent"),
    ("Logined", "KickOut", "12"),
    ("KickOut", "Logout", "13, silent"),
    ("Reconnected", "Logout", "14"),
    ("Reconnected", "LogoutFailed", "15"),
    ("Reconnected", "Reconnecting", "16"),
    ("Reconnected", "KickOut", "17"),
    ("Logining", "Logout", "other pages"),
    ("Logining", "LogoutFailed", "other pages"),
    ("Reconnecting", "Logout", "other pages"),
    ("Reconnecting", "LogoutFailed", "other pages"),
    ("Reconnecting", "KickOut", "other pages"),
];

/// The callbacks and results of calls that the gallery must show.
fn callbacks() -> Vec<String> {
    let lists = ["onRoomUserUpdate", "onRoomStreamUpdate"];
    let mut all: Vec<String> =
        lists.iter().flat_map(|it| [format!("{it} ADD"), format!("{it} DELETE")]).collect();
    let told = [
        "onRoomStateChanged",
        "onRoomOnlineUserCountUpdate",
        "onRoomTokenWillExpire",
        "onRoomExtraInfoUpdate",
        "onIMRecvBroadcastMessage",
        "onNetworkModeChanged",
    ];
    all.extend(told.map(String::from));
    let results: [(CallKind, &[u32]); 6] = [
        (
            CallKind::LoginRoom,
            &[
                1_000_001, 1_002_001, 1_002_005, 1_002_006, 1_002_007, 1_002_008, 1_002_009,
                1_002_010, 1_002_011, 1_002_012, 1_002_013, 1_002_037,
            ],
        ),
        (CallKind::SwitchRoom, &[1_000_001, 1_002_064]),
        (CallKind::RenewToken, &[1_000_001, 1_002_002]),
        (CallKind::StartPublishingStream, &[1_000_001, 1_000_002, 1_003_028, 1_003_072]),
        (
            CallKind::SetRoomExtraInfo,
            &[
                0, 1_000_001, 1_002_002, 1_002_014, 1_002_015, 1_002_016, 1_002_017, 1_002_051,
                1_002_072,
            ],
        ),
        (
            CallKind::SendBroadcastMessage,
            &[
                0, 1_000_001, 1_000_002, 1_002_073, 1_009_001, 1_009_002, 1_009_005, 1_009_010,
                1_009_015,
            ],
        ),
    ];
    for (call, codes) in results {
        all.extend(codes.iter().map(|code| format!("{} {code}", call.name())));
    }
    all
}

/// The page, and the lines that no scenario shows.
fn page(shown: &Shown) -> (String, Vec<String>) {
    let mut gaps = Vec::new();
    let mut page = String::from(
        "# What an app is told\n\n\
         Generated from the code and the gallery by the test `reasons`; \
         `UPDATE_DOCS=1 cargo test --test it reasons` writes it anew.\n\
         Rules are those of [spec.md](spec.md); scenarios are files of the folder `scenarios/`.\n\n\
         ## Reasons of `onRoomStateChanged`\n\n\
         | reason | event | code | `onRoomStateUpdate` | rules | scenarios |\n|---|---|---|---|---|---|\n",
    );
    for entry in table::entries() {
        let Entry { reason, event, code } = entry;
        let named = shown.entries.get(&entry).into_iter().flatten().take(NAMED_MAX);
        let scenarios = named.map(|it| &*it.1).collect::<Vec<_>>().join(", ");
        let legacy = reason.legacy().map_or("–", LegacyState::name);
        let rules = table::rules(reason, code);
        let (name, text) = (reason.name(), event.text());
        writeln!(page, "| {name} | {text} | {code} | {legacy} | {rules} | {scenarios} |").unwrap();
        if scenarios.is_empty() {
            gaps.push(format!("{name} | {text} | {code}"));
        }
    }
    page += "\n## Arrows of the status diagram\n\n\
        The numbers are those of the diagram's arrows, from left to right and top to bottom.\n\n\
        | from | to | number | scenario |\n|---|---|---|---|\n";
    for (from, to, number) in ARROWS {
        let scenario = shown.arrows.get(&(from, to)).cloned().unwrap_or_default();
        writeln!(page, "| {from} | {to} | {number} | {scenario} |").unwrap();
        if scenario.is_empty() {
            gaps.push(format!("{from} -> {to}"));
        }
    }
    page += "\n## Callbacks and results of calls\n\n| callback or call | scenario |\n|---|---|\n";
    for callback in callbacks() {
        let scenario = shown.callbacks.get(&callback).cloned().unwrap_or_default();
        writeln!(page, "| {callback} | {scenario} |").unwrap();
        if scenario.is_empty() {
            gaps.push(callback);
        }
    }
    (page, gaps)
}

#[test]
fn every_line_of_the_page_has_a_scenario_and_the_page_is_current() {
    let (page, gaps) = page(&Shown::of_gallery());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reasons.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert!(gaps.is_empty(), "no scenario shows:\n{}", gaps.join("\n"));
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/reasons.md is not current: write it anew with UPDATE_DOCS=1");
}

/// What the gallery shows is in the page: the lists are complete.
#[test]
fn nothing_is_told_that_the_page_does_not_list() {
    let shown = Shown::of_gallery();
    let entries: BTreeSet<Entry> = table::entries().into_iter().collect();
    let arrows: BTreeSet<(&str, &str)> = ARROWS.iter().map(|it| (it.0, it.1)).collect();
    let listed: BTreeSet<String> = callbacks().into_iter().collect();
    let strangers: Vec<String> = shown
        .entries
        .iter()
        .filter(|(it, _)| !entries.contains(it))
        .map(|(it, names)| format!("{it:?} in {names:?}"))
        .chain(
            shown
                .arrows
                .iter()
                .filter(|(it, _)| !arrows.contains(it))
                .map(|(it, name)| format!("{it:?} in {name}")),
        )
        .chain(
            shown
                .callbacks
                .iter()
                .filter(|(it, _)| !listed.contains(*it))
                .map(|(it, name)| format!("{it} in {name}")),
        )
        .collect();
    assert!(strangers.is_empty(), "not listed:\n{}", strangers.join("\n"));
}

/// Every choice that the documents leave open is shown by a scenario.
#[test]
fn every_assumption_names_scenarios_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/assumptions.md")).unwrap();
    let names: BTreeSet<String> = gallery_names().into_iter().collect();
    let rows: Vec<&str> = text.lines().filter(|it| it.starts_with("| A")).collect();
    let mut last = 0;
    for row in &rows {
        let number = row.trim_start_matches("| A").split(' ').next().unwrap();
        let number: u32 = number.parse().unwrap();
        assert!(last < number, "A{number} comes after A{last}");
        last = number;
        let shown = row.trim_end_matches('|').rsplit('|').next().unwrap();
        for name in shown.split(',').map(str::trim) {
            assert!(names.contains(name), "A{number} names the scenario `{name}`");
        }
    }
    assert!(40 < rows.len());
}
