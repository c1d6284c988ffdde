//! A mailbox that does everything at one instant, and devices that use it at random: nothing may be found, whatever the order. And
//! no history whatsoever, however absurd, may bring the checker down.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Deliver,
    Look(usize),
    Read(usize, usize),
    Delete(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Deliver),
        (0..3_usize).prop_map(Step::Look),
        (0..3_usize, 0..8_usize).prop_map(|(who, which)| Step::Read(who, which)),
        (0..3_usize, 0..8_usize).prop_map(|(who, which)| Step::Delete(who, which)),
    ]
}

const WHO: [Option<DeviceKind>; 3] = [Some(Phone), Some(Notebook), Some(DeviceKind::Tablet)];

type Box = BTreeMap<u32, (String, FlagBits)>;

fn session(who: usize) -> u32 {
    who as u32 + 1
}

/// What is new to `known` in `real`.
fn look(tale: &mut Tale, device: Option<DeviceKind>, session: u32, known: &mut Box, real: &Box) {
    let news = |(uid, it): (&u32, &(String, FlagBits))| {
        (known.get(uid) != Some(it)).then(|| (*uid, it.0.clone(), it.1))
    };
    let new: Vec<_> = real.iter().filter_map(news).collect();
    let new: Vec<_> = new
        .iter()
        .map(|(uid, id, flags)| (*uid, id.as_str(), *flags))
        .collect();
    let gone: Vec<_> = known
        .iter()
        .filter(|(uid, _)| !real.contains_key(uid))
        .map(|(uid, (id, _))| (*uid, id.clone()))
        .collect();
    tale.look_at(device, session, &new);
    for (uid, id) in &gone {
        tale.beside(device, session, Event::Gone, *uid, id);
    }
    known.clone_from(real);
}

fn play(steps: &[Step]) -> Tale {
    let mut tale = Tale::imap();
    let mut real = Box::new();
    let mut known = [Box::new(), Box::new(), Box::new()];
    for (who, device) in WHO.into_iter().enumerate() {
        tale.open(device, session(who));
    }
    let mut next = 1;
    for step in steps {
        match *step {
            Step::Deliver => {
                let id = format!("m{next}");
                tale.deliver(&id);
                real.insert(next, (id, FlagBits::NONE));
                next += 1;
            }
            Step::Look(who) => {
                look(&mut tale, WHO[who], session(who), &mut known[who], &real);
            }
            Step::Read(who, which) => {
                let Some((&uid, (id, _))) = known[who]
                    .clone()
                    .iter()
                    .nth(which)
                    .map(|it| (it.0, it.1.clone()))
                else {
                    continue;
                };
                let Some((_, flags)) = real.get_mut(&uid) else {
                    continue;
                };
                *flags = flags.with(SEEN);
                let (flags, device) = (*flags, WHO[who].unwrap());
                tale.read(device, session(who), uid, &id);
                known[who].insert(uid, (id, flags));
            }
            Step::Delete(who, which) => {
                let Some((uid, id)) = known[who]
                    .iter()
                    .nth(which)
                    .map(|(uid, it)| (*uid, it.0.clone()))
                else {
                    continue;
                };
                if real.remove(&uid).is_none() {
                    continue;
                }
                tale.act(WHO[who], session(who), Event::Expunge, uid, &id);
                tale.beside(WHO[who], session(who), Event::Gone, uid, &id);
                known[who].remove(&uid);
            }
        }
    }
    tale.open(HARNESS, 9);
    look(&mut tale, HARNESS, 9, &mut Box::new(), &real);
    tale
}

fn any_row() -> impl Strategy<Value = ObservationRow> {
    let events = prop::sample::select(vec![
        Event::Deliver,
        Event::Login,
        Event::Select,
        Event::Listed,
        Event::Shown,
        Event::Gone,
        Event::Asked,
        Event::Watched,
        Event::SetFlags,
        Event::ClearFlags,
        Event::Expunge,
        Event::Move,
        Event::Append,
        Event::Retrieve,
        Event::Dele,
        Event::Quit,
        Event::Logout,
        Event::Cut,
        Event::Keep,
        Event::Discard,
    ]);
    let outcomes = prop::sample::select(vec![Certainty::Ok, Certainty::Fail, Certainty::Unknown]);
    let numbers = prop::option::of(0..4_u32);
    (
        (events, outcomes, 0..50_u64, 0..50_u64, 0..4_u32),
        (
            numbers.clone(),
            numbers.clone(),
            numbers,
            prop::option::of("[ab]"),
            prop::option::of("[uv]"),
        ),
        prop::sample::select(vec![Arm::POP3, Arm::IMAP]),
        prop::sample::select(vec![None, Some(Phone), Some(Notebook)]),
    )
        .prop_map(
            |(
                (event, outcome, sent, at, session),
                (uid, uid_to, other, message, uidl),
                arm,
                device,
            )| {
                ObservationRow {
                    outcome,
                    sent_at_us: sent,
                    at_us: at,
                    session,
                    uid,
                    uid_to,
                    uid_next: other,
                    uid_validity: other,
                    mod_seq: other.map(u64::from),
                    message,
                    uidl,
                    device,
                    flags: other.map(|_| SEEN),
                    ..ObservationRow::new(Cell { block: 1, arm }, 0, event)
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_mailbox_that_does_everything_at_one_instant_is_never_blamed(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let found = play(&steps).found();
        prop_assert_eq!(found, []);
    }

    #[test]
    fn no_history_brings_the_checker_down(rows in prop::collection::vec(any_row(), 0..60)) {
        let findings = examine(&rows, LATE);
        for anomaly in &findings.anomalies {
            let text = super::super::explain(anomaly, &rows);
            prop_assert!(text.contains(&anomaly.kind.to_string()));
        }
    }
}
