//! `mailgauge compare` on private servers from the distribution's packages: what it takes to have one, and whole runs.

use mailgauge::target::Dovecot;

use crate::support::mailgauge;

mod alone;

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
