//! Who the users are, what they do besides reading, and when.

use super::*;

#[test]
fn users_are_of_their_classes_by_share_and_live_accordingly() {
    let text = "users.count = 3000\nspeed = 10\n\
        [classes.consumer]\nshare = 0.7\n[classes.office]\nshare = 0.3\n";
    let scenario = Scenario::parse("x.toml", text, &[]).unwrap();
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let summary = plan.summary();
    assert!((summary.classes["office"] as f64 / 3_000.0 - 0.3).abs() < 0.03);
    assert_eq!(
        summary.classes["office"] + summary.classes["consumer"],
        3_000
    );
    let hours = scenario.horizon().as_secs_f64() * scenario.speed / 3_600.0;
    for (class, per_day) in [("consumer", 4.0), ("office", 100.0)] {
        let of_class = plan
            .users
            .iter()
            .filter(|user| user.class.as_deref() == Some(class));
        let arrivals: usize = of_class
            .map(|user| {
                let due = |it: &&PlannedMessage| matches!(it.arrival, Arrival::Due(_));
                user.mail.iter().filter(due).count()
            })
            .sum();
        // The first hour at the measured part's rate, the rest of the run more quietly.
        let most = per_day * 0.15 * hours * summary.classes[class] as f64;
        let share = arrivals as f64 / most;
        assert!((0.5..1.01).contains(&share), "{class}: {share}");
    }
}

#[test]
fn of_what_was_read_a_share_lies_in_folders_and_nobody_touches_it() {
    let mut scenario = scenario();
    scenario.users.count = 50;
    scenario.mailbox.messages = Distribution::Constant(100.0);
    scenario.mailbox.unread = share(0.2);
    scenario.mailbox.folders = 4;
    scenario.mailbox.filed = share(0.5);
    let mut by_folder = [0_u32; 4];
    for user in Plan::new(&scenario, Shard::WHOLE).users {
        let filed: HashSet<u32> = (0..)
            .zip(&user.mail)
            .filter_map(|(seq, message)| match message.arrival {
                Arrival::AtStart { seen, folder, .. } => {
                    by_folder[usize::from(folder?.get()) - 1] += 1;
                    assert!(seen);
                    Some(seq)
                }
                Arrival::Due(_) => None,
            })
            .collect();
        for event in &user.events {
            if let What::Sitting { steps, .. } = &event.what {
                let opened = steps.iter().filter_map(|step| match step.act {
                    Act::Open { seq, .. } => Some(seq),
                    _ => None,
                });
                assert!(opened.into_iter().all(|seq| !filed.contains(&seq)));
            }
        }
    }
    // 80 % of 5,000 were read, half of them filed.
    let all: u32 = by_folder.iter().sum();
    assert!((1_900..2_100).contains(&all), "{by_folder:?}");
    assert!(by_folder.iter().all(|of| *of > 400), "{by_folder:?}");
}

#[test]
fn a_day_has_a_busiest_hour_other_hours_and_a_night() {
    let mut scenario = scenario();
    scenario.users.count = 400;
    scenario.speed = 3_600.0;
    (scenario.run.ramp_up, scenario.run.warm_up) = (Duration::ZERO, Duration::ZERO);
    // An hour of theirs passes each second: two days.
    scenario.run.measure = Duration::from_secs(48);
    scenario.arrivals.per_day = 100.0;
    scenario.arrivals.peak_share = share(0.3);
    scenario.habits.active_hours = 8.0;
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let mut of_hour = [0_u32; 48];
    let mut sittings = [0_u32; 48];
    for user in &plan.users {
        for event in &user.events {
            let hour = event.at.as_secs() as usize;
            match event.what {
                What::Deliver { .. } => of_hour[hour] += 1,
                What::Sitting { .. } => sittings[hour] += 1,
                _ => {}
            }
        }
    }
    for day in of_hour.chunks(24) {
        let whole: u32 = day.iter().sum();
        assert!((f64::from(whole) / 40_000.0 - 1.0).abs() < 0.02, "{whole}");
        assert!((f64::from(day[0]) / f64::from(whole) - 0.3).abs() < 0.01);
        for hour in &day[1..8] {
            assert!((f64::from(*hour) / f64::from(whole) - 0.1).abs() < 0.01);
        }
        assert_eq!(day[8..].iter().sum::<u32>(), 0);
    }
    assert!(sittings[0] > 2 * sittings[4] && sittings[4] > 0);
    // One that was put off until the one before had ended may begin a little later.
    assert_eq!(sittings[10..24].iter().sum::<u32>(), 0);
}

#[test]
fn people_write_and_move_as_often_as_the_scenario_says() {
    let mut scenario = scenario();
    scenario.users.count = 400;
    scenario.habits.sent_per_day = 40.0;
    scenario.habits.r#move = share(0.5);
    scenario.mailbox.folders = 18;
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let summary = plan.summary();
    let hours = scenario.horizon().as_secs_f64() * scenario.speed / 3_600.0;
    let wanted = 40.0 * 0.15 * hours * 400.0;
    let written = summary.sent as f64 / wanted;
    // What comes to mind after the last sitting is not written any more.
    assert!((0.8..1.02).contains(&written), "{written}");
    let moved = summary.moves as f64 / (summary.openings - summary.deletes) as f64;
    assert!((moved - 0.5).abs() < 0.02, "{moved}");
    let folders: HashSet<u32> = plan
        .users
        .iter()
        .flat_map(|user| &user.events)
        .filter_map(|event| match &event.what {
            What::Sitting { steps, .. } => Some(steps),
            _ => None,
        })
        .flatten()
        .filter_map(|step| match step.act {
            Act::Move { folder, .. } => Some(folder),
            _ => None,
        })
        .collect();
    assert_eq!(folders.len(), 18);
    let names: HashSet<String> = (0..1_000).map(folder_name).collect();
    assert_eq!(names.len(), 1_000, "no two folders have one name");
}

#[test]
fn threads_are_as_common_as_the_scenario_says() {
    let mut scenario = scenario();
    scenario.users.count = 50;
    scenario.mailbox.messages = Distribution::Constant(200.0);
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let (mut answers, mut messages) = (0, 0);
    for user in &plan.users {
        for (seq, message) in (0..).zip(&user.mail) {
            messages += 1;
            answers += u32::from(message.answers.is_some());
            let ancestors = user.ancestors(seq);
            assert!(ancestors.len() <= LONGEST_THREAD && ancestors.is_sorted());
            assert_eq!(ancestors.last().copied(), message.answers);
        }
    }
    let share = f64::from(answers) / f64::from(messages);
    assert!((share - 0.46).abs() < 0.02, "{share}");
}
