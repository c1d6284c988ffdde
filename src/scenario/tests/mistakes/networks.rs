//! In networks, and in what a device does about them.

use super::{mistake, mistaken_override};
use crate::scenario::Scenario;

#[test]
fn a_network_that_does_not_exist_is_refused_with_those_that_do() {
    let told = mistake("[phone]\nnetwork = \"slow5g\"\n");
    assert!(
        told.starts_with("unknown preset `slow5g`\n --> x.toml:2:11\n"),
        "{told}"
    );
    assert!(told.contains("did you mean `slow"), "{told}");
}

#[test]
fn loss_is_refused_with_the_reason() {
    let own = r#"network = { down = "1Mbit/s", up = "1Mbit/s", rtt = "50ms", loss = 0.01 }"#;
    let told = mistake(&format!("[tablet]\n{own}\n"));
    assert!(told.starts_with("packets can not be lost here"), "{told}");
    assert!(
        told.contains(" --> x.toml:2:") && told.contains("netem"),
        "{told}"
    );
}

#[test]
fn a_network_whose_figures_can_not_be_is_refused() {
    let own = |figures: &str| {
        let rates = r#"down = "1Mbit/s", up = "1Mbit/s""#;
        mistake(&format!("[phone]\nnetwork = {{ {rates}, {figures} }}\n"))
    };
    let told = own(r#"rtt = "50ms", jitter = "60ms""#);
    assert!(
        told.starts_with("the round trip is 50ms, it can not vary by 60ms\n --> x.toml:2:"),
        "{told}"
    );
    let told = own(r#"rtt = "11s""#);
    assert!(
        told.starts_with("a round trip of 11s is not possible\n"),
        "{told}"
    );
    let told = own(r#"rtt = "6s""#);
    assert!(
        told.contains("no connection can be made within 10s"),
        "{told}"
    );
    let told =
        mistaken_override("phone.network={ down = \"fast\", up = \"1Mbit/s\", rtt = \"1ms\" }");
    assert!(told.starts_with("\"fast\" is not a rate\n"), "{told}");
}

#[test]
fn a_poll_that_leaves_no_time_for_its_round_trips_is_refused() {
    let text = r#"speed = 600

[phone]
network = "edge"
"#;
    let told = mistake(text);
    assert!(told.starts_with("`phone.pop3.poll` is 15m, which at speed 600 leaves 1s 350ms of clock time, less than a POP3 session may take (6s 970ms)\n"), "{told}");
    assert!(Scenario::parse("x.toml", "speed = 600\n", &[]).is_ok());
}

#[test]
fn outages_that_end_before_they_begin_or_never_begin_are_refused() {
    let told = mistake("[phone]\noutages = { windows = [{ from = \"9m\", to = \"5m\" }] }\n");
    assert!(
        told.starts_with("the outage ends at 5m, before it begins at 9m\n --> x.toml:2:"),
        "{told}"
    );
    let told = mistake("[phone]\noutages = { windows = [{ from = \"90h\", to = \"91h\" }] }\n");
    assert!(told.contains("after the end of the run"), "{told}");
    let told = mistaken_override(
        "phone.outages={ random = { per_day = -1, minutes = { constant = 10 } } }",
    );
    assert!(told.starts_with("-1 is not possible here\n"), "{told}");
    let told = mistaken_override("phone.outages=often");
    assert!(told.contains("write { random = "), "{told}");
}
