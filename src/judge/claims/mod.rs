//! The claims of the document's text, and the table of RFC 1733 that its own descends from, judged from the figures of the
//! eight rows. Each claim is data (in `text`, `rfc1733`): its words, how it is judged, what would overturn it.

mod rfc1733;
mod switch;
mod text;

use std::io::Write;

use serde::Serialize;

use super::directions::{Directions, digits};
use super::document::Word;
use super::figure::Figure;
use super::verdict::{Answer, Verdict, together};
use super::{BLOCKS_FOR_INTERVALS, JudgedRow, Judgement, Prediction, Setting};
use crate::scenario::{Arm, Protocol};

pub use rfc1733::Rfc1733Cell;
pub use switch::Switch;
pub use text::CLAIMS;

/// A claim of the document's text.
#[derive(Debug)]
pub struct Claim {
    /// `P1`, `I3`, `O2`.
    pub id: &'static str,
    /// What it says.
    pub words: Word,
    /// How it is judged.
    pub test: Test,
    /// What turns it over, of what a scenario can set.
    pub switches: &'static [Switch],
    /// What would have to be measured for it to be wrong.
    pub overturned_by: &'static str,
}

/// How a claim is judged.
#[derive(Debug)]
pub enum Test {
    /// Shares (percent) of every arm of a protocol, each with the answer that the claim implies.
    Shares(Protocol, &'static [(&'static str, Answer)]),
    /// Each of these figures is lower for POP3.
    PopTakesLess(&'static [&'static str]),
    /// In most of these respects IMAP is better.
    MostRespects(&'static [Respect]),
    /// The server decides which arms can run.
    ServerDecides,
}

/// One respect in which one protocol can be better.
#[derive(Debug)]
pub struct Respect {
    /// Its figure.
    pub metric: &'static str,
    /// Which end is the better one.
    pub better: Better,
}

/// The better end of a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Low,
    /// More is better.
    High,
}

/// A claim, judged.
#[derive(Clone, Debug, Serialize)]
pub struct JudgedClaim {
    /// `P1`; for RFC 1733 `R1` to `R7` with the model: `R1-offline`.
    pub id: String,
    /// What it says.
    pub words: ClaimWords,
    /// What the run says of it.
    pub verdict: Verdict,
    /// It is about a direction, and too few blocks were run to be sure of it.
    pub provisional: bool,
    /// The figures that it rests on, by name.
    pub metrics: Vec<&'static str>,
    /// Why, with the figure of each arm.
    pub reason: String,
    /// The switches that turn it over, and on which side of each this run stands.
    pub depends_on: Vec<String>,
    /// What would have to be measured for it to be wrong.
    pub overturned_by: &'static str,
    /// Its place in the table of RFC 1733, if it is one of that table's.
    #[serde(skip)]
    pub cell: Option<Rfc1733Cell>,
}

/// A claim's words in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimWords {
    /// In English.
    pub english: String,
    /// In Thai.
    pub thai: String,
}

/// Whether a claim about more and less rests on this figure.
pub(super) fn compare(metric: &str) -> bool {
    CLAIMS.iter().any(|claim| match claim.test {
        Test::PopTakesLess(metrics) => metrics.contains(&metric),
        Test::Shares(..) | Test::MostRespects(_) | Test::ServerDecides => false,
    })
}

/// Judges all claims from the rows.
pub(super) fn judge(
    setting: &Setting,
    rows: &[JudgedRow],
    predictions: &[Prediction],
) -> Vec<JudgedClaim> {
    let view = View {
        setting,
        rows,
        predictions,
    };
    let claims = CLAIMS.iter().map(|claim| view.claim(claim));
    claims.chain(rfc1733::judge(view)).collect()
}

/// Of each row of the table, the switches that turn it over, as in [`JudgedRow::sides`].
pub(super) fn sides(
    setting: &Setting,
    rows: &[JudgedRow],
    predictions: &[Prediction],
) -> Vec<Vec<String>> {
    let view = View {
        setting,
        rows,
        predictions,
    };
    rows.iter()
        .map(|row| {
            let switches = row.document.switches.iter();
            switches.map(|switch| switch.sides(view)).collect()
        })
        .collect()
}

/// What claims are judged from.
#[derive(Clone, Copy)]
struct View<'a> {
    setting: &'a Setting,
    rows: &'a [JudgedRow],
    predictions: &'a [Prediction],
}

/// A verdict and why.
struct Finding {
    verdict: Verdict,
    provisional: bool,
    reason: String,
}

impl Finding {
    fn firm(verdict: Verdict, reason: String) -> Self {
        Self {
            verdict,
            provisional: false,
            reason,
        }
    }

    fn not_measured(reason: &str) -> Self {
        Self::firm(Verdict::NotMeasured, reason.to_owned())
    }
}

impl<'a> View<'a> {
    fn claim(self, claim: &Claim) -> JudgedClaim {
        let (metrics, finding) = match &claim.test {
            Test::Shares(protocol, shares) => (
                shares.iter().map(|(metric, _)| *metric).collect(),
                self.shares(*protocol, shares),
            ),
            Test::PopTakesLess(metrics) => (metrics.to_vec(), self.pop_takes_less(metrics)),
            Test::MostRespects(respects) => (
                respects.iter().map(|respect| respect.metric).collect(),
                self.most_respects(respects),
            ),
            Test::ServerDecides => (Vec::new(), self.server_decides()),
        };
        let words = ClaimWords {
            english: claim.words.english.to_owned(),
            thai: claim.words.thai.to_owned(),
        };
        let sides = claim.switches.iter().map(|switch| switch.sides(self));
        JudgedClaim {
            id: claim.id.to_owned(),
            words,
            verdict: finding.verdict,
            provisional: finding.provisional,
            metrics,
            reason: finding.reason,
            depends_on: sides.collect(),
            overturned_by: claim.overturned_by,
            cell: None,
        }
    }

    fn figure(self, arm: Arm, metric: &str) -> Option<&'a Figure> {
        self.rows
            .iter()
            .find_map(|row| row.arm(arm)?.figure(metric))
    }

    fn value(self, arm: Arm, metric: &str) -> Option<f64> {
        self.figure(arm, metric)?.value
    }

    fn arms(self, protocol: Protocol) -> impl Iterator<Item = Arm> + 'a {
        let speaks = move |arm: &Arm| arm.protocol() == protocol;
        self.setting.arms.iter().copied().filter(speaks)
    }

    /// A figure as people read it, with its interval where there is one.
    fn words(self, arm: Arm, metric: &str) -> String {
        let Some(figure) = self.figure(arm, metric) else {
            return format!("{metric} not measured");
        };
        let name = figure.metric.english;
        let unit = figure.metric.unit;
        // Where all blocks have the same value, the interval says nothing.
        let apart = |(low, high): &(f64, f64)| digits(*low) != digits(*high);
        match (figure.value, figure.low.zip(figure.high).filter(apart)) {
            (None, _) => format!("{name}: not measured"),
            (Some(value), None) => format!("{name}: {} {unit}", digits(value)),
            (Some(value), Some((low, high))) => format!(
                "{name}: {} {unit} (95 % from {} to {})",
                digits(value),
                digits(low),
                digits(high)
            ),
        }
    }

    /// Every arm of the protocol is asked; where they differ, it depends, and the reason shows both sides.
    fn shares(self, protocol: Protocol, shares: &[(&str, Answer)]) -> Finding {
        let mut verdicts = Vec::new();
        let mut reasons = Vec::new();
        for arm in self.arms(protocol) {
            let of = |(metric, claimed): &(&str, Answer)| {
                let share = self.value(arm, metric);
                share.map_or(Verdict::NotMeasured, |it| Answer::of(it).against(*claimed))
            };
            let verdict = together(shares.iter().map(of));
            let figures = shares.iter().map(|(metric, _)| self.words(arm, metric));
            let figures: Vec<String> = figures.collect();
            reasons.push(format!("{arm} {verdict}: {}", figures.join(", ")));
            verdicts.push(verdict);
        }
        if verdicts.is_empty() {
            return Finding::not_measured("no arm of this protocol was run");
        }
        Finding::firm(together(verdicts), reasons.join(" – "))
    }

    /// Every pair of arms is asked.
    fn pop_takes_less(self, metrics: &[&str]) -> Finding {
        let mut verdicts = Vec::new();
        let mut reasons = Vec::new();
        let mut provisional = false;
        for pop in self.arms(Protocol::Pop3) {
            for imap in self.arms(Protocol::Imap) {
                let mut directions = Directions::default();
                for metric in metrics {
                    let sides = self.figure(pop, metric).zip(self.figure(imap, metric));
                    if let Some((p, i)) = sides {
                        directions.add(p, i, self.ratio(pop, imap, metric));
                    }
                }
                provisional |= directions.provisional();
                verdicts.push(directions.verdict());
                reasons.push(format!("{pop} beside {imap}: {}", directions.reason()));
            }
        }
        let verdict = together(verdicts);
        if verdict == Verdict::NotMeasured {
            return Finding::not_measured("there is no figure that both protocols have");
        }
        Finding {
            verdict,
            provisional,
            reason: reasons.join(" – "),
        }
    }

    /// The first arm of each protocol; a respect in which they are within what counts as the same counts for neither.
    fn most_respects(self, respects: &[Respect]) -> Finding {
        let pair = self.arms(Protocol::Pop3).next();
        let Some((pop, imap)) = pair.zip(self.arms(Protocol::Imap).next()) else {
            return Finding::not_measured("only one protocol was run");
        };
        let (mut for_imap, mut for_pop, mut even) = (Vec::new(), Vec::new(), Vec::new());
        for respect in respects {
            let sides = self
                .figure(pop, respect.metric)
                .zip(self.figure(imap, respect.metric));
            let Some((p, i)) = sides else { continue };
            let mut directions = Directions::default();
            directions.add(p, i, self.ratio(pop, imap, respect.metric));
            let pop_lower = match directions.verdict() {
                Verdict::Agrees => true,
                Verdict::Disagrees => false,
                Verdict::NotMeasured => continue,
                Verdict::Depends | Verdict::NoDifference => {
                    even.push(p.metric.english);
                    continue;
                }
            };
            if pop_lower == (respect.better == Better::Low) {
                for_pop.push(p.metric.english);
            } else {
                for_imap.push(p.metric.english);
            }
        }
        let all = for_imap.len() + for_pop.len() + even.len();
        let verdict = if all == 0 {
            return Finding::not_measured("no respect was measured on both sides");
        } else if 2 * for_imap.len() > all {
            Verdict::Agrees
        } else if 2 * for_pop.len() > all {
            Verdict::Disagrees
        } else {
            Verdict::Depends
        };
        let list = |names: &[&str]| {
            if names.is_empty() {
                "–".to_owned()
            } else {
                names.join("; ")
            }
        };
        Finding {
            verdict,
            provisional: self.setting.blocks < BLOCKS_FOR_INTERVALS,
            reason: format!(
                "of {all} respects {imap} is better in {} ({}), {pop} in {} ({}), neither in {} ({})",
                for_imap.len(),
                list(&for_imap),
                for_pop.len(),
                list(&for_pop),
                even.len(),
                list(&even),
            ),
        }
    }

    fn ratio(self, pop: Arm, imap: Arm, metric: &str) -> Option<&'a super::Ratio> {
        let its = |ratio: &&super::Ratio| {
            ratio.metric.name == metric && ratio.arm == imap && ratio.over == pop
        };
        self.rows.iter().flat_map(|row| &row.ratios).find(its)
    }

    /// One server can show that it matters, but not that it does not.
    fn server_decides(self) -> Finding {
        let left_out = &self.setting.left_out;
        if left_out.is_empty() {
            return Finding::not_measured(
                "this server supports every arm that was asked for; several targets, or one that lacks something, would show more",
            );
        }
        Finding::firm(Verdict::Agrees, left_out.join(" "))
    }
}

/// A line of `claims.csv`.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    claim: &'a str,
    target: &'a str,
    verdict: Verdict,
    provisional: bool,
    metrics: String,
    reason: &'a str,
    depends_on: String,
    overturned_by: &'a str,
}

/// Writes `claims.csv`: one line per claim.
pub fn write(judgement: &Judgement, out: impl Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(out);
    for claim in &judgement.claims {
        csv.serialize(Line {
            id: &claim.id,
            claim: &claim.words.english,
            target: &judgement.setting.target,
            verdict: claim.verdict,
            provisional: claim.provisional,
            metrics: claim.metrics.join(" "),
            reason: &claim.reason,
            depends_on: claim.depends_on.join("; "),
            overturned_by: claim.overturned_by,
        })?;
    }
    csv.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests;
