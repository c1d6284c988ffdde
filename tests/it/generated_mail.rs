//! The mail that plans are made of, held against a parser that is not ours: Python's, at its strictest.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use mailgauge::plan::message::{Envelope, Writer};
use mailgauge::plan::{Plan, Shard};
use mailgauge::scenario::{Override, Scenario};

use crate::support::skipped;

/// Writes the mail of a plan into a folder, one file for each message.
fn write_mail(scenario: &Scenario, folder: &Path) -> usize {
    let mut written = 0;
    for user in Plan::new(scenario, Shard::WHOLE).users {
        for (seq, message) in (0..).zip(&user.mail) {
            let identity = |seq: u32| format!("0badcafe-{}-{seq}", user.user.0);
            let ancestors: Vec<String> = user.ancestors(seq).into_iter().map(identity).collect();
            let id = identity(seq);
            let envelope = Envelope {
                id: &id,
                from: "sender@mailgauge.test",
                to: "user00017@mailgauge.invalid",
                date_unix: 1_700_000_000 + i64::from(seq),
                ancestors: &ancestors,
            };
            let octets: Vec<u8> = Writer::new(&message.spec, &envelope).flatten().collect();
            assert_eq!(octets.len() as u64, message.spec.octets, "{id}");
            std::fs::write(folder.join(format!("{id}.eml")), octets).unwrap();
            written += 1;
        }
    }
    written
}

/// What the strict parser met, by kind.
fn parsed(folder: &Path) -> Option<BTreeMap<String, u64>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/strict_mail.py");
    let output = Command::new("python3")
        .arg("-B")
        .arg(script)
        .arg(folder)
        .output();
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn hundreds_of_messages_of_each_kind_pass_a_strict_parser() {
    let settings = [
        "users=40",
        "mailbox.messages={ constant = 80 }",
        "arrivals.per_day=0",
        "mail.incompressible=0.7",
        "mail.attachment_above=5KB",
        "mail.sizes={ mixture = [[{ uniform = { low = 768, high = 5000 } }, 0.7], [{ uniform = { low = \"5KB\", high = \"60KB\" } }, 0.3]] }",
        "mail.languages={ english = 0.25, german = 0.25, french = 0.125, thai = 0.25, japanese = 0.125 }",
    ];
    let settings: Vec<Override> = settings
        .iter()
        .map(|it| Override::set(it).unwrap())
        .collect();
    let scenario = Scenario::load("quick", &settings).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let written = write_mail(&scenario, folder.path());
    let Some(met) = parsed(folder.path()) else {
        return skipped("generated_mail", "python3 is not installed");
    };
    println!("{met:#?}");
    let count = |kind: &str| met.get(kind).copied().unwrap_or_default();
    assert_eq!(count("messages"), written as u64);
    for kind in [
        "text us-ascii 7bit",
        "text utf-8 quoted-printable",
        "text iso-8859-1 quoted-printable",
        "text utf-8 base64",
        "text tis-620 base64",
        "text iso-2022-jp 7bit",
    ] {
        let (text, html) = (
            kind.replacen("text", "plain", 1),
            kind.replacen("text", "html", 1),
        );
        assert!(count(&text) >= 200, "{text}: {}", count(&text));
        assert!(count(&html) >= 60, "{html}: {}", count(&html));
    }
    // RFC 4978, section 4: typical IMAP responses compress to 25 to 40 % at zlib's cheapest setting.
    let compressed = met.iter().filter(|(kind, _)| kind.starts_with("per mille"));
    for (kind, share) in compressed {
        assert!((250..=400).contains(share), "{kind}: {share}");
    }
    for kind in [
        "shape text/plain",
        "shape multipart/alternative",
        "shape multipart/mixed",
    ] {
        assert!(count(kind) >= 300, "{kind}: {}", count(kind));
    }
    for kind in [
        "application/pdf",
        "image/jpeg",
        "image/png",
        "application/zip",
    ] {
        assert!(count(&format!("file {kind}")) >= 50, "{kind}");
    }
    assert!(count("answers") > 1_000 && count("subjects") > 800);
}
