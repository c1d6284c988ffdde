//! `mailgauge compare --target dovecot` on a private Dovecot from the distribution's packages.

use mailgauge::target::Dovecot;
use rustix::process::Signal;

use crate::compare::{
    Run, assert_all_rows_filled, assert_finished, assert_only_imap_shares, assert_sums_hold,
    finish, signal, wait_until_gone,
};
use crate::support::{mailgauge, skipped};

fn installed(test: &str) -> bool {
    match Dovecot::installed() {
        Ok(_) => true,
        Err(why) => {
            skipped(test, &why.to_string());
            false
        }
    }
}

#[test]
fn a_run_on_dovecot_fills_every_row_and_leaves_nothing_behind() {
    if !installed("a run on Dovecot") {
        return;
    }
    let run = Run::new();
    let (code, errors) = finish(run.start(&["--target", "dovecot"]));
    assert_finished(code, &errors);
    run.assert_clean();
    assert_all_rows_filled(&run);
    let read = run.read();
    assert!(read.manifest.target.version.starts_with("Dovecot 2.3"));
    assert_sums_hold(&read);
    assert_only_imap_shares(&read);
}

#[test]
fn dovecot_does_not_survive_a_run_that_is_killed_or_stopped() {
    if !installed("killing a run on Dovecot") {
        return;
    }
    let killed = Run::new();
    let mut child = killed.start(&["--target", "dovecot", "--duration", "60s"]);
    killed.wait_for_measuring();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until_gone(&killed.tmp());

    let stopped = Run::new();
    let child = stopped.start(&["--target", "dovecot", "--duration", "60s"]);
    stopped.wait_for_measuring();
    signal(&child, Signal::INT);
    let (code, errors) = finish(child);
    assert_eq!(code, Some(130), "{errors}");
    stopped.assert_clean();
}

#[test]
fn without_dovecot_one_sentence_says_how_to_install_it() {
    if Dovecot::installed().is_ok() {
        return;
    }
    let output = mailgauge()
        .args(["compare", "--target", "dovecot"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("apt-get install dovecot-imapd dovecot-pop3d dovecot-lmtpd"));
}
