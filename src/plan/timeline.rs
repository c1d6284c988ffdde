//! One user's timeline, put together: devices, mail, and every event in order.

use std::num::NonZeroU16;
use std::time::Duration;

use strum::IntoEnumIterator;

use super::chance::{Chance, Purpose};
use super::day::Day;
use super::outages::outages;
use super::sittings::{self, Reader};
use super::{Arrival, Event, MessageSpec, PlannedMessage, UserId, UserPlan, What, message};
use crate::scenario::{DeviceKind, LARGEST_MAILBOX, Language, Mail, People, Scenario};

/// A hundred years: no mail is older.
const OLDEST_DAYS: f64 = 36_525.0;

/// A message answers one of this many before it (ours).
const STILL_ANSWERED: usize = 50;

/// The whole timeline of a user.
pub(super) fn user_plan(scenario: &Scenario, user: UserId) -> UserPlan {
    let devices = owned_devices(scenario, user);
    let people = people(scenario, user);
    let day = Day::new(scenario, &people);
    let mail = mail(scenario, &people, &day, user);
    let online = online(scenario, user, &devices);
    let mut events = Vec::new();
    events.extend(online.iter().map(|&(device, at)| Event {
        at,
        what: What::Online(device),
    }));
    events.extend(
        mail.iter()
            .zip(0..)
            .filter_map(|(message, seq)| match message.arrival {
                Arrival::Due(at) => Some(Event {
                    at,
                    what: What::Deliver { seq },
                }),
                Arrival::AtStart { .. } => None,
            }),
    );
    polls(scenario, user, &online, &mut events);
    let reader = Reader {
        scenario,
        people,
        day,
        user,
        mail: &mail,
        devices: &devices,
    };
    let everything_on = online.iter().map(|(_, at)| *at).max().unwrap_or_default();
    sittings::plan(&reader, everything_on, &mut events);
    // Stable: what is due at the same microsecond stays in the order above.
    events.sort_by_key(|event| event.at);
    UserPlan {
        user,
        class: people.class.map(str::to_owned),
        folders: people.mailbox.folders,
        outages: outages(scenario, user, &devices),
        devices,
        mail,
        events,
    }
}

/// Each device by its own share; whoever would own none gets one, drawn by the same shares.
fn owned_devices(scenario: &Scenario, user: UserId) -> Vec<DeviceKind> {
    let mut chance = Chance::new(scenario.seed, user, Purpose::Devices);
    let shares: Vec<(DeviceKind, f64)> = DeviceKind::iter()
        .map(|kind| (kind, scenario.users.share(kind).get()))
        .collect();
    let mut owned: Vec<DeviceKind> = shares
        .iter()
        .filter(|(_, share)| chance.unit() < *share)
        .map(|(kind, _)| *kind)
        .collect();
    if owned.is_empty() {
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        let mut left = chance.unit() * sum;
        let fallen = shares
            .iter()
            .filter(|(_, share)| *share > 0.0)
            .find(|(_, share)| {
                left -= share;
                left < 0.0
            });
        owned.push(fallen.map_or(DeviceKind::Phone, |(kind, _)| *kind));
    }
    owned
}

/// The kind of people that the user is of, by its share.
fn people(scenario: &Scenario, user: UserId) -> People<'_> {
    let kinds = scenario.people();
    let shares: Vec<(People<'_>, f64)> = kinds.iter().map(|kind| (*kind, kind.share)).collect();
    let mut chance = Chance::new(scenario.seed, user, Purpose::Class);
    chance.pick(&shares).copied().unwrap_or(kinds[0])
}

/// Mail at the start, then mail that arrives.
fn mail(scenario: &Scenario, people: &People<'_>, day: &Day, user: UserId) -> Vec<PlannedMessage> {
    let mut boxes = Chance::new(scenario.seed, user, Purpose::Mailbox);
    let mut messages = Chance::new(scenario.seed, user, Purpose::Messages);
    let mut filing = Chance::new(scenario.seed, user, Purpose::Filing);
    let folders = people.mailbox.folders as usize;
    let sizes = people.mail.sizes.distribution();
    let mut spec = || message_spec(people.mail, messages.draw(&sizes), &mut messages);
    let at_start = boxes
        .draw(&people.mailbox.messages)
        .min(LARGEST_MAILBOX)
        .round() as usize;
    let mut mail: Vec<PlannedMessage> = ages(scenario.seed, people, user, at_start)
        .into_iter()
        .map(|age_s| {
            let seen = !boxes.hits(people.mailbox.unread);
            let filed = filing.hits(people.mailbox.filed) && seen && folders > 0;
            let folder = filed.then(|| filing.below(folders) as u16 + 1);
            let folder = folder.and_then(NonZeroU16::new);
            PlannedMessage {
                arrival: Arrival::AtStart {
                    seen,
                    age_s,
                    folder,
                },
                answers: None,
                spec: spec(),
            }
        })
        .collect();
    let arrivals = arrivals(scenario, people, day, user);
    mail.extend(arrivals.into_iter().map(|at| PlannedMessage {
        arrival: Arrival::Due(at),
        answers: None,
        spec: spec(),
    }));
    thread(scenario.seed, people, user, &mut mail);
    mail.shrink_to_fit();
    mail
}

/// How long before the run each message of the start came, in seconds, the oldest first: so mail lies in a mailbox.
fn ages(seed: u64, people: &People<'_>, user: UserId, count: usize) -> Vec<u32> {
    let mut chance = Chance::new(seed, user, Purpose::Ages);
    let mut ages: Vec<u32> = (0..count)
        .map(|_| chance.draw(&people.mailbox.age_days).min(OLDEST_DAYS))
        .map(|days| (days * 86_400.0) as u32)
        .collect();
    ages.sort_unstable_by(|a, b| b.cmp(a));
    ages
}

/// Lets messages answer earlier ones. As each of these is as likely, long threads grow faster than short ones.
fn thread(seed: u64, people: &People<'_>, user: UserId, mail: &mut [PlannedMessage]) {
    let mut chance = Chance::new(seed, user, Purpose::Threads);
    for index in 1..mail.len() {
        if !chance.hits(people.mail.thread) {
            continue;
        }
        let answered = index - 1 - chance.below(index.min(STILL_ANSWERED));
        let seed = message::seed_of_answer(mail[answered].spec.seed, mail[index].spec.seed);
        mail[index].answers = Some(answered as u32);
        mail[index].spec.seed = seed;
    }
}

fn arrivals(scenario: &Scenario, people: &People<'_>, day: &Day, user: UserId) -> Vec<Duration> {
    let arrivals = people.arrivals;
    let per_hour = arrivals.per_day * arrivals.peak_share.get() * scenario.speed;
    let mut chance = Chance::new(scenario.seed, user, Purpose::Arrivals);
    day.instants(per_hour, Duration::ZERO, scenario.horizon(), &mut chance)
}

/// Instants with exponential gaps at a rate per clock hour, after `start` and before `end`.
pub(super) fn instants(
    per_hour: f64,
    start: Duration,
    end: Duration,
    chance: &mut Chance,
) -> Vec<Duration> {
    let mut instants = Vec::new();
    if per_hour <= 0.0 {
        return instants;
    }
    let mut at = start.as_secs_f64();
    loop {
        at += chance.exponential(3600.0 / per_hour);
        let instant = clock(at);
        if instant >= end {
            return instants;
        }
        instants.push(instant);
    }
}

/// Clock time from seconds, to the microsecond.
pub(super) fn clock(seconds: f64) -> Duration {
    Duration::from_micros((seconds * 1e6).round() as u64)
}

/// What a message of about `size` octets is made of.
pub(super) fn message_spec(mail: &Mail, size: f64, chance: &mut Chance) -> MessageSpec {
    let languages: Vec<(Language, f64)> = mail
        .languages
        .iter()
        .map(|(language, share)| (*language, share.get()))
        .collect();
    let language = chance.pick(&languages).copied();
    let seed = message::seed_in(language.unwrap_or(Language::English), chance.bits());
    let text = chance.uniform(200.0, 1_800.0) as u64;
    let octets = (size.round() as u64).clamp(message::SMALLEST, message::LARGEST);
    let attachment = (octets > mail.attachment_above
        && octets >= message::SMALLEST_WITH_ATTACHMENT)
        .then(|| message::attachment_length(octets, text));
    let incompressible =
        (attachment.unwrap_or(0) as f64 * mail.incompressible.get()).round() as u64;
    MessageSpec {
        seed,
        octets,
        attachment,
        incompressible,
    }
}

/// Each device is switched on at some moment of the ramp-up.
fn online(
    scenario: &Scenario,
    user: UserId,
    devices: &[DeviceKind],
) -> Vec<(DeviceKind, Duration)> {
    let mut chance = Chance::new(scenario.seed, user, Purpose::Online);
    let ramp_up = scenario.run.ramp_up.as_secs_f64();
    devices
        .iter()
        .map(|&device| (device, clock(chance.uniform(0.0, ramp_up))))
        .collect()
}

/// The timers of all devices in all arms, from switching on to the horizon. Each due instant stands in the plan; how
/// long a session takes moves none of them. A device draws the same jitter in every arm, so that arms which poll
/// alike poll at the same instants, and no arm moves the timers of another.
fn polls(
    scenario: &Scenario,
    user: UserId,
    online: &[(DeviceKind, Duration)],
    events: &mut Vec<Event>,
) {
    let horizon = scenario.horizon();
    for &(device, on) in online {
        for &arm in &scenario.run.arms {
            let Some((poll, jitter)) = scenario.client(arm, device).poll() else {
                continue;
            };
            let mut chance = Chance::new(scenario.seed, user, Purpose::polls(device));
            let gap = poll.as_secs_f64() / scenario.speed;
            let mut at = on.as_secs_f64();
            loop {
                at += gap * chance.uniform(1.0 - jitter.get(), 1.0 + jitter.get());
                let due = clock(at);
                if due >= horizon {
                    break;
                }
                events.push(Event {
                    at: due,
                    what: What::Poll { device, arm },
                });
            }
        }
    }
}
