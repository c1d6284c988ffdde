//! Whether a device can do at this speed what its mail client is told to do.

use std::time::Duration;

use strum::IntoEnumIterator;

use super::Faults;
use crate::scenario::{
    Arm, Client, DeviceKind, ImapClient, ImapCommands, PopClient, PopListing, Protocol, Scenario,
    Watch, duration_text,
};

/// A session takes a handful of round trips and, on a busy machine, a few delayed answers: a device must not be due
/// again before it had this much clock time for the session it is in. Sessions that take longer are
/// measured and counted at run time; below this the plan itself would be nonsense.
pub(super) const SHORTEST_GAP: Duration = Duration::from_millis(250);

/// Round trips of a session that finds nothing new: TCP, greeting, capabilities, login, list, farewell.
const SESSION_ROUND_TRIPS: u32 = 8;

/// What is checked: a kind of device, by the tables in which its client may have been changed.
#[derive(Clone, Copy)]
struct Subject<'a> {
    tables: &'a [String],
    rtt: Duration,
}

impl Faults {
    /// The scenario's devices, and those of the arms that are run where these differ.
    pub(super) fn clients(&mut self, scenario: &Scenario) {
        for kind in DeviceKind::iter() {
            let before = self.0.len();
            for protocol in Protocol::iter() {
                self.client(scenario, Arm::of(protocol), kind);
            }
            let plain = |arm: &Arm| *arm == Arm::of(arm.protocol());
            // What is wrong with all arms is told once.
            if self.0.len() == before {
                let arms = scenario.run.arms.iter().filter(|arm| !plain(arm));
                arms.for_each(|arm| self.client(scenario, *arm, kind));
            }
        }
    }

    fn client(&mut self, scenario: &Scenario, arm: Arm, kind: DeviceKind) {
        let mut tables = scenario.layers(arm, kind);
        tables.push(format!("{kind}.{}", arm.protocol()));
        let network = scenario.device(kind).network.shape();
        let subject = Subject {
            tables: &tables,
            rtt: network.map_or(Duration::ZERO, |shape| shape.rtt),
        };
        match scenario.client(arm, kind) {
            Client::Pop3(client) => self.pop_client(scenario, subject, client),
            Client::Imap(client) => self.imap_client(scenario, subject, client),
        }
    }

    fn pop_client(&mut self, scenario: &Scenario, subject: Subject<'_>, client: &PopClient) {
        let (poll, jitter) = (client.poll, client.jitter.get());
        self.gap(
            scenario,
            (subject, "poll", "jitter"),
            poll,
            jitter,
            "POP3 session",
        );
        if client.delete_after.is_some() && !client.leave_on_server {
            let path = format!("{}.delete_after", subject.tables[0]);
            let message = format!("`{path}` says when to delete what is never left on the server");
            let help = "set `leave_on_server = true`, or take `delete_after` out";
            self.blame(subject.tables, "delete_after", message, help);
        }
        if !client.listing.contains(&PopListing::Uidl) {
            let message = format!("`{}.listing` is without `uidl`", subject.tables[0]);
            let help =
                "by its UIDL a device tells new mail from mail that it has: [\"stat\", \"uidl\"]";
            self.blame(subject.tables, "listing", message, help);
        }
    }

    fn imap_client(&mut self, scenario: &Scenario, subject: Subject<'_>, client: &ImapClient) {
        let tables = subject.tables;
        match client.watch {
            Watch::Idle { refresh } => self.gap(
                scenario,
                (subject, "watch.idle.refresh", ""),
                refresh,
                0.0,
                "round of IDLE",
            ),
            Watch::Poll(poll) => self.gap(
                scenario,
                (subject, "watch.poll", "jitter"),
                poll,
                client.jitter.get(),
                "IMAP session",
            ),
        }
        if !(1..=100).contains(&client.connections) {
            let message = format!(
                "{} connections of one device are not possible",
                client.connections
            );
            self.blame(tables, "connections", message, "from 1 to 100; Thunderbird keeps up to 5, servers often refuse more than 10 per user");
        }
        if client.window == 0 {
            let message = format!("`{}.window` is 0, at least 1 is needed", tables[0]);
            self.blame(
                tables,
                "window",
                message,
                "a list view shows at least one message",
            );
        }
        self.commands(tables, &client.commands);
    }

    /// Whether a client can do its work by what it sends.
    fn commands(&mut self, tables: &[String], commands: &ImapCommands) {
        if commands.batch == 0 {
            let message = format!("`{}.commands.batch` is 0, at least 1 is needed", tables[0]);
            let help = "headers of so many messages are asked for at once";
            self.blame(tables, "commands.batch", message, help);
        }
        for (key, text, item) in [
            ("flags", &commands.flags, "FLAGS"),
            ("headers", &commands.headers, "BODY.PEEK[HEADER.FIELDS ("),
            ("headers", &commands.headers, "FLAGS"),
            ("body", &commands.body, "BODY.PEEK[]"),
        ] {
            if !text.has(item) {
                let message = format!("`{}.commands.{key}` does not ask for {item}", tables[0]);
                let help = "without it the device does not learn what it shows";
                self.blame(tables, &format!("commands.{key}"), message, help);
            }
        }
    }

    /// A fault of a key that may have been set in any of these tables.
    fn blame(&mut self, tables: &[String], key: &str, message: String, help: &str) {
        let paths: Vec<String> = tables
            .iter()
            .map(|table| format!("{table}.{key}"))
            .collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        self.add(&paths, message, help);
    }

    /// A repeated gap, which at this speed must leave a session its time.
    fn gap(
        &mut self,
        scenario: &Scenario,
        (subject, key, jitter): (Subject<'_>, &str, &str),
        gap: Duration,
        spread: f64,
        what: &str,
    ) {
        let Subject { tables, rtt } = subject;
        let path = format!("{}.{key}", tables[0]);
        if gap.is_zero() {
            let message = format!("`{path}` is 0");
            self.blame(tables, key, message, "give it a time such as \"15m\"");
            return;
        }
        let shortest = scenario.clock(gap).mul_f64(1.0 - spread);
        let needed = SHORTEST_GAP + rtt * SESSION_ROUND_TRIPS;
        if shortest < needed {
            let message = format!(
                "`{path}` is {}, which at speed {} leaves {} of clock time, less than a {what} may take ({})",
                duration_text(gap),
                scenario.speed,
                duration_text(Duration::from_millis(
                    (shortest.as_secs_f64() * 1e3).round() as u64
                )),
                duration_text(needed),
            );
            let speed = scenario.speed * shortest.as_secs_f64() / needed.as_secs_f64();
            let of = |key| tables.iter().map(move |table| format!("{table}.{key}"));
            let paths: Vec<String> = of(key)
                .chain(["speed".to_owned()])
                .chain(of(jitter))
                .collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            self.add(
                &paths,
                message,
                format!("lower `speed` to {speed:.0} or less, or lengthen `{path}`"),
            );
        }
    }
}
