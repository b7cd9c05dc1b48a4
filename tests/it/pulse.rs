//! The pulse of a session is the steps of its client and its member.

use roomsim::{
    protocol::{
        client::{self, Client, Luck},
        member::{self, Member},
        message::{ClientBody, ClientMsg, ServerBody, ServerMsg},
        pulse::Pulse,
        repeat::RoundTrip,
        rules::Rules,
    },
    time::Clock,
};

use crate::{
    support::rules_of,
    transitions::{
        NOW, client_in, client_state, client_states, epochs, member_context, member_states,
    },
};

/// Two clocks: virtual time, and one that is a tenth too slow, so that it shows each microsecond.
fn clocks() -> [Clock; 2] {
    [Clock::EXACT, Clock::fast_by_ppm(-100_000)]
}

/// Client and member after a message, or a deadline, as their steps say.
fn stepped(
    rules: &Rules,
    clock: Clock,
    (mut client, mut member): (Client, Member),
    input: Result<ClientMsg, client::Input<'_>>, // For the server, or for the client.
) -> (Client, Member) {
    match input {
        Err(input) => {
            let luck = Luck { phase: 1, wait: 1 };
            let _ = client.step(&client::Context { rules, now: NOW, luck }, input);
        }
        Ok(message) => {
            let context = member_context(rules, clock.when(NOW));
            let _ = member.step(&context, member::Input::Receive(&message));
        }
    }
    (client, member)
}

/// A pulse goes wherever client and member are in the room with one connection, and then does what
/// their steps do.
#[test]
fn a_pulse_is_the_steps_of_both() {
    let mut n_pulses = 0;
    let profiles = ["zego", "zego-doc", "zego-web"].map(rules_of);
    for (rules, clock) in profiles.into_iter().flat_map(|it| clocks().map(|clock| (it, clock))) {
        let now = clock.when(NOW);
        for (name, state) in client_states() {
            for (member_name, member_state) in member_states() {
                let [_, epoch, other] = epochs();
                let rtt = RoundTrip::UNKNOWN;
                let client = client_in(name, state);
                let mut member = Member { epoch: other, rtt, state: member_state };
                assert_eq!(
                    Pulse::of(&client, &member, clock),
                    None,
                    "{name} of another connection"
                );
                member.epoch = epoch;
                let are_in = name.starts_with("Online") && member_name.starts_with("Present");
                let pulse = Pulse::of(&client, &member, clock);
                assert_eq!(pulse.is_some(), are_in, "{name} {member_name}");
                let Some(pulse) = pulse else { continue };
                n_pulses += 1;
                let same = |pulse: Pulse, input| {
                    let (mut after, mut member_after) = (client, member);
                    pulse.give_back(&mut after, &mut member_after);
                    let expected = stepped(rules, clock, (client, member), input);
                    assert_eq!((after, member_after), expected, "{name} {member_name} {input:?}");
                };
                same(pulse, Err(client::Input::LinkBack)); // Which does nothing.
                let (mut heard, mut answered) = (pulse, pulse);
                heard.hear_beat(rules, now);
                same(heard, Ok(ClientMsg { epoch, body: ClientBody::Heartbeat }));
                answered.hear_answer(rules, now);
                let mut probed = pulse;
                probed.hear_probe(rules, now);
                same(probed, Ok(ClientMsg { epoch, body: ClientBody::Probe }));
                let answer = ServerMsg { epoch, body: ServerBody::HeartbeatAck };
                same(answered, Err(client::Input::Receive(&answer)));
                let others = clock.when(client.deadline()).min(member.deadline());
                let alarm_at = pulse.alarm_at().min(pulse.others_at(&client, &member));
                assert_eq!(pulse.beat_at().min(alarm_at), others, "{name} {member_name}");
            }
        }
    }
    let n_present = member_states().iter().filter(|it| it.0.starts_with("Present")).count();
    assert_eq!(n_pulses, 6 * 4 * n_present, "three profiles, two clocks, four states in a room");
}

/// A heartbeat of a pulse is that of a client's step.
#[test]
fn a_pulse_beats_as_its_client_does() {
    let rules = rules_of("zego");
    let [_, epoch, _] = epochs();
    let (rtt, luck) = (RoundTrip::UNKNOWN, Luck { phase: 1, wait: 1 });
    let before = client_in("Online/Known", client_state("Online/Known"));
    let (_, state) = member_states().into_iter().find(|it| it.0.starts_with("Present")).unwrap();
    for clock in clocks() {
        let mut member = Member { epoch, rtt, state };
        let mut pulse = Pulse::of(&before, &member, clock).unwrap();
        let mut after = before;
        let now = clock.shows(pulse.beat_at());
        let effects = after.step(&client::Context { rules, now, luck }, client::Input::Wake);
        let beat = client::Effect::Send(ClientMsg { epoch, body: ClientBody::Heartbeat });
        assert_eq!(effects.iter().collect::<Vec<_>>(), [&beat]);
        pulse.beat(rules, pulse.beat_at());
        let mut client = before;
        pulse.give_back(&mut client, &mut member);
        assert_eq!(client, after);
    }
}
