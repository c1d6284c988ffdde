//! A portrait for people: labels on the left, what was seen beside them, lines that fit a terminal.

use std::fmt::Write as _;

use console::measure_text_width;

use crate::engine::Fitness;
use crate::scenario::TlsMode;
use crate::target::Portrait;
use crate::target::portrait::{
    CertificatePortrait, Crowd, DeliveryTraits, ImapTraits, Lock, Offered, PopTraits, Role,
    ServicePortrait, Spread, TlsPortrait,
};

/// Where what was seen begins.
const COLUMN: usize = 18;

/// The whole page.
pub(super) fn text(
    target: &str,
    portrait: &Portrait,
    scenario: &str,
    arms: &[Fitness],
    width: usize,
) -> String {
    let mut page = Page {
        text: String::new(),
        width,
        certificate: None,
    };
    let software = &portrait.software;
    let who = if software.is_empty() {
        target.to_owned()
    } else {
        format!("{target}: {software}")
    };
    page.paragraph(0, &who);
    for (name, value) in &portrait.facts {
        page.row(name, value);
    }
    for service in &portrait.services {
        page.blank();
        page.service(service);
    }
    if portrait.delivery_by_append {
        page.blank();
        page.paragraph(0, "Mail is delivered by IMAP APPEND.");
    }
    page.blank();
    page.paragraph(0, &format!("Arms of the scenario {scenario}"));
    for arm in arms {
        page.arm(arm);
    }
    page.text
}

struct Page<'a> {
    text: String,
    width: usize,
    /// The one that was told last.
    certificate: Option<&'a CertificatePortrait>,
}

impl<'a> Page<'a> {
    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Words, broken into lines that are indented alike.
    fn paragraph(&mut self, indent: usize, words: &str) {
        self.fill(indent, "", words);
    }

    /// A label, and what was seen.
    fn row(&mut self, label: &str, seen: &str) {
        let label = format!("  {label}");
        if measure_text_width(&label) < COLUMN {
            self.fill(COLUMN, &label, seen);
        } else {
            self.paragraph(2, &label);
            self.paragraph(COLUMN, seen);
        }
    }

    fn fill(&mut self, indent: usize, label: &str, words: &str) {
        let mut line = label.to_owned();
        let mut empty = true;
        for word in words.split_whitespace() {
            let width = measure_text_width(&line);
            if !empty && width + 1 + measure_text_width(word) > self.width {
                self.line(&line);
                line.clear();
                empty = true;
            }
            if empty {
                let gap = indent.saturating_sub(measure_text_width(&line));
                line.extend(std::iter::repeat_n(' ', gap));
            } else {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    fn service(&mut self, service: &'a ServicePortrait) {
        self.paragraph(0, &heading(service));
        if let Some(greeting) = &service.greeting {
            self.row("greeting", greeting);
        }
        if let Some(failure) = &service.failure {
            self.row("cannot be used", failure);
        }
        if let Some(connect) = service.connect {
            self.row("connect", &times(connect));
        }
        if let Some(noop) = service.noop {
            self.row("NOOP", &times(noop));
        }
        if let Some(tls) = &service.tls {
            self.tls(tls);
        }
        self.offered(&service.offered);
        if let Some(login) = &service.login {
            let how = format!("by `{}`", login.method);
            match &login.error {
                None => self.row("login", &how),
                Some(error) => self.row("login", &format!("{how}: {error}")),
            }
        }
        if let Some(traits) = &service.pop3 {
            self.pop3(traits);
        }
        if let Some(traits) = &service.imap {
            self.imap(traits);
        }
        if let Some(traits) = &service.delivery {
            self.delivery(traits);
        }
        if let Some(crowd) = &service.crowd {
            self.row("sessions", &together(crowd));
        }
    }

    fn tls(&mut self, tls: &'a TlsPortrait) {
        let version = tls.version.replace("TLSv", "TLS ").replace('_', ".");
        self.row("TLS", &format!("{version}, {}", tls.suite));
        match &tls.certificate {
            None => {}
            known if known.as_ref() == self.certificate => self.row("certificate", "as above"),
            Some(certificate) => self.certificate(certificate),
        }
        let verified = match &tls.not_verified_because {
            None => "verified".to_owned(),
            Some(reason) => format!("not verified: {reason}"),
        };
        self.paragraph(COLUMN, &verified);
    }

    fn certificate(&mut self, certificate: &'a CertificatePortrait) {
        let CertificatePortrait {
            subject,
            issuer,
            names,
            not_before,
            not_after,
            ..
        } = certificate;
        let day = |moment: &'a str| moment.split('T').next().unwrap_or_default();
        let (from, to) = (day(not_before), day(not_after));
        self.row("certificate", subject);
        self.paragraph(COLUMN, &format!("issued by {issuer}"));
        self.paragraph(COLUMN, &format!("for {}", list(names)));
        self.paragraph(COLUMN, &format!("valid from {from} to {to}"));
        self.certificate = Some(certificate);
    }

    fn offered(&mut self, offered: &Offered) {
        let mut before: Option<&[String]> = None;
        for (label, offers) in [
            ("without TLS", &offered.before_tls),
            ("with TLS", &offered.after_tls),
            ("logged in", &offered.after_login),
        ] {
            let Some(offers) = offers else { continue };
            let words = match before {
                None => list(offers),
                Some(before) => difference(before, offers),
            };
            self.row(label, &words);
            before = Some(offers);
        }
    }

    fn pop3(&mut self, traits: &PopTraits) {
        self.row("UIDL", claim(traits.uidl, traits.uidl_works));
        self.row("TOP", claim(traits.top, traits.top_works));
        let pipelining = claim(traits.pipelining, traits.pipelining_works);
        self.row("pipelining", pipelining);
        let delay = traits.login_delay_s.map(|delay| format!("{delay} s"));
        self.row("LOGIN-DELAY", or_not_announced(delay.as_ref()));
        self.row("EXPIRE", or_not_announced(traits.expire.as_ref()));
        if let Some(lock) = traits.lock {
            self.row(
                "lock",
                match lock {
                    Lock::Exclusive => "one session keeps others of the same user out",
                    Lock::Shared => "others of the same user are let in beside a session",
                    Lock::Unclear => "a second session was refused, not for a lock",
                },
            );
        }
        self.row("autologout", or_not_announced(traits.autologout.as_ref()));
    }

    fn imap(&mut self, traits: &ImapTraits) {
        if let Some(implementation) = &traits.implementation {
            self.row("calls itself", implementation);
        }
        self.row("IDLE", claim(traits.idle, traits.idle_works));
        let (mut has, mut lacks) = (Vec::new(), Vec::new());
        let literals = traits.literals.as_deref();
        for (name, offered) in [
            ("CONDSTORE", traits.condstore),
            ("QRESYNC", traits.qresync),
            ("COMPRESS=DEFLATE", traits.compress),
            (literals.unwrap_or("LITERAL+"), literals.is_some()),
            ("MOVE", traits.moves),
            ("UIDPLUS", traits.uidplus),
            ("SPECIAL-USE", traits.special_use),
            ("NAMESPACE", traits.namespace),
        ] {
            let names = if offered { &mut has } else { &mut lacks };
            names.push(name.to_owned());
        }
        self.row("can", &list(&has));
        self.row("cannot", &list(&lacks));
        let prefix = traits.prefix.as_deref().unwrap_or_default();
        let folders = match traits.delimiter {
            Some(delimiter) => {
                format!("their names begin with \"{prefix}\", levels are parted by \"{delimiter}\"")
            }
            None => format!("their names begin with \"{prefix}\", without levels"),
        };
        if traits.prefix.is_some() || traits.delimiter.is_some() {
            self.row("folders", &folders);
        }
        let limit = traits.append_limit.map(octets);
        self.row("largest message", or_not_announced(limit.as_ref()));
        self.row("autologout", or_not_announced(traits.autologout.as_ref()));
    }

    fn delivery(&mut self, traits: &DeliveryTraits) {
        let limit = traits.size_limit.map(octets);
        self.row("largest message", or_not_announced(limit.as_ref()));
    }

    fn arm(&mut self, arm: &Fitness) {
        let verdict = match arm.can_run {
            Some(true) => "can run",
            Some(false) => "cannot run",
            None => "cannot be told",
        };
        self.row(&arm.arm.to_string(), verdict);
        for words in arm.reasons.iter().chain(&arm.notes) {
            self.paragraph(COLUMN, words);
        }
    }
}

fn heading(service: &ServicePortrait) -> String {
    let tls = match (service.tls_mode, service.role) {
        (TlsMode::Plain, _) => "without TLS",
        (TlsMode::Starttls, Role::Pop3) => "STLS",
        (TlsMode::Starttls, _) => "STARTTLS",
        (TlsMode::Implicit, _) => "TLS from the first byte",
    };
    let title = match &service.delivery {
        Some(traits) => format!("Delivery by {}", traits.dialect.to_uppercase()),
        None if service.role == Role::Delivery => "Delivery".into(),
        None => service.role.title().into(),
    };
    let host = if service.host == service.address.ip().to_string() {
        String::new()
    } else {
        format!(" ({})", service.host)
    };
    format!("{title} at {}{host}, {tls}", service.address)
}

/// Milliseconds with three significant digits.
fn times(spread: Spread) -> String {
    let ms = |us: u64| {
        let ms = us as f64 / 1000.0;
        match us {
            0..10_000 => format!("{ms:.2}"),
            10_000..100_000 => format!("{ms:.1}"),
            _ => format!("{ms:.0}"),
        }
    };
    let Spread {
        median_us,
        low_us,
        high_us,
        n,
    } = spread;
    match n {
        1 => format!("{} ms (once)", ms(median_us)),
        n => format!(
            "{} ms ({} to {} ms, {n} times)",
            ms(median_us),
            ms(low_us),
            ms(high_us)
        ),
    }
}

fn together(crowd: &Crowd) -> String {
    let let_in = crowd.let_in;
    match &crowd.refused {
        None => format!("{let_in} of one user at the same time, none refused"),
        Some(refused) => format!("{let_in} of one user at the same time, the next one: {refused}"),
    }
}

fn list(words: &[String]) -> String {
    if words.is_empty() {
        "nothing".into()
    } else {
        words.join(", ")
    }
}

/// What came and what went, by the whole line.
fn difference(before: &[String], now: &[String]) -> String {
    let missing = |from: &[String], of: &[String]| {
        let gone = of.iter().filter(|offer| !from.contains(offer));
        gone.cloned().collect::<Vec<_>>()
    };
    let (more, less) = (missing(before, now), missing(now, before));
    match (more.as_slice(), less.as_slice()) {
        ([], []) => "the same".into(),
        (more, []) => format!("the same, and {}", list(more)),
        ([], less) => format!("the same, without {}", list(less)),
        (more, less) => format!("the same, and {}; without {}", list(more), list(less)),
    }
}

fn claim(announced: bool, works: Option<bool>) -> &'static str {
    match (announced, works) {
        (true, Some(true)) => "announced, works",
        (true, Some(false)) => "announced, does not work",
        (true, None) => "announced, not tried",
        (false, Some(true)) => "not announced, works all the same",
        (false, Some(false)) => "not announced, does not work",
        (false, None) => "not announced",
    }
}

fn or_not_announced(value: Option<&String>) -> &str {
    value.map_or("not announced", String::as_str)
}

fn octets(octets: u64) -> String {
    format!("{octets} octets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_indented_alike() {
        let mut page = Page {
            text: String::new(),
            width: 30,
            certificate: None,
        };
        page.row("greeting", "+OK a server that likes to talk");
        page.row("a label that is far too long", "yes");
        assert_eq!(
            page.text,
            "  greeting        +OK a server\n                  that likes\n                  to talk\n  a label that is far too long\n                  yes\n"
        );
    }

    #[test]
    fn what_changes_from_stage_to_stage_is_told_by_difference() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let before = words(&["UIDL", "STLS"]);
        assert_eq!(difference(&before, &before), "the same");
        assert_eq!(
            difference(&before, &words(&["UIDL", "USER"])),
            "the same, and USER; without STLS"
        );
        assert_eq!(
            difference(&before, &words(&["UIDL"])),
            "the same, without STLS"
        );
    }
}
