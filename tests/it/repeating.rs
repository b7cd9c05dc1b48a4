//! How long an answer is waited for: RFC 6298, by arithmetic.

use roomsim::{
    protocol::{
        repeat::{Repeat, RoundTrip},
        rules::{Adapt, Rules},
    },
    time::{SimSpan, SimTime},
};

use crate::support::rules_of;

const NOW: SimTime = SimTime::from_micros(100_000_000);

fn millis(millis: u64) -> SimSpan {
    SimSpan::from_millis(millis)
}

/// What is known after messages were answered after these times, each sent for the first time.
fn known(rules: &Rules, answered_after: &[u64]) -> RoundTrip {
    answered_after.iter().fold(RoundTrip::UNKNOWN, |rtt, after| {
        let repeat = Repeat::first(rules, rtt, NOW);
        rtt.answered(rules, repeat, NOW + millis(*after))
    })
}

#[test]
fn waits_double_up_to_the_cap() {
    let rules = rules_of("zego");
    let (mut repeat, mut sent_at) = (Repeat::first(rules, RoundTrip::UNKNOWN, NOW), NOW);
    let mut waits = Vec::new();
    for _ in 0..9 {
        waits.push(repeat.at.since(sent_at).as_micros() / 1_000_000);
        sent_at = repeat.at;
        repeat = repeat.again(rules, sent_at);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn the_wait_follows_the_round_trip_and_is_never_less_than_a_second() {
    let rules = rules_of("zego");
    let timeout = |after: &[u64]| known(rules, after).timeout(rules);
    // (2.2) SRTT = R, RTTVAR = R / 2, so RTO = 3 R; (2.4) at least 1 s.
    assert_eq!(timeout(&[100]), millis(1000));
    assert_eq!(timeout(&[600]), millis(1800));
    // (2.3) RTTVAR = 3/4 x 300 + 1/4 x |600 - 1000| = 325, SRTT = 7/8 x 600 + 1/8 x 1000 = 650.
    assert_eq!(timeout(&[600, 1000]), millis(650 + 4 * 325));
    // Steady: RTTVAR falls by a quarter each time: 300, 225, 168.75.
    assert_eq!(timeout(&[600, 600, 600]), SimSpan::from_micros(600_000 + 4 * 168_750));
    // (2.5) at most the cap.
    assert_eq!(timeout(&[30_000]), millis(60_000));
}

#[test]
fn what_was_repeated_or_has_been_answered_says_nothing() {
    let rules = rules_of("zego");
    let rtt = known(rules, &[600]);
    let repeated = Repeat::first(rules, rtt, NOW).again(rules, NOW + millis(1800));
    let after = rtt.answered(rules, repeated, NOW + millis(2000));
    // The next message waits as long as that one did, 2 x 1.8 s, until one is measured: RTTVAR is
    // 3/4 x 300 and SRTT is 600.
    assert_eq!(after.timeout(rules), millis(3600));
    let repeat = Repeat::first(rules, after, NOW);
    let measured = after.answered(rules, repeat, NOW + millis(600));
    assert_eq!(measured.timeout(rules), millis(600 + 4 * 225));
    let anew = rtt.answered(rules, Repeat::anew(rules, rtt, NOW), NOW + millis(200));
    assert_eq!(anew.timeout(rules), rtt.timeout(rules));
    assert_eq!(rtt.answered(rules, Repeat::NEVER, NOW + millis(2000)), rtt);
    let mut fixed = rules.clone();
    fixed.resend.adapt = Adapt::Never;
    assert_eq!(known(&fixed, &[600, 5000]).timeout(&fixed), millis(1000));
}
