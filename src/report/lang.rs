//! The two languages of the labels. Figures, units, reasons and file formats are the same in both.

use crate::judge::{DocumentRow, Ending, Judgement, Metric, Verdict, document::Word};
use crate::scenario::{Arm, Protocol};

/// The language of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Thai, as the document is printed.
    Th,
}

impl Lang {
    /// One of two texts.
    pub const fn pick<'a>(self, english: &'a str, thai: &'a str) -> &'a str {
        match self {
            Self::En => english,
            Self::Th => thai,
        }
    }

    /// The label of a row.
    pub const fn row(self, row: &DocumentRow) -> &'static str {
        match self {
            Self::En => row.english,
            Self::Th => row.thai,
        }
    }

    /// The document's word.
    pub const fn word(self, word: Word) -> &'static str {
        match self {
            Self::En => word.english,
            Self::Th => word.thai,
        }
    }

    /// The label of a metric.
    pub const fn metric(self, metric: &Metric) -> &'static str {
        match self {
            Self::En => metric.english,
            Self::Th => metric.thai,
        }
    }

    /// The word for a verdict.
    pub const fn verdict(self, verdict: Verdict) -> &'static str {
        match (self, verdict) {
            (Self::En, Verdict::Agrees) => "agrees",
            (Self::En, Verdict::Disagrees) => "disagrees",
            (Self::En, Verdict::Depends) => "depends",
            (Self::En, Verdict::NoDifference) => "no difference",
            (Self::En, Verdict::NotMeasured) => "not measured",
            (Self::Th, Verdict::Agrees) => "ตรงตามเอกสาร",
            (Self::Th, Verdict::Disagrees) => "ไม่ตรง",
            (Self::Th, Verdict::Depends) => "แล้วแต่กรณี",
            (Self::Th, Verdict::NoDifference) => "ไม่ต่างกัน",
            (Self::Th, Verdict::NotMeasured) => "ไม่ได้วัด",
        }
    }
}

/// Sign and word; a star where it is provisional, which a note explains.
pub(super) fn judged(verdict: Verdict, provisional: bool, lang: Lang) -> String {
    let star = if provisional { "*" } else { "" };
    format!("{} {}{star}", sign(verdict), lang.verdict(verdict))
}

/// A sign beside the word, for readers who see no colour.
pub(super) const fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "✓",
        Verdict::Disagrees => "✗",
        Verdict::Depends => "~",
        Verdict::NoDifference => "=",
        Verdict::NotMeasured => "·",
    }
}

/// The name of a protocol as people write it.
pub(super) const fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Pop3 => "POP3",
        Protocol::Imap => "IMAP",
    }
}

/// The name of an arm as people read it: the protocol alone where the arm is nothing but that.
pub(super) fn arm(arm: Arm) -> String {
    if arm == Arm::of(arm.protocol()) {
        protocol(arm.protocol()).to_owned()
    } else {
        arm.to_string()
    }
}

/// What must be said before anything else: the run broke off, or its numbers cannot be trusted.
pub(super) fn banner(judgement: &Judgement, lang: Lang) -> Option<String> {
    let ending = match judgement.setting.ending {
        Ending::Unfinished => Some(lang.pick(
            "UNFINISHED: this run broke off; the figures are of what it left.",
            "ยังไม่สมบูรณ์: การทดสอบหยุดกลางคัน ตัวเลขมาจากส่วนที่เหลืออยู่เท่านั้น",
        )),
        Ending::Interrupted => Some(lang.pick(
            "UNFINISHED: this run was interrupted; the figures are of what it left.",
            "ยังไม่สมบูรณ์: การทดสอบถูกสั่งหยุด ตัวเลขมาจากส่วนที่เหลืออยู่เท่านั้น",
        )),
        Ending::Finished => None,
    };
    let invalid = (!judgement.validity.is_valid()).then(|| {
        lang.pick(
            "INVALID: these numbers cannot be trusted; the reasons stand below.",
            "ใช้ไม่ได้: ตัวเลขชุดนี้เชื่อถือไม่ได้ ดูเหตุผลด้านล่าง",
        )
    });
    ending.or(invalid).map(str::to_owned)
}
