//! What people do with their mail: they sit down with one of their devices, read what came, newest first, act on it,
//! come back to something read on another device, and search.

use std::time::Duration;

use super::chance::{Chance, Purpose};
use super::day::Day;
use super::timeline::{clock, message_spec};
use super::{
    ARRIVAL_MARGIN, Act, Arrival, Event, LONGEST_SITTING, PlannedMessage, Step, UserId, What,
    message,
};
use crate::scenario::{DeviceKind, People, Scenario};

/// The most messages that one sitting comes back to.
const MOST_REVISITS: usize = 5;

/// Octets of what the person writes, uniform between these: new text without attachment (ours; no source found).
const REPLY_OCTETS: (f64, f64) = (1_000.0, 4_000.0);

/// The person whose sittings are planned.
pub(super) struct Reader<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) people: People<'a>,
    pub(super) day: Day,
    pub(super) user: UserId,
    pub(super) mail: &'a [PlannedMessage],
    pub(super) devices: &'a [DeviceKind],
}

/// Adds the sittings, the first after `from`, with exponential gaps between their beginnings. One that would begin
/// while the person still sits begins when they are done. A message whose acts would not end before the
/// horizon, or would make the sitting too long, is left unread.
pub(super) fn plan(reader: &Reader<'_>, from: Duration, events: &mut Vec<Event>) {
    let scenario = reader.scenario;
    let horizon = scenario.horizon();
    let mut chance = Chance::new(scenario.seed, reader.user, Purpose::Sittings);
    let fates = fates(reader);
    let mut desk = Desk {
        reader,
        fates: &fates,
        unread: Vec::new(),
        next: 0,
        revisits: Vec::new(),
        letters: letters(reader, from).into_iter().peekable(),
        written: 0,
        folders: Chance::new(scenario.seed, reader.user, Purpose::Folders),
    };
    let mut free_from = from;
    let per_hour = reader.people.habits.sittings_per_hour * scenario.speed;
    for due in reader.day.instants(per_hour, from, horizon, &mut chance) {
        let at = due.max(free_from);
        if at >= horizon {
            return;
        }
        let device = reader.devices[chance.below(reader.devices.len())];
        let mut sitting = Sitting {
            steps: Vec::new(),
            now: at,
            horizon,
        };
        desk.receive(at);
        desk.come_back(device, &mut sitting, &mut chance);
        desk.read(device, &mut sitting, &mut chance);
        desk.write(at, &mut sitting, &mut chance);
        if chance.hits(reader.people.habits.search) {
            let words = message::words();
            let term = words[chance.below(words.len())].clone();
            sitting.add(&[Act::Search { term }], reader, &mut chance);
        }
        free_from = sitting.now;
        events.push(Event {
            at,
            what: What::Sitting {
                device,
                steps: sitting.steps,
            },
        });
    }
}

/// When it comes to the person's mind to write to somebody.
fn letters(reader: &Reader<'_>, from: Duration) -> Vec<Duration> {
    let People {
        habits, arrivals, ..
    } = reader.people;
    let per_hour = habits.sent_per_day * arrivals.peak_share.get() * reader.scenario.speed;
    let mut chance = Chance::new(reader.scenario.seed, reader.user, Purpose::Writing);
    let horizon = reader.scenario.horizon();
    reader.day.instants(per_hour, from, horizon, &mut chance)
}

/// What will be done with a message, drawn once.
#[expect(clippy::struct_excessive_bools, reason = "each is a draw of its own")]
#[derive(Clone, Copy)]
struct Fate {
    opened: bool,
    attachment: bool,
    reply: bool,
    flag: bool,
    delete: bool,
    revisit: bool,
    moved: bool,
}

/// The fates of all messages in order; every message takes as many draws, whatever comes of them.
fn fates(reader: &Reader<'_>) -> Vec<Fate> {
    let mut chance = Chance::new(reader.scenario.seed, reader.user, Purpose::Fates);
    let habits = reader.people.habits;
    let fates = reader.mail.iter().map(|message| Fate {
        opened: chance.hits(habits.open)
            && !matches!(message.arrival, Arrival::AtStart { seen: true, .. }),
        attachment: chance.hits(habits.attachment) && message.spec.attachment.is_some(),
        reply: chance.hits(habits.reply),
        flag: chance.hits(habits.flag),
        delete: chance.hits(habits.delete),
        revisit: chance.hits(habits.revisit) && reader.devices.len() > 1,
        moved: chance.hits(habits.r#move) && reader.people.mailbox.folders > 0,
    });
    fates.collect()
}

/// What lies before the person.
struct Desk<'a> {
    reader: &'a Reader<'a>,
    fates: &'a [Fate],
    /// Messages that will be opened and were not yet, the newest last.
    unread: Vec<u32>,
    /// The first message not looked at for `unread`.
    next: usize,
    /// Messages to come back to, with the device they were read on.
    revisits: Vec<(u32, DeviceKind)>,
    /// When the messages that answer none come to mind.
    letters: std::iter::Peekable<std::vec::IntoIter<Duration>>,
    /// How many of these were written.
    written: u32,
    /// Chooses folders.
    folders: Chance,
}

impl Desk<'_> {
    /// Takes in what was due long enough before `now`.
    fn receive(&mut self, now: Duration) {
        while let Some(message) = self.reader.mail.get(self.next) {
            if let Arrival::Due(due) = message.arrival
                && due + ARRIVAL_MARGIN > now
            {
                return;
            }
            if self.fates[self.next].opened {
                self.unread.push(self.next as u32);
            }
            self.next += 1;
        }
    }

    /// Opens again what was read on other devices.
    fn come_back(&mut self, device: DeviceKind, sitting: &mut Sitting, chance: &mut Chance) {
        let mut opened = 0;
        self.revisits.retain(|&(seq, first)| {
            let attachment = self.fates[seq as usize].attachment;
            let wanted = first != device && opened < MOST_REVISITS;
            let done = wanted
                && sitting.add(
                    &[Act::Open {
                        seq,
                        attachment,
                        again: true,
                    }],
                    self.reader,
                    chance,
                );
            opened += usize::from(done);
            !done
        });
    }

    /// Reads new mail, newest first.
    fn read(&mut self, device: DeviceKind, sitting: &mut Sitting, chance: &mut Chance) {
        while let Some(seq) = self.unread.pop() {
            let fate = self.fates[seq as usize];
            let mut acts = vec![Act::Open {
                seq,
                attachment: fate.attachment,
                again: false,
            }];
            if fate.flag {
                acts.push(Act::Flag { seq });
            }
            if fate.reply {
                let octets = chance.uniform(REPLY_OCTETS.0, REPLY_OCTETS.1);
                let mut reply = message_spec(self.reader.people.mail, octets, chance);
                let answered = &self.reader.mail[seq as usize].spec;
                reply.seed = message::seed_of_answer(answered.seed, reply.seed);
                reply.attachment = None;
                reply.incompressible = 0;
                acts.push(Act::Reply { seq, reply });
            }
            if fate.delete {
                acts.push(Act::Delete { seq });
            }
            let moves = fate.moved && !fate.delete;
            if moves {
                let folders = self.reader.people.mailbox.folders as usize;
                let folder = self.folders.below(folders) as u32;
                acts.push(Act::Move { seq, folder });
            }
            if !sitting.add(&acts, self.reader, chance) {
                self.unread.push(seq);
                return;
            }
            if fate.revisit && !fate.delete && !moves {
                self.revisits.push((seq, device));
            }
        }
    }

    /// Writes what has come to mind since the last time.
    fn write(&mut self, now: Duration, sitting: &mut Sitting, chance: &mut Chance) {
        while self.letters.next_if(|due| *due <= now).is_some() {
            let octets = chance.uniform(REPLY_OCTETS.0, REPLY_OCTETS.1);
            let mut message = message_spec(self.reader.people.mail, octets, chance);
            message.attachment = None;
            message.incompressible = 0;
            let act = Act::Send {
                number: self.written,
                message,
            };
            self.written += u32::from(sitting.add(&[act], self.reader, chance));
        }
    }
}

/// A sitting while it is planned.
struct Sitting {
    steps: Vec<Step>,
    /// When the acts so far are done, by plan.
    now: Duration,
    horizon: Duration,
}

impl Sitting {
    /// Adds acts that belong together, each after a think time; none of them if they do not all fit.
    fn add(&mut self, acts: &[Act], reader: &Reader<'_>, chance: &mut Chance) -> bool {
        let scenario = reader.scenario;
        let thinks: Vec<Duration> = acts
            .iter()
            .map(|_| clock(chance.draw(&reader.people.habits.think_s) / scenario.speed))
            .collect();
        let total: Duration = thinks.iter().sum();
        if self.steps.len() + acts.len() > LONGEST_SITTING || self.now + total >= self.horizon {
            return false;
        }
        self.now += total;
        self.steps.extend(
            acts.iter()
                .cloned()
                .zip(thinks)
                .map(|(act, think)| Step { think, act }),
        );
        true
    }
}
