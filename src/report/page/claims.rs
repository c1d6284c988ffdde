//! The claims, as the templates see them.

use serde::Serialize;

use crate::judge::Judgement;
use crate::report::lang::{self, Lang};

/// One claim, in the report's language.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    id: &'a str,
    words: &'a str,
    /// With its sign.
    verdict: String,
    /// For style sheets: `agrees`, `no-difference`.
    verdict_class: String,
    reason: &'a str,
    depends_on: &'a [String],
    overturned_by: &'a str,
    metrics: &'a [&'static str],
}

/// All claims, in order.
pub(super) fn lines(judgement: &Judgement, lang: Lang) -> Vec<Line<'_>> {
    judgement
        .claims
        .iter()
        .map(|claim| Line {
            id: &claim.id,
            words: lang.pick(&claim.words.english, &claim.words.thai),
            verdict: lang::judged(claim.verdict, claim.provisional, lang),
            verdict_class: claim.verdict.to_string(),
            reason: &claim.reason,
            depends_on: &claim.depends_on,
            overturned_by: claim.overturned_by,
            metrics: &claim.metrics,
        })
        .collect()
}
