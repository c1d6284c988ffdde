use std::path::Path;

use super::*;
use crate::judge::{Evidence, judge};

/// Arms of the golden run.
const ARMS: [&str; 2] = ["pop3", "imap"];

fn arms() -> Vec<Arm> {
    ARMS.iter().map(|name| name.parse().unwrap()).collect()
}

fn mistake(text: &str) -> GateError {
    understand(&[text.parse().unwrap()], &arms()).unwrap_err()
}

fn outcome(text: &str) -> Outcome {
    let run = RunDir::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("results/golden")).unwrap();
    let judgement = judge(&Evidence::read(&run).unwrap());
    let gates = [text.parse().unwrap()];
    let figures = understand(&gates, &arms()).unwrap();
    let material = Material::read(&run, &judgement).unwrap();
    material.check(&gates, &figures).unwrap().remove(0)
}

#[test]
fn a_name_that_is_nearly_right_is_suggested() {
    for (text, at, help) in [
        ("imop.login.response.p99 < 3ms", 0, "did you mean `imap`?"),
        ("imap.logn.response.p99 < 3ms", 5, "did you mean `login`?"),
        (
            "imap.phone.lgin.response.p99 < 3ms",
            11,
            "did you mean `login`?",
        ),
        (
            "imap.login.respons.p99 < 3ms",
            11,
            "did you mean `response`?",
        ),
        ("imap.login.response.p99x < 3ms", 20, "did you mean `p99`?"),
        ("imap.usable_p5 < 3ms", 5, "did you mean `usable_p50`?"),
        ("imap.server.rss.max < 3MB", 12, "did you mean `fds`?"),
        (
            "imap.login.response < 3ms",
            11,
            "such as `imap.login.response.p99`",
        ),
        ("imap.login.response.p99.x < 3ms", 24, "leave it out"),
        (
            "imap.login.response.p99 < 3",
            26,
            "give the limit a unit of time, such as 300ms",
        ),
    ] {
        let error = mistake(text);
        if text.contains("server.rss.") {
            assert!(error.help.contains("rss_bytes"), "{error}");
        } else {
            assert_eq!(error.help, help, "{error}");
        }
        assert_eq!(error.at, at, "{error}");
    }
}

#[test]
fn every_kind_of_figure_has_its_value_in_a_kept_run() {
    for text in [
        "pop3.login.response.p99 < 10min",
        "pop3.phone.check.response.mean < 10min",
        "imap.delivery.deliver.service.max < 10min",
        "pop3.login.count > 0",
        "pop3.login.errors.share < 1%",
        "imap.fetch-part.rx_bytes.mean > 0B",
        "pop3.retr.count.rate > 0",
        "imap.server.rss_bytes.max > 1MB",
        "pop3.server.cpu < 64",
        "imap.generator.lag_p99_us.max < 10min",
        "pop3.usable_p50 < 10min",
        "imap.read_mark_elsewhere >= 95%",
    ] {
        let outcome = outcome(text);
        assert!(outcome.passed, "{text}: {:?}", outcome.observed);
    }
}

#[test]
fn a_gate_that_is_not_met_fails_with_the_value() {
    let outcome = outcome("pop3.login.response.p99 < 1us");
    assert!(!outcome.passed && outcome.observed.unwrap() > 1.0);
}

#[test]
fn no_data_fails() {
    for text in ["pop3.search.response.p99 < 10min", "pop3.move.errors == 0"] {
        let outcome = outcome(text);
        assert_eq!((outcome.observed, outcome.passed), (None, false), "{text}");
    }
}

#[test]
fn a_metric_and_the_columns_that_it_comes_from_say_the_same() {
    let metric = outcome("pop3.open_connections < 1000").observed.unwrap();
    let pop3 = outcome("pop3.server.pop3_connections.mean < 1000")
        .observed
        .unwrap();
    assert!((metric - pop3).abs() < 1e-9);
}
