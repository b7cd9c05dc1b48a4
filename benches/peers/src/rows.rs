//! What is measured: roomsim with rooms of several sizes, and the other simulators.

use crate::{
    hub::{self, Expected, Size, Tally, Timers},
    peer, product,
};

/// Which rows are wanted.
pub enum Rows {
    /// Those that are measured unasked.
    Usual,
    /// All.
    All,
    /// Those of these names.
    Only(Vec<String>),
}

/// One line of a table: something that runs the hub.
pub struct Row {
    /// What it is asked for by.
    pub name: String,
    /// What it does.
    pub what: String,
    /// Whether it is measured unasked.
    pub usual: Usual,
    /// With more clients it is measured only when asked for by name, or with all rows.
    pub most: u32,
    /// Runs it.
    pub run: Box<dyn Fn(Size) -> Tally>,
    /// What theory expects of what it counts.
    pub expect: fn(&Tally, Size) -> Vec<Expected>,
}

/// Whether a row is measured when nobody asks for it by name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Usual {
    Yes,
    OnRequest,
}

impl Row {
    /// Whether it is roomsim.
    pub fn is_product(&self) -> bool {
        self.name.starts_with("roomsim")
    }

    /// Whether it is to be measured at all.
    pub fn is_wanted(&self, rows: &Rows) -> bool {
        match rows {
            Rows::Usual => self.usual == Usual::Yes,
            Rows::All => true,
            Rows::Only(names) => names.iter().any(|it| self.is_meant(it)),
        }
    }

    /// Whether it is to be measured at a size, if it is wanted at all.
    pub fn is_bearable(&self, size: Size, rows: &Rows) -> bool {
        match rows {
            Rows::Usual => size.clients <= self.most,
            Rows::All => true,
            Rows::Only(names) => size.clients <= self.most || names.contains(&self.name),
        }
    }

    /// Whether a name on the command line means it.
    pub fn is_meant(&self, name: &str) -> bool {
        name == self.name || name == "roomsim" && self.is_product()
    }
}

/// All rows: roomsim first, then the peers.
pub fn rows() -> Vec<Row> {
    type Run = fn(Size, Timers) -> Tally;
    let peers: [(&str, Run, &str, &str, &str); 3] = [
        (
            "nexosim",
            peer::nexosim::run,
            "two models, one global queue",
            "lazy deadlines",
            "cancels deadlines by key",
        ),
        (
            "simcore",
            peer::simcore::run,
            "two components, one global queue",
            "lazy deadlines",
            "cancels deadlines by number",
        ),
        (
            "simrs",
            peer::simrs::run,
            "two components, one global queue",
            "lazy deadlines",
            "void deadlines stay in the queue",
        ),
    ];
    let mut rows = product_rows();
    for (name, run, what, lazy, anew) in peers {
        rows.push(Row {
            name: name.to_owned(),
            what: format!("{what}, {lazy}"),
            usual: Usual::Yes,
            most: u32::MAX,
            run: Box::new(move |size| run(size, Timers::Lazy)),
            expect: hub::expect_hub,
        });
        rows.push(Row {
            name: format!("{name}-anew"),
            what: format!("{what}, {anew}"),
            usual: Usual::OnRequest,
            most: u32::MAX,
            run: Box::new(move |size| run(size, Timers::Anew)),
            expect: hub::expect_hub,
        });
    }
    rows
}

/// The sizes of rooms, how rows are named after them, and what they are called; what is more than
/// there are clients means one room.
pub const ROOMS: [(u32, &str, &str); 3] =
    [(100, "100", "rooms of 100"), (1000, "1000", "rooms of 1000"), (u32::MAX, "one", "one room")];

/// In a larger room the logins of all at once take too long to be measured unasked: each is made
/// known to all who are there, also where nobody is told of it.
pub const ONE_ROOM_MOST: u32 = 10_000;

fn product_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for &way in product::WAYS {
        for (room, short, rooms) in ROOMS {
            rows.push(Row {
                name: format!("roomsim{}-{short}", way.suffix),
                what: format!("{rooms}, {}", way.what),
                usual: Usual::Yes,
                most: if room == u32::MAX { ONE_ROOM_MOST } else { u32::MAX },
                run: Box::new(move |size| product::run(way, size, room.min(size.clients))),
                expect: hub::expect_rooms,
            });
        }
    }
    rows
}
