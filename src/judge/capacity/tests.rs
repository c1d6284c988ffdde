use std::path::Path;

use super::*;
use crate::judge::figure::Kind;
use crate::rundir::{Asked, CrowdFacts};

/// A server with known costs: 0.001 processors, 2 MiB and 3 kept connections per user besides 100 MiB, 5 commands/s per user, all of it up
/// to 200 users.
fn load(users: u32) -> Load {
    let n = f64::from(users);
    Load {
        users,
        speed: 10.0,
        seconds: 5.0,
        commands_per_s: 5.0 * n / (1.0 + 0.002 * (n - 1.0)),
        server_cpus: Some(0.001 * n),
        cpu_ms_per_user_hour: Some(360.0),
        memory_bytes: Some((100.0 + 2.0 * n) * 1_048_576.0),
        connections_kept: 3.0 * n,
        connections_short: 0.5 * n,
        wire_bytes_per_s: 1_000.0 * n,
        delivered_bytes_per_user_hour: 1_500.0,
        filed_bytes_per_user_hour: 150.0,
        kept_on_server: Some(0.9),
        ..Load::default()
    }
}

fn trial(manifest: &mut SearchManifest, users: u32, purpose: Purpose, answer: Answer) -> Trial {
    let facts = SearchTrial {
        number: manifest.trials.len() as u32 + 1,
        arm: Arm::IMAP,
        users,
        purpose: purpose.to_string(),
        question: None,
        folder: "x".to_owned(),
        refused: None,
        over: true,
    };
    manifest.trials.push(facts.clone());
    Trial {
        answer: Some(answer),
        load: Some(load(users)),
        purpose,
        ..Trial::without_run(&facts, None)
    }
}

/// A search on that server, carried out to its end.
fn searched(answer: impl Fn(u32) -> Answer) -> (SearchManifest, Vec<Trial>) {
    let mut manifest = SearchManifest {
        arms: vec![Arm::IMAP],
        first: 20,
        most: 10_000,
        resolution: 0.05,
        scenario_toml: Scenario::builtin("quick").unwrap().to_toml(),
        crowd: vec![CrowdFacts {
            protocol: "imap".to_owned(),
            tried: 16,
            let_in: 3,
            refused: Some("too many".to_owned()),
        }],
        ..SearchManifest::default()
    };
    let mut trials = Vec::new();
    while let Next::Try(users, purpose) = next(&manifest, &trials, Arm::IMAP, NO_HURRY) {
        trials.push(trial(&mut manifest, users, purpose, answer(users)));
    }
    (manifest, trials)
}

fn up_to_200(users: u32) -> Answer {
    if users <= 200 {
        Answer::Met
    } else {
        Answer::Missed
    }
}

fn figure(arm: &ArmCapacity, name: &str) -> f64 {
    let mut figures = arm.figures.iter();
    figures.find(|it| it.name == name).unwrap().value.unwrap()
}

#[test]
fn the_planners_figures_of_a_known_server_come_out_right() {
    let (manifest, trials) = searched(up_to_200);
    let capacity = Capacity::of(&manifest, trials);
    assert_eq!(capacity.standing(), Standing::Found);
    let arm = &capacity.arms[0];
    let users = f64::from(arm.found.capacity.unwrap());
    assert!((190.0..=200.0).contains(&users));
    let near = |name: &str, truth: f64| {
        let found = figure(arm, name);
        assert!(
            (found / truth - 1.0).abs() < 1e-6,
            "{name}: {found}, not {truth}"
        );
    };
    near("capacity_in_real_time", 10.0 * users);
    near("users_per_core", 10_000.0);
    near("users_per_gib", 512.0);
    near("connections_per_1000", 3_050.0);
    near("mbit_per_s_per_1000", 0.8);
    // 1,500 × 0.9 + 150 octets in the busiest hour, which is 15 % of the day.
    near("storage_per_user_year", 365.0 * 1_500.0 / 0.15);
    let fit = arm.fit.as_ref().unwrap();
    assert!((fit.sigma.value / 0.002 - 1.0).abs() < 1e-6 && fit.shown_peak().is_none());
}

#[test]
fn fits_are_held_against_loads_that_they_were_not_made_from() {
    let (manifest, mut trials) = searched(up_to_200);
    // What the fits do not see may be anything: they must not follow it.
    for trial in trials.iter_mut().filter(|it| it.purpose == Purpose::Shown) {
        let load = trial.load.as_mut().unwrap();
        load.server_cpus = load.server_cpus.map(|cpus| cpus * 1.25);
    }
    let arm = &Capacity::of(&manifest, trials).arms[0];
    let of = |what: &str| -> Vec<f64> {
        let of_it = arm.predictions.iter().filter(|it| it.what == what);
        of_it.map(Prediction::error_percent).collect()
    };
    assert_eq!(of("throughput").len(), 2);
    assert!(
        of("throughput")
            .iter()
            .chain(&of("memory"))
            .all(|error| error.abs() < 1e-3)
    );
    assert!(
        of("server CPU")
            .iter()
            .all(|error| (error + 20.0).abs() < 1e-6)
    );
}

#[test]
fn a_search_that_the_generator_ended_is_invalid_and_one_that_was_cut_off_unfinished() {
    let generator = |users| {
        if users <= 100 {
            Answer::Met
        } else {
            Answer::Invalid
        }
    };
    let (manifest, trials) = searched(generator);
    let capacity = Capacity::of(&manifest, trials);
    assert_eq!(capacity.standing(), Standing::Invalid);
    let bound = capacity.arms[0].bound.as_ref().unwrap();
    assert_eq!(bound.resource, Resource::Generator);
    let (manifest, mut trials) = searched(up_to_200);
    trials.truncate(3);
    assert_eq!(
        Capacity::of(&manifest, trials).standing(),
        Standing::Unfinished
    );
    let (manifest, trials) = searched(|_| Answer::Missed);
    assert_eq!(Capacity::of(&manifest, trials).standing(), Standing::NotOne);
    let nothing = Capacity::of(&SearchManifest::default(), Vec::new());
    assert_eq!(nothing.standing(), Standing::Unfinished);
}

#[test]
fn another_setting_is_predicted_where_it_was_held_out() {
    let (mut manifest, mut trials) = searched(up_to_200);
    for (times, cost) in [(2.0, 500.0), (4.0, 720.0)] {
        let mut asked = trial(&mut manifest, 40, Purpose::Question, Answer::Met);
        asked.facts.question = Some(Asked {
            about: "polls".to_owned(),
            times,
        });
        asked.load.as_mut().unwrap().cpu_ms_per_user_hour = Some(cost);
        trials.push(asked);
    }
    let arm = &Capacity::of(&manifest, trials).arms[0];
    let effect = &arm.effects[0];
    assert!((effect.base - 360.0).abs() < 1e-9 && effect.users == 40);
    // 360 and 720 at four times: 480 at twice, 1,440 at ten times.
    assert!((effect.predicted.unwrap() - 480.0).abs() < 1e-6);
    assert!((effect.tenfold.unwrap() - 1_440.0).abs() < 1e-6);
    assert_eq!(effect.measured, [(2.0, Some(500.0)), (4.0, Some(720.0))]);
}

#[test]
fn a_person_with_every_device_is_held_against_the_servers_limit() {
    let (manifest, trials) = searched(up_to_200);
    let crowded = &Capacity::of(&manifest, trials).arms[0].crowded;
    // Phone and tablet one each, the notebook two.
    assert_eq!((crowded.all(), crowded.fits()), (4, Some(false)));
}

#[test]
fn moving_users_is_a_line_between_what_each_arm_costs() {
    let (manifest, trials) = searched(up_to_200);
    let imap = Capacity::of(&manifest, trials).arms.remove(0);
    let mut pop = imap.clone();
    pop.arm = Arm::POP3;
    pop.found.capacity = Some(600);
    for figure in &mut pop.figures {
        figure.value = figure.value.map(|value| value * 2.0);
    }
    let mixtures = mixture::mixtures(&[pop, imap.clone()]);
    let points = &mixtures[0].points;
    assert_eq!((mixtures.len(), points.len()), (1, 11));
    let connections = figure(&imap, "connections_per_1000");
    assert!((points[5].connections.unwrap() - 1.5 * connections).abs() < 1e-6);
    assert!((points[0].capacity.unwrap() - 600.0).abs() < 1e-6);
    let half = 2.0 / (1.0 / 600.0 + 1.0 / f64::from(imap.found.capacity.unwrap()));
    assert!((points[5].capacity.unwrap() - half).abs() < 1e-6);
}

#[test]
fn a_kept_run_is_judged_as_a_trial() {
    let run = RunDir::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("results/golden")).unwrap();
    let mut manifest = SearchManifest::default();
    let facts = trial(&mut manifest, 2, Purpose::Bracket, Answer::Met).facts;
    let (judged, _) = Trial::judge(&facts, &manifest, &run).unwrap();
    assert_eq!(
        (judged.answer, judged.reasons),
        (Some(Answer::Met), Vec::new())
    );
    let load = judged.load.unwrap();
    assert!(load.commands_per_s > 0.0 && load.concurrency > 0.0);
    assert!(load.connections_kept >= 1.0, "{load:?}");
    manifest.gates = vec!["imap.login.response.p50 < 1us".parse().unwrap()];
    let (missed, _) = Trial::judge(&facts, &manifest, &run).unwrap();
    assert_eq!(missed.answer, Some(Answer::Missed));
}

#[test]
fn kinds_are_told_apart() {
    let (manifest, trials) = searched(up_to_200);
    let arm = &Capacity::of(&manifest, trials).arms[0];
    let kind = |name: &str| arm.figures.iter().find(|it| it.name == name).unwrap().kind;
    assert_eq!(kind("capacity"), Kind::Measured);
    assert_eq!(kind("users_per_core"), Kind::Derived);
    assert_eq!(kind("storage_per_user_year"), Kind::Modelled);
}
