//! The claims of the document's text and the table of RFC 1733, as the templates see them.

use serde::Serialize;

use super::rows::Judged;
use crate::judge::claims::Rfc1733Cell;
use crate::judge::{JudgedClaim, Judgement, Verdict};
use crate::report::lang::Lang;

/// One claim of the text, in the report's language.
#[derive(Serialize)]
pub(super) struct Claim<'a> {
    id: &'a str,
    words: &'a str,
    verdict: Judged,
    reason: &'a str,
    depends_on: &'a [String],
    overturned_by: &'a str,
}

/// A line of RFC 1733's table.
#[derive(Serialize)]
pub(super) struct Feature<'a> {
    feature: &'static str,
    models: Vec<Model<'a>>,
}

/// What the RFC says of a model there, and what was found.
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    says: &'static str,
    verdict: Judged,
    measured: bool,
    reason: &'a str,
}

/// The claims of the text, in order.
pub(super) fn claims(judgement: &Judgement, lang: Lang) -> Vec<Claim<'_>> {
    let of_the_text = judgement.claims.iter().filter(|it| it.cell.is_none());
    of_the_text
        .map(|claim| Claim {
            id: &claim.id,
            words: lang.pick(&claim.words.english, &claim.words.thai),
            verdict: Judged::of(claim.verdict, claim.provisional, lang),
            reason: &claim.reason,
            depends_on: &claim.depends_on,
            overturned_by: claim.overturned_by,
        })
        .collect()
}

/// The names of RFC 1733's models, in its order.
pub(super) fn models(judgement: &Judgement, lang: Lang) -> Vec<&'static str> {
    let mut models = Vec::new();
    for (_, cell) in cells(judgement) {
        let name = lang.word(cell.model);
        if !models.contains(&name) {
            models.push(name);
        }
    }
    models
}

/// RFC 1733's table, line by line.
pub(super) fn rfc1733(judgement: &Judgement, lang: Lang) -> Vec<Feature<'_>> {
    let mut features: Vec<Feature<'_>> = Vec::new();
    for (claim, cell) in cells(judgement) {
        let feature = lang.word(cell.feature);
        let model = Model {
            id: &claim.id,
            says: if cell.says { "yes" } else { "no" },
            verdict: Judged::of(claim.verdict, claim.provisional, lang),
            measured: claim.verdict != Verdict::NotMeasured,
            reason: &claim.reason,
        };
        match features.last_mut() {
            Some(last) if last.feature == feature => last.models.push(model),
            _ => features.push(Feature {
                feature,
                models: vec![model],
            }),
        }
    }
    features
}

fn cells(judgement: &Judgement) -> impl Iterator<Item = (&JudgedClaim, Rfc1733Cell)> {
    let claims = judgement.claims.iter();
    claims.filter_map(|claim| Some((claim, claim.cell?)))
}
