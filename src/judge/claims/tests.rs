use super::*;
use crate::judge::synthetic::{as_the_document_says, empty, exchanged};
use crate::judge::{Evidence, judge};

fn claim(evidence: &Evidence, id: &str) -> JudgedClaim {
    let claims = judge(evidence).claims;
    claims.into_iter().find(|claim| claim.id == id).unwrap()
}

fn verdict(evidence: &Evidence, id: &str) -> Verdict {
    claim(evidence, id).verdict
}

#[test]
fn a_run_as_the_document_says_agrees_with_all_that_it_can_show() {
    let evidence = as_the_document_says();
    for id in ["P1", "P2", "P3", "P4", "P6", "I1", "I2", "I4", "I5"] {
        let claim = claim(&evidence, id);
        assert_eq!(claim.verdict, Verdict::Agrees, "{id}: {}", claim.reason);
    }
}

#[test]
fn with_the_arms_exchanged_the_same_claims_disagree() {
    for id in ["P1", "P2", "P3", "P4", "P6", "I1", "I2", "I4", "I5"] {
        let claim = claim(&exchanged(), id);
        // Two shares of one claim may be wrong one by one, but none may hold.
        assert_ne!(claim.verdict, Verdict::Agrees, "{id}: {}", claim.reason);
    }
    assert_eq!(verdict(&exchanged(), "P2"), Verdict::Disagrees);
    assert_eq!(verdict(&exchanged(), "P6"), Verdict::Disagrees);
}

#[test]
fn without_rows_nothing_is_measured() {
    for claim in judge(&empty()).claims {
        let by_protocol = claim.id.starts_with("R5");
        assert!(
            by_protocol || claim.verdict == Verdict::NotMeasured,
            "{}: {}",
            claim.id,
            claim.reason
        );
    }
}

#[test]
fn claims_about_directions_are_provisional_with_two_blocks() {
    let evidence = as_the_document_says();
    assert!(claim(&evidence, "P6").provisional);
    assert!(!claim(&evidence, "P2").provisional);
}

#[test]
fn pop_that_keeps_mail_overturns_p2_and_p4_and_the_switch_says_so() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.consistency {
        row.on_server = true;
    }
    assert_eq!(verdict(&evidence, "P2"), Verdict::Disagrees);
    let claim = claim(&evidence, "P2");
    assert_eq!(
        claim.depends_on,
        [
            "keeping mail on the server: here pop3 keeps (100 % of seen mail) (other side: the POP3 clients' leave_on_server)"
        ]
    );
}

#[test]
fn staler_mail_overturns_that_it_is_seen_sooner() {
    let mut evidence = as_the_document_says();
    let starts: std::collections::BTreeMap<_, _> = evidence
        .setting
        .windows
        .iter()
        .map(|(cell, (start, _))| (*cell, *start))
        .collect();
    for row in &mut evidence.consistency {
        let cell = crate::metrics::row::Cell {
            block: row.block,
            arm: row.arm,
        };
        let accepted = starts[&cell] + 1_000;
        row.due_at_us = Some(accepted);
        row.accepted_at_us = Some(accepted);
        let pop = row.arm.protocol() == Protocol::Pop3;
        row.visible_at_us = Some(accepted + if pop { 5_000_000 } else { 2_000 });
    }
    let claim = claim(&evidence, "P5");
    assert_eq!(claim.verdict, Verdict::Depends, "{}", claim.reason);
    assert!(
        claim
            .reason
            .contains("lower for IMAP: new mail shown after, median"),
        "{}",
        claim.reason
    );
    let row = &judge(&evidence).rows[4];
    assert!(
        row.arms[0]
            .reason
            .contains("POP shows new mail after 300 s, IMAP after 0.120 s"),
        "{}",
        row.arms[0].reason
    );
}

#[test]
fn an_arm_that_the_server_cannot_carry_shows_that_the_server_decides() {
    let mut evidence = as_the_document_says();
    assert_eq!(verdict(&evidence, "O2"), Verdict::NotMeasured);
    evidence.setting.left_out = vec!["Arm imap was left out: no IDLE.".to_owned()];
    assert_eq!(verdict(&evidence, "O2"), Verdict::Agrees);
}

#[test]
fn most_respects_are_counted_one_by_one() {
    let claim = claim(&as_the_document_says(), "O1");
    assert!(claim.reason.starts_with("of 1"), "{}", claim.reason);
    assert!(claim.provisional);
}

#[test]
fn the_online_model_uses_no_disk_on_the_device_and_more_of_the_server() {
    let evidence = as_the_document_says();
    for id in [
        "R1-offline",
        "R1-online",
        "R2-offline",
        "R2-online",
        "R3-offline",
        "R3-online",
        "R4-offline",
        "R4-online",
        "R5-offline",
        "R5-online",
        "R7-offline",
        "R7-online",
    ] {
        let claim = claim(&evidence, id);
        assert_eq!(claim.verdict, Verdict::Agrees, "{id}: {}", claim.reason);
    }
    assert_eq!(verdict(&evidence, "R1-disconnected"), Verdict::NotMeasured);
    // The RFC calls online startup fast; here IMAP takes three times as long.
    assert_eq!(verdict(&evidence, "R6-online"), Verdict::Disagrees);
}

#[test]
fn imap_that_keeps_what_it_showed_is_the_disconnected_model() {
    let mut evidence = as_the_document_says();
    for row in &mut evidence.consistency {
        row.on_device |= row.arm.protocol() == Protocol::Imap;
    }
    assert_eq!(verdict(&evidence, "R1-disconnected"), Verdict::Agrees);
    assert_eq!(verdict(&evidence, "R1-online"), Verdict::NotMeasured);
    assert_eq!(verdict(&evidence, "I2"), Verdict::Depends);
}

#[test]
fn every_metric_of_a_claim_exists_and_every_claim_has_a_line() {
    let judgement = judge(&as_the_document_says());
    for claim in &judgement.claims {
        for name in &claim.metrics {
            let known = judgement
                .rows
                .iter()
                .any(|row| row.document.metric(name).is_some());
            assert!(known, "{}: {name}", claim.id);
        }
        assert!(!claim.reason.is_empty() && !claim.overturned_by.is_empty());
    }
    let mut out = Vec::new();
    write(&judgement, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), 1 + 13 + 21);
    assert!(text.starts_with(
        "id,claim,target,verdict,provisional,metrics,reason,depends_on,overturned_by\n"
    ));
}
