use console::measure_text_width;

use super::*;
use crate::judge::capacity::{Capacity, Load, Purpose};
use crate::rundir::{SearchManifest, SearchTrial};
use crate::scenario::Arm;

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
    let sections = sections::of(&capacity());
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
    let charts = chart::capacity(&capacity).unwrap();
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
