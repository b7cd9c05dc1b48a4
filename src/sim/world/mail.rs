//! Messages under way, in little memory: most of them are heartbeats, probes, and answers to these.

use crate::{
    id::Epoch,
    protocol::message::{ClientBody, ClientMsg, Message, ServerBody, ServerMsg},
};

/// A message under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parcel {
    /// A heartbeat.
    Heartbeat(Epoch),
    /// A probe.
    Probe(Epoch),
    /// The answer to one of them.
    HeartbeatAck(Epoch),
    /// Any other message, kept in this place.
    Other(u64),
}

/// What is said in all other messages under way.
#[derive(Debug, Default)]
pub(super) struct Mail {
    messages: Vec<Message>,
    /// The places that are not in use.
    free: Vec<u64>,
}

impl Mail {
    /// The parcel of a message, which is to be opened once.
    #[inline]
    pub(super) fn pack(&mut self, message: &Message) -> Parcel {
        match *message {
            Message::Up(ClientMsg { epoch, body: ClientBody::Heartbeat }) => {
                Parcel::Heartbeat(epoch)
            }
            Message::Up(ClientMsg { epoch, body: ClientBody::Probe }) => Parcel::Probe(epoch),
            Message::Down(ServerMsg { epoch, body: ServerBody::HeartbeatAck }) => {
                Parcel::HeartbeatAck(epoch)
            }
            Message::Up(_) | Message::Down(_) => Parcel::Other(self.keep(message)),
        }
    }

    fn keep(&mut self, message: &Message) -> u64 {
        if let Some(place) = self.free.pop() {
            self.messages[index(place)] = *message;
            return place;
        }
        self.messages.push(*message);
        self.messages.len() as u64 - 1
    }

    /// The message of a parcel, whose place is free from now on.
    #[inline]
    pub(super) fn open(&mut self, parcel: Parcel) -> Message {
        if let Parcel::Other(place) = parcel {
            self.free.push(place);
        }
        self.read(parcel)
    }

    /// The message of a parcel.
    #[inline]
    pub(super) fn read(&self, parcel: Parcel) -> Message {
        match parcel {
            Parcel::Heartbeat(epoch) => {
                Message::Up(ClientMsg { epoch, body: ClientBody::Heartbeat })
            }
            Parcel::Probe(epoch) => Message::Up(ClientMsg { epoch, body: ClientBody::Probe }),
            Parcel::HeartbeatAck(epoch) => {
                Message::Down(ServerMsg { epoch, body: ServerBody::HeartbeatAck })
            }
            Parcel::Other(place) => self.messages[index(place)],
        }
    }
}

fn index(place: u64) -> usize {
    usize::try_from(place).expect("it was an index")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_what_is_opened() {
        let (first, second) = (Epoch::NONE.next_login(), Epoch::NONE.next_connection());
        let up = |epoch, body| Message::Up(ClientMsg { epoch, body });
        let down = |epoch, body| Message::Down(ServerMsg { epoch, body });
        let messages = [
            up(first, ClientBody::Heartbeat),
            up(second, ClientBody::Heartbeat),
            down(second, ServerBody::HeartbeatAck),
            up(second, ClientBody::Probe),
            down(first, ServerBody::Count(3)),
            up(second, ClientBody::AckKick),
            up(first, ClientBody::Logout),
        ];
        let mut mail = Mail::default();
        for _ in 0..3 {
            let parcels = messages.each_ref().map(|it| mail.pack(it));
            for place in [4, 0, 6, 2, 1, 3, 5] {
                assert_eq!(mail.open(parcels[place]), messages[place]);
            }
        }
        assert_eq!(mail.messages.len(), 3, "places are used again");
    }
}
