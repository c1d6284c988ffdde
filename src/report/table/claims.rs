//! The claims of the document's text in a terminal: a line each, words to the left, verdict to the right. Those of
//! RFC 1733 are in the report and in `claims.csv`.

use super::{Align, CELL, GAP, Look, pad, push, style, wrap};
use crate::judge::{JudgedClaim, Judgement};
use crate::report::lang::{self, Lang};

const ID: usize = 4;

/// The lines.
pub(super) fn rendered(judgement: &Judgement, look: Look) -> String {
    let mut out = String::new();
    let of_the_text = |claim: &&JudgedClaim| !claim.id.starts_with('R');
    for claim in judgement.claims.iter().filter(of_the_text) {
        let width = look.table_width() - ID - GAP - CELL;
        let words = match look.lang {
            Lang::En => &claim.words.english,
            Lang::Th => &claim.words.thai,
        };
        for (index, words) in wrap(words, width).iter().enumerate() {
            let words = pad(words, width, Align::Left);
            if index > 0 {
                push(&mut out, &format!("{}{words}", " ".repeat(ID)));
                continue;
            }
            let id = pad(&format!(" {}", claim.id), ID, Align::Left);
            let verdict = lang::judged(claim.verdict, claim.provisional, look.lang);
            let verdict = look.paint(style(claim.verdict), &pad(&verdict, CELL, Align::Right));
            push(
                &mut out,
                &format!("{id}{words}{}{verdict}", " ".repeat(GAP)),
            );
        }
    }
    out
}
