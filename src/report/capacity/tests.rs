use console::measure_text_width;
use strum::IntoEnumIterator as _;

use super::*;
use crate::judge::capacity::{Capacity, Load, Purpose, Resource, Standing};
use crate::rundir::{Outcome, SearchManifest, SearchTrial};
use crate::scenario::Arm;

fn words(lang: Lang) -> Words {
    Words::of(lang).unwrap()
}

/// One trial that met the level and one that was refused.
fn capacity() -> Capacity {
    let mut manifest = SearchManifest {
        scenario_name: "capacity".to_owned(),
        target: "embedded".to_owned(),
        level: "modern".to_owned(),
        arms: vec![Arm::POP3, Arm::IMAP],
        first: 20,
        most: 100,
        resolution: 0.05,
        ..SearchManifest::default()
    };
    for users in [20, 40] {
        manifest.trials.push(SearchTrial {
            number: users / 20,
            arm: Arm::POP3,
            users,
            purpose: Purpose::Bracket.to_string(),
            question: None,
            folder: format!("00{}", users / 20),
            refused: Some(
                "the target file allows 20 (`max_connections`), and 30 are needed".to_owned(),
            ),
            over: true,
        });
    }
    let mut trials: Vec<Trial> = manifest
        .trials
        .iter()
        .map(|facts| Trial::without_run(facts, None))
        .collect();
    trials[0].answer = Some(Answer::Met);
    Capacity::of(&manifest, trials)
}

#[test]
fn the_page_says_how_many_users_what_bound_and_that_it_is_unfinished() {
    let sections = sections::of(&capacity(), &words(Lang::En));
    for width in [80, 160] {
        let text = layout::text(&sections, width);
        assert!(
            text.lines().all(|line| measure_text_width(line) <= width),
            "{text}"
        );
        assert!(text.contains("UNFINISHED"), "{text}");
        assert!(text.contains("at least 20"), "{text}");
        assert!(text.contains("a ceiling that was set"), "{text}");
    }
    let page = layout::markdown(&sections);
    assert!(
        page.starts_with("# How many users? capacity on embedded, level modern"),
        "{page}"
    );
    assert!(page.contains("(`max_connections`)"), "{page}");
}

#[test]
fn the_csvs_have_a_line_per_trial_and_per_figure() {
    let capacity = capacity();
    let trials = String::from_utf8(lines::trials(&capacity).unwrap()).unwrap();
    assert_eq!(trials.lines().count(), 3, "{trials}");
    assert!(trials.contains("2,pop3,40,bracket,,,refused"), "{trials}");
    let figures = String::from_utf8(lines::figures(&capacity).unwrap()).unwrap();
    assert!(
        figures.starts_with("arm,part,at,figure,value,low,high,unit,kind\n"),
        "{figures}"
    );
    assert!(
        figures.contains("pop3,planner,,capacity,20.0,,,users,measured"),
        "{figures}"
    );
}

/// A search whose trials had these answers.
fn searched(steps: &[(u32, Purpose, Answer)]) -> Capacity {
    let mut manifest = capacity().manifest;
    manifest.arms = vec![Arm::POP3];
    manifest.outcome = Outcome::Complete;
    manifest.trials.clear();
    let mut trials = Vec::new();
    for (users, purpose, answer) in steps {
        let facts = SearchTrial {
            number: trials.len() as u32 + 1,
            arm: Arm::POP3,
            users: *users,
            purpose: purpose.to_string(),
            question: None,
            folder: String::new(),
            refused: None,
            over: true,
        };
        manifest.trials.push(facts.clone());
        trials.push(Trial {
            answer: Some(*answer),
            ..Trial::without_run(&facts, None)
        });
    }
    Capacity::of(&manifest, trials)
}

#[test]
fn what_the_answer_rests_on_is_counted_on_the_page_and_in_the_csv() {
    use Answer::{Met, Missed, Refused};
    use Purpose::{Bracket, Confirm, Recheck};
    let confirmed = [
        (20, Bracket, Met),
        (40, Bracket, Missed),
        (40, Recheck, Missed),
        (20, Confirm, Met),
        (20, Confirm, Missed),
        (20, Confirm, Met),
        (20, Confirm, Met),
    ];
    let capacity = searched(&confirmed);
    let page = layout::markdown(&sections::of(&capacity, &words(Lang::En)));
    for text in [
        "| pop3 | 20 to 40 | not told apart | 3 of 4 |",
        "Confirmations of 20 users: 3 of 4 met the level. Trials of 40 users: 2 of 2 missed it.",
        "too short for a gap of 5 %: it is 100 %.",
    ] {
        assert!(page.contains(text), "{page}");
    }
    assert!(!page.contains("UNFINISHED"), "{page}");
    let figures = String::from_utf8(lines::figures(&capacity).unwrap()).unwrap();
    for line in [
        "pop3,capacity,20 users,confirmations_met,3.0,,,trials,measured",
        "pop3,capacity,20 users,confirmations_missed,1.0,,,trials,measured",
        "pop3,capacity,40 users,above_missed,2.0,,,trials,measured",
        "pop3,capacity,,gap,100.0,,,%,derived",
    ] {
        assert!(figures.contains(line), "{line}: {figures}");
    }
    let refused = [
        &confirmed[..4],
        &[
            (20, Confirm, Refused),
            (20, Confirm, Refused),
            (20, Confirm, Refused),
        ],
    ];
    let page = layout::markdown(&sections::of(
        &searched(&refused.concat()),
        &words(Lang::En),
    ));
    for text in [
        "| pop3 | 20 to 40 | not told apart | no (1 of 1, 3 refused) |",
        "UNFINISHED: the capacity could not be confirmed",
        "Confirmations of 20 users: 1 of 1 met the level. Confirmations that were refused: 3.",
    ] {
        assert!(page.contains(text), "{page}");
    }
}

#[test]
fn where_the_generator_was_the_limit_the_page_says_at_least_and_what_to_do() {
    use Answer::{Invalid, Met};
    use Purpose::{Bisect, Bracket, Confirm};
    let page = |steps: &[(u32, Purpose, Answer)]| {
        let capacity = searched(steps);
        let page = layout::markdown(&sections::of(&capacity, &words(Lang::En)));
        (capacity.standing(), page)
    };
    let (standing, text) = page(&[
        (20, Bracket, Met),
        (40, Bracket, Invalid),
        (40, Bracket, Invalid),
        (25, Bisect, Invalid),
        (25, Bisect, Invalid),
        (20, Confirm, Met),
    ]);
    assert_eq!(standing, Standing::Invalid);
    for part in [
        "| pop3 | at least 20 | the generator | 1 of 1 |",
        "INVALID: the load generator was the limit",
        "`--server-cpus`",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let (standing, text) = page(&[(1, Bracket, Invalid), (1, Bracket, Invalid)]);
    assert_eq!(standing, Standing::Invalid);
    assert!(text.contains("| pop3 | not known |"), "{text}");
}

#[test]
fn a_trial_is_one_line() {
    let line = trial_line(&capacity().trials[1]);
    assert!(
        line.starts_with("  2 pop3 40 users (bracket): · not tried; the target file"),
        "{line}"
    );
}

#[test]
fn charts_show_each_trial_and_name_the_line_and_column_of_trials_csv() {
    let mut capacity = capacity();
    for trial in &mut capacity.trials {
        trial.answer = Some(Answer::Met);
        trial.load = Some(Load {
            users: trial.facts.users,
            commands_per_s: 7.0 * f64::from(trial.facts.users),
            usable_p50_ms: Some(3.5),
            ..Load::default()
        });
    }
    let charts = chart::capacity(&capacity, &words(Lang::En)).unwrap();
    let names: Vec<&str> = charts.iter().map(|chart| chart.name.as_str()).collect();
    // Nothing was seen of the server's processors, and there is no IMAP to move to.
    assert_eq!(names, ["growth-throughput", "growth-inbox"]);
    let csv = String::from_utf8(lines::trials(&capacity).unwrap()).unwrap();
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    for chart in charts {
        assert_eq!(
            chart.svg.matches("class=\"mark\"").count(),
            2,
            "{}",
            chart.name
        );
        let column = chart.svg.split("trials.csv?trial=2#").nth(1).unwrap();
        let column = column.split('"').next().unwrap();
        assert!(head.contains(&column), "{column}");
    }
}

#[test]
fn every_name_of_a_word_is_there() {
    let t = words(Lang::En);
    let names = [
        include_str!("sections.rs"),
        include_str!("arms.rs"),
        include_str!("answers.rs"),
        include_str!("../chart/capacity.rs"),
    ];
    let mut names: Vec<String> = names
        .iter()
        .flat_map(|source| source.split('"').filter(|it| it.starts_with("cap_")))
        .filter(|name| !name.contains('{'))
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 80, "{names:?}");
    names.extend(Resource::iter().map(|it| format!("cap_resource_{it}").replace('-', "_")));
    names.extend(answers::FIGURES.map(|name| format!("cap_{name}")));
    let quantities = [
        "throughput",
        "server_cpu",
        "memory",
        "open_connections",
        "bandwidth",
    ];
    names.extend(quantities.map(|name| format!("cap_what_{name}")));
    names.extend(["measured", "derived", "modelled"].map(|kind| format!("cap_kind_{kind}")));
    for name in names {
        assert_ne!(t.word(&name), name);
    }
}

#[test]
fn every_word_of_the_page_comes_in_thai() {
    use Answer::{Met, Missed};
    use Purpose::{Bracket, Confirm, Shown};
    let mut capacity = searched(&[
        (20, Bracket, Met),
        (40, Bracket, Missed),
        (20, Confirm, Met),
        (16, Shown, Met),
        (48, Shown, Met),
    ]);
    capacity.manifest.out_of_time = true;
    let dir = tempfile::tempdir().unwrap();
    write_capacity(dir.path(), &capacity, Lang::Th).unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let (html, markdown) = (read("report.html"), read("capacity.md"));
    assert!(html.contains("lang=\"th\""));
    for text in [
        "รองรับผู้ใช้ได้กี่คน",
        "ยังไม่สมบูรณ์",
        "การยืนยันที่ผู้ใช้ 20 คน",
        "ชั่วโมงที่หนักที่สุด",
    ] {
        assert!(html.contains(text) && markdown.contains(text), "{text}");
    }
    for (name, text) in words(Lang::En).all() {
        let own = text.split(['{', '}']).next().unwrap_or_default();
        // Short words are names of things, too.
        assert!(own.len() < 24 || !html.contains(own), "{name} is English");
        assert!(
            own.len() < 24 || !markdown.contains(own),
            "{name} is English"
        );
    }
}
