mod people;
mod sizes;

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::scenario::{Arm, Distribution, Share, Watch};

fn scenario() -> Scenario {
    Scenario::builtin("phone-tablet-notebook").unwrap()
}

fn share(value: f64) -> Share {
    Share::new(value).unwrap()
}

prop_compose! {
    fn any_share()(value in prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0_f64]) -> Share {
        share(value)
    }
}

prop_compose! {
    fn any_scenario()(
        (seed, count, speed) in (any::<u64>(), 1..12_u32, 1.0..600.0_f64),
        (phone, tablet, notebook) in (any_share(), any_share(), 0.01..=1.0_f64),
        (ramp_up, measure) in (0..20_u64, 1..60_u64),
        (messages, unread) in (0.0..60.0_f64, any_share()),
        (per_day, sittings_per_hour) in (0.0..400.0_f64, 0.0..20.0_f64),
        (open, reply, flag, delete, revisit, search) in
            (any_share(), any_share(), any_share(), any_share(), any_share(), any_share()),
        think in 0.0..400.0_f64,
        (folders, moves, sent_per_day, active_hours) in
            (0..30_u32, any_share(), 0.0..100.0_f64, 7.0..=24.0_f64),
        idle: bool,
    ) -> Scenario {
        let mut scenario = scenario();
        scenario.seed = seed;
        scenario.speed = speed;
        scenario.users.count = count;
        (scenario.users.phone, scenario.users.tablet, scenario.users.notebook) = (phone, tablet, share(notebook));
        scenario.run.ramp_up = Duration::from_secs(ramp_up);
        scenario.run.measure = Duration::from_secs(measure);
        scenario.mailbox.messages = Distribution::Exponential { mean: messages };
        scenario.mailbox.unread = unread;
        scenario.arrivals.per_day = per_day;
        let habits = &mut scenario.habits;
        habits.sittings_per_hour = sittings_per_hour;
        (habits.open, habits.reply, habits.flag) = (open, reply, flag);
        (habits.delete, habits.revisit, habits.search) = (delete, revisit, search);
        habits.think_s = Distribution::Exponential { mean: think };
        (habits.r#move, habits.sent_per_day, habits.active_hours) = (moves, sent_per_day, active_hours);
        scenario.mailbox.folders = folders;
        if !idle {
            scenario.phone.imap.watch = Watch::Poll(Duration::from_secs(900));
        }
        scenario
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn events_are_sorted_within_the_horizon_and_on_devices_that_the_person_owns(scenario in any_scenario()) {
        for user in Plan::new(&scenario, Shard::WHOLE).users {
            prop_assert!(!user.devices.is_empty() && user.devices.is_sorted());
            prop_assert!(user.events.is_sorted_by_key(|event| event.at));
            let mut on = HashSet::new();
            for event in &user.events {
                // With no ramp-up at all every device comes online at once, at the start.
                prop_assert!(event.at < scenario.horizon());
                match &event.what {
                    What::Online(device) => prop_assert!(on.insert(*device)),
                    What::Poll { device, .. } => prop_assert!(on.contains(device)),
                    What::Sitting { device, steps } => {
                        prop_assert!(on.contains(device));
                        prop_assert!(steps.len() <= LONGEST_SITTING);
                        let thinks: Duration = steps.iter().map(|step| step.think).sum();
                        prop_assert!(event.at + thinks <= scenario.horizon());
                    }
                    What::Deliver { seq } => {
                        prop_assert_eq!(user.mail[*seq as usize].arrival, Arrival::Due(event.at));
                    }
                }
            }
            prop_assert_eq!(on.into_iter().collect::<HashSet<_>>(), user.devices.iter().copied().collect());
        }
    }

    #[test]
    fn nobody_reads_what_has_not_come_or_is_gone_or_twice_on_one_device(scenario in any_scenario()) {
        for user in Plan::new(&scenario, Shard::WHOLE).users {
            let mut read_on = HashMap::new();
            let mut revisited = HashSet::new();
            let mut deleted = HashSet::new();
            let mut moved = HashSet::new();
            let mut sent = 0;
            let sittings = user.events.iter().filter_map(|event| match &event.what {
                What::Sitting { device, steps } => Some((event.at, *device, steps)),
                _ => None,
            });
            let mut free_from = Duration::ZERO;
            for (at, device, steps) in sittings {
                prop_assert!(at >= free_from, "a person sits twice at once");
                free_from = at + steps.iter().map(|step| step.think).sum::<Duration>();
                for step in steps {
                    match &step.act {
                        Act::Open { seq, again: false, attachment } => {
                            let message = &user.mail[*seq as usize];
                            match message.arrival {
                                Arrival::AtStart { seen, .. } => prop_assert!(!seen),
                                Arrival::Due(due) => prop_assert!(due + ARRIVAL_MARGIN <= at),
                            }
                            prop_assert!(read_on.insert(*seq, device).is_none(), "opened twice");
                            prop_assert!(!attachment || message.spec.attachment.is_some());
                        }
                        Act::Open { seq, again: true, .. } => {
                            prop_assert!(!deleted.contains(seq) && !moved.contains(seq));
                            prop_assert!(read_on.get(seq).is_some_and(|first| *first != device));
                            prop_assert!(revisited.insert(*seq), "came back twice");
                        }
                        Act::Flag { seq } | Act::Reply { seq, .. } => {
                            prop_assert_eq!(read_on.get(seq), Some(&device));
                        }
                        Act::Delete { seq } => {
                            prop_assert_eq!(read_on.get(seq), Some(&device));
                            prop_assert!(deleted.insert(*seq));
                        }
                        Act::Move { seq, folder } => {
                            prop_assert_eq!(read_on.get(seq), Some(&device));
                            prop_assert!(*folder < user.folders && !deleted.contains(seq));
                            prop_assert!(moved.insert(*seq), "moved twice");
                        }
                        Act::Send { number, message } => {
                            prop_assert_eq!(*number, sent);
                            prop_assert!(message.attachment.is_none());
                            sent += 1;
                        }
                        Act::Search { term } => prop_assert!(message::words().contains(term)),
                    }
                }
            }
        }
    }

    #[test]
    fn shards_are_exactly_their_parts_of_the_whole(scenario in any_scenario(), of in 1..5_u32) {
        let whole = Plan::new(&scenario, Shard::WHOLE);
        let mut joined: Vec<UserPlan> =
            (0..of).flat_map(|index| Plan::new(&scenario, Shard { index, of }).users).collect();
        joined.sort_by_key(|user| user.user);
        prop_assert_eq!(&joined, &whole.users);
        for index in 0..of {
            let shard = Plan::new(&scenario, Shard { index, of });
            prop_assert!(shard.users.iter().all(|user| user.user.0 % of == index));
        }
    }

    #[test]
    fn a_users_timeline_does_not_depend_on_how_many_users_there_are(scenario in any_scenario()) {
        let mut more = scenario.clone();
        more.users.count += 3;
        let few = Plan::new(&scenario, Shard::WHOLE);
        let many = Plan::new(&more, Shard::WHOLE);
        prop_assert_eq!(&few.users[..], &many.users[..few.users.len()]);
    }

    #[test]
    fn messages_have_room_for_what_is_planned(scenario in any_scenario()) {
        for message in Plan::new(&scenario, Shard::WHOLE).users.iter().flat_map(|user| &user.mail) {
            let spec = &message.spec;
            prop_assert!((message::SMALLEST..=message::LARGEST).contains(&spec.octets));
            prop_assert!(spec.attachment.is_none_or(|octets| 0 < octets && octets < spec.octets));
            prop_assert!(spec.incompressible <= spec.attachment.unwrap_or(0));
        }
    }
}

/// A machine of any kind that plans this differently would not replay what another one ran.
#[test]
fn every_machine_makes_this_plan() {
    let mut scenario = scenario();
    scenario.seed = 7;
    scenario.speed = 60.0;
    scenario.users.count = 25;
    scenario.run.measure = Duration::from_secs(60);
    scenario.mailbox.messages = Distribution::Lognormal {
        median: 20.0,
        sigma: 1.0,
    };
    assert_eq!(
        Plan::new(&scenario, Shard::WHOLE).fingerprint(),
        "2d0734d0c95a4b9f",
        "if the plan or a default changed on purpose, this changes too"
    );
}

#[test]
fn the_same_seed_gives_the_same_plan_and_another_seed_another() {
    let mut scenario = scenario();
    let plan = Plan::new(&scenario, Shard::WHOLE);
    assert_eq!(plan, Plan::new(&scenario, Shard::WHOLE));
    scenario.seed += 1;
    let other = Plan::new(&scenario, Shard::WHOLE);
    assert_ne!(plan.fingerprint(), other.fingerprint());
    assert_ne!(plan.users, other.users);
}

#[test]
fn neither_blocks_nor_transport_change_the_plan() {
    let mut scenario = scenario();
    let plan = Plan::new(&scenario, Shard::WHOLE).fingerprint();
    scenario.run.blocks += 1;
    scenario.transport.quickack = !scenario.transport.quickack;
    assert_eq!(Plan::new(&scenario, Shard::WHOLE).fingerprint(), plan);
}

#[test]
fn another_arm_adds_its_timers_and_moves_nothing_else() {
    let mut scenario = scenario();
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let keep: Arm = "pop3-keep".parse().unwrap();
    scenario.run.arms.insert(1, keep);
    let mut more = Plan::new(&scenario, Shard::WHOLE);
    let instants = |plan: &Plan, wanted: Arm| -> Vec<(DeviceKind, Duration)> {
        let events = plan.users.iter().flat_map(|user| &user.events);
        let mut instants: Vec<_> = events
            .filter_map(|event| match event.what {
                What::Poll { device, arm } if arm == wanted => Some((device, event.at)),
                _ => None,
            })
            .collect();
        instants.sort_unstable();
        instants
    };
    assert_eq!(instants(&more, keep), instants(&plan, Arm::POP3));
    assert_ne!(instants(&more, keep), []);
    for user in &mut more.users {
        user.events
            .retain(|event| !matches!(event.what, What::Poll { arm, .. } if arm == keep));
    }
    assert_eq!(more, plan);
}

#[test]
fn mail_and_sittings_come_with_exponential_gaps_of_the_right_mean() {
    let mut scenario = scenario();
    scenario.speed = 100.0;
    scenario.users.count = 40;
    // All of it in the busiest hour.
    scenario.run.warm_up = Duration::from_secs(1_500);
    scenario.run.measure = Duration::from_secs(30);
    scenario.arrivals.per_day = 40.0;
    scenario.arrivals.peak_share = share(0.15);
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let mut gaps = Vec::new();
    for user in &plan.users {
        let due = user
            .mail
            .iter()
            .filter_map(|message| match message.arrival {
                Arrival::Due(at) => Some(at.as_secs_f64()),
                Arrival::AtStart { .. } => None,
            });
        let due: Vec<f64> = due.collect();
        gaps.extend(due.windows(2).map(|pair| pair[1] - pair[0]));
    }
    // 6 messages per simulated hour at speed 100: one in 6 s of clock time.
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let deviation =
        (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
    assert!(gaps.len() > 5_000);
    assert!((mean - 6.0).abs() < 0.2, "{mean}");
    assert!(
        (deviation / mean - 1.0).abs() < 0.1,
        "exponential: deviation {deviation}, mean {mean}"
    );
    let expected = scenario.horizon().as_secs_f64() / 6.0 * 40.0;
    let summary = plan.summary();
    assert!(
        (summary.deliveries as f64 / expected - 1.0).abs() < 0.03,
        "{} of {expected}",
        summary.deliveries
    );
}

#[test]
fn devices_are_owned_by_their_shares_and_nobody_has_none() {
    let mut scenario = scenario();
    scenario.users.count = 4_000;
    scenario.run.measure = Duration::from_secs(1);
    (
        scenario.users.phone,
        scenario.users.tablet,
        scenario.users.notebook,
    ) = (share(0.9), share(0.4), share(0.8));
    let summary = Plan::new(&scenario, Shard::WHOLE).summary();
    // 1.2 % would own nothing and get one, so the shares lie a little higher.
    assert!((summary.phones as f64 / 4_000.0 - 0.905).abs() < 0.02);
    assert!((summary.tablets as f64 / 4_000.0 - 0.402).abs() < 0.03);
    assert!((summary.notebooks as f64 / 4_000.0 - 0.805).abs() < 0.03);
    (
        scenario.users.phone,
        scenario.users.tablet,
        scenario.users.notebook,
    ) = (share(0.0), share(0.01), share(0.0));
    let plan = Plan::new(&scenario, Shard::WHOLE);
    assert!(
        plan.users
            .iter()
            .all(|user| user.devices == [DeviceKind::Tablet])
    );
}

#[test]
fn polls_come_at_their_interval_and_only_where_a_device_polls() {
    let mut scenario = scenario();
    scenario.speed = 60.0;
    scenario.phone.pop3.poll = Duration::from_secs(600);
    scenario.run.measure = Duration::from_secs(300);
    scenario.phone.imap.watch = Watch::Poll(Duration::from_secs(1_200));
    let plan = Plan::new(&scenario, Shard::WHOLE);
    for user in plan
        .users
        .iter()
        .filter(|user| user.devices.contains(&DeviceKind::Phone))
    {
        let due = |wanted: Arm| {
            user.events.iter().filter(move |event| {
                matches!(event.what, What::Poll { device: DeviceKind::Phone, arm } if arm == wanted)
            })
        };
        let instants: Vec<Duration> = due(Arm::POP3).map(|event| event.at).collect();
        let jitter = scenario.phone.pop3.jitter.get();
        for pair in instants.windows(2) {
            let gap = pair[1].as_secs_f64() - pair[0].as_secs_f64();
            assert!(
                gap >= 10.0 * (1.0 - jitter) - 1e-5 && gap <= 10.0 * (1.0 + jitter) + 1e-5,
                "{gap}"
            );
        }
        assert!(instants.len() > 25);
        assert!(due(Arm::IMAP).count() * 2 <= instants.len() + 2);
        let idle = user.events.iter().filter(|event| {
            matches!(
                event.what,
                What::Poll {
                    device: DeviceKind::Notebook,
                    arm: Arm::IMAP
                }
            )
        });
        assert_eq!(idle.count(), 0);
    }
}

#[test]
fn mail_of_the_start_is_as_old_as_the_scenario_says_and_the_oldest_comes_first() {
    let mut scenario = scenario();
    scenario.users.count = 200;
    scenario.mailbox.messages = Distribution::Constant(50.0);
    scenario.mailbox.age_days = Distribution::Uniform {
        low: 2.0,
        high: 30.0,
    };
    let mut ages = Vec::new();
    for user in Plan::new(&scenario, Shard::WHOLE).users {
        let of_user: Vec<u32> = user
            .mail
            .iter()
            .filter_map(|message| match message.arrival {
                Arrival::AtStart { age_s, .. } => Some(age_s),
                Arrival::Due(_) => None,
            })
            .collect();
        assert!(of_user.is_sorted_by(|older, newer| older >= newer));
        ages.extend(of_user);
    }
    let days = |seconds: f64| seconds / 86_400.0;
    let mean = days(ages.iter().map(|age| f64::from(*age)).sum()) / ages.len() as f64;
    assert_eq!(ages.len(), 10_000);
    assert!((mean - 16.0).abs() < 0.3, "{mean}");
    assert!(
        ages.iter()
            .all(|age| (2.0..=30.0).contains(&days(f64::from(*age))))
    );
}

#[test]
fn a_message_and_an_event_cost_what_the_documentation_says() {
    assert_eq!(size_of::<PlannedMessage>(), 64);
    assert_eq!(size_of::<Event>(), 48);
}

#[test]
fn a_full_mailbox_is_read_newest_first_over_several_sittings() {
    let mut scenario = scenario();
    scenario.mailbox.messages = Distribution::Constant(500.0);
    scenario.mailbox.unread = Share::ALL;
    scenario.habits.open = Share::ALL;
    scenario.arrivals.per_day = 0.0;
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let opened: Vec<u32> = plan.users[0]
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Sitting { steps, .. } => Some(steps),
            _ => None,
        })
        .flatten()
        .filter_map(|step| match step.act {
            Act::Open {
                seq, again: false, ..
            } => Some(seq),
            _ => None,
        })
        .collect();
    assert!(opened.len() > 20);
    assert!(opened.iter().copied().eq((0..500).rev().take(opened.len())));
}
