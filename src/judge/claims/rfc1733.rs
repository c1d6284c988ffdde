//! The table of RFC 1733 (1994), from which the document's descends: three models where the document has two. Which model an
//! arm follows is read off what it did: POP3 is offline, IMAP that keeps seen mail disconnected, other IMAP online.

use super::{Answer, ClaimWords, Finding, JudgedClaim, Verdict, View, digits};
use crate::judge::document::Word;
use crate::scenario::{Arm, Protocol};

/// A place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rfc1733Cell {
    /// The line's label.
    pub feature: Word,
    /// The column's label.
    pub model: Word,
    /// What stands there: yes or no.
    pub says: bool,
}

/// A model of reading mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Model {
    Offline,
    Online,
    Disconnected,
}

/// A line of the table.
struct Feature {
    english: &'static str,
    thai: &'static str,
    /// Offline, online, disconnected.
    has: [bool; 3],
    test: Test,
    overturned_by: &'static str,
}

enum Test {
    /// This share (percent).
    Share(&'static str),
    /// None of these figures is more than twice the least among the arms.
    Least(&'static [&'static str]),
    /// By the protocol itself.
    ManyMailboxes,
}

/// A figure is "minimum" or "fast" up to this many times the least of all arms; RFC 1733 gives no number.
const ABOUT_THE_LEAST: f64 = 2.0;

#[rustfmt::skip]
const FEATURES: [Feature; 7] = [
    Feature { english: "can use multiple clients", thai: "ใช้ได้หลายเครื่อง", has: [false, true, true],
        test: Test::Share("shown_elsewhere"), overturned_by: "devices that show, or do not show, what another has read" },
    Feature { english: "minimum use of server connect time", thai: "ใช้เวลาเชื่อมต่อน้อยที่สุด", has: [true, false, true],
        test: Test::Least(&["connected_time"]), overturned_by: "connection time per user-hour, against the least of the arms" },
    Feature { english: "minimum use of server resources", thai: "ใช้ทรัพยากรเซิร์ฟเวอร์น้อยที่สุด", has: [true, false, false],
        test: Test::Least(&["cpu_per_user_hour", "memory_mean", "disk_at_end"]), overturned_by: "CPU, memory and disk, against the least of the arms" },
    Feature { english: "minimum use of client disk resources", thai: "ใช้พื้นที่ในเครื่องน้อยที่สุด", has: [false, true, false],
        test: Test::Least(&["bytes_on_devices"]), overturned_by: "mail on the devices, against the least of the arms" },
    Feature { english: "multiple remote mailboxes", thai: "มีหลายกล่องบนเซิร์ฟเวอร์", has: [false, true, true],
        test: Test::ManyMailboxes, overturned_by: "nothing that a run could show: the protocols say so" },
    Feature { english: "fast startup", thai: "เริ่มใช้ได้เร็ว", has: [false, true, false],
        test: Test::Least(&["usable_p50"]), overturned_by: "time to a usable inbox, against the least of the arms" },
    Feature { english: "mail processing when not online", thai: "ทำงานได้เมื่อไม่ได้เชื่อมต่อ", has: [true, false, true],
        test: Test::Share("opened_local"), overturned_by: "openings that needed, or did not need, the network" },
];

impl Model {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Offline, "offline", "ออฟไลน์"),
        (Self::Online, "online", "ออนไลน์"),
        (Self::Disconnected, "disconnected", "ไม่เชื่อมต่อตลอด"),
    ];

    /// None: the run does not say what the arm keeps.
    fn of(view: View<'_>, arm: Arm) -> Option<Self> {
        match arm.protocol() {
            Protocol::Pop3 => Some(Self::Offline),
            Protocol::Imap => match Answer::of(view.value(arm, "seen_on_device")?) {
                Answer::No => Some(Self::Online),
                Answer::Yes | Answer::Between => Some(Self::Disconnected),
            },
        }
    }
}

/// Judges each feature of each model.
pub(super) fn judge(view: View<'_>) -> impl Iterator<Item = JudgedClaim> {
    FEATURES
        .iter()
        .enumerate()
        .flat_map(move |(index, feature)| {
            Model::ALL
                .into_iter()
                .zip(feature.has)
                .map(move |(model, has)| feature.judge(view, index + 1, model, has))
        })
}

impl Feature {
    fn judge(
        &self,
        view: View<'_>,
        number: usize,
        (model, english, thai): (Model, &'static str, &'static str),
        has: bool,
    ) -> JudgedClaim {
        let cell = Rfc1733Cell {
            feature: Word {
                english: self.english,
                thai: self.thai,
            },
            model: Word { english, thai },
            says: has,
        };
        let finding = self.find(view, model, if has { Answer::Yes } else { Answer::No });
        let (yes, ja) = if has {
            ("yes", "ได้")
        } else {
            ("no", "ไม่ได้")
        };
        JudgedClaim {
            id: format!("R{number}-{english}"),
            words: ClaimWords {
                english: format!("RFC 1733, {english}: {}: {yes}", self.english),
                thai: format!("RFC 1733 {thai}: {}: {ja}", self.thai),
            },
            verdict: finding.verdict,
            provisional: finding.provisional,
            metrics: match self.test {
                Test::Share(metric) => vec![metric],
                Test::Least(metrics) => metrics.to_vec(),
                Test::ManyMailboxes => Vec::new(),
            },
            reason: finding.reason,
            depends_on: Vec::new(),
            overturned_by: self.overturned_by,
            cell: Some(cell),
        }
    }

    fn find(&self, view: View<'_>, model: Model, claimed: Answer) -> Finding {
        let mut verdicts = Vec::new();
        let mut reasons = Vec::new();
        let arms = view.setting.arms.iter().copied();
        for arm in arms.filter(|arm| Model::of(view, *arm) == Some(model)) {
            let (verdict, why) = self.of_arm(view, arm, claimed);
            verdicts.push(verdict);
            reasons.push(format!("{arm}: {why}"));
        }
        if verdicts.is_empty() {
            return Finding::not_measured("no arm of this model was run");
        }
        Finding::firm(super::together(verdicts), reasons.join(" – "))
    }

    fn of_arm(&self, view: View<'_>, arm: Arm, claimed: Answer) -> (Verdict, String) {
        match &self.test {
            Test::Share(metric) => {
                let share = view.value(arm, metric);
                let verdict =
                    share.map_or(Verdict::NotMeasured, |it| Answer::of(it).against(claimed));
                (verdict, view.words(arm, metric))
            }
            Test::Least(metrics) => {
                let verdicts = metrics.iter().map(|metric| {
                    let answer = least(view, arm, metric);
                    answer.map_or(Verdict::NotMeasured, |it| it.against(claimed))
                });
                let words: Vec<String> = metrics
                    .iter()
                    .map(|metric| {
                        let least = smallest(view, metric).map_or_else(String::new, |least| {
                            format!(" (least of the arms: {})", digits(least))
                        });
                        view.words(arm, metric) + &least
                    })
                    .collect();
                (super::together(verdicts), words.join(", "))
            }
            Test::ManyMailboxes => {
                let many = match arm.protocol() {
                    Protocol::Pop3 => Answer::No,
                    Protocol::Imap => Answer::Yes,
                };
                let why = "POP3 has one maildrop (RFC 1939 section 3), IMAP a hierarchy of mailboxes (RFC 9051 section 5.1)";
                (many.against(claimed), why.to_owned())
            }
        }
    }
}

fn smallest(view: View<'_>, metric: &str) -> Option<f64> {
    let arms = view.setting.arms.iter();
    arms.filter_map(|arm| view.value(*arm, metric))
        .min_by(f64::total_cmp)
}

/// Needs another arm to compare with.
fn least(view: View<'_>, arm: Arm, metric: &str) -> Option<Answer> {
    let measured = |arm: &&Arm| view.value(**arm, metric).is_some();
    if view.setting.arms.iter().filter(measured).count() < 2 {
        return None;
    }
    let value = view.value(arm, metric)?;
    Some(if value <= ABOUT_THE_LEAST * smallest(view, metric)? {
        Answer::Yes
    } else {
        Answer::No
    })
}
