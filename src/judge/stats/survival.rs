//! Times of what had not happened yet when the watching ended: Kaplan and Meier (1958). Leaving such cases out would
//! make whoever is slow look quick, for only the quick ones are seen to the end.

/// One thing waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wait {
    /// How long it took, or how long it was watched.
    pub time: f64,
    /// It happened; else only that it took longer than `time` is known.
    pub happened: bool,
}

/// The time by which a share `q` of all had happened; none where the watching ended before that.
pub fn quantile(mut waits: Vec<Wait>, q: f64) -> Option<f64> {
    // At the same time, what happened goes before what was no longer watched.
    waits.sort_by(|a, b| a.time.total_cmp(&b.time).then(b.happened.cmp(&a.happened)));
    let mut waiting = waits.len() as f64;
    let mut left = 1.0;
    for wait in waits {
        if wait.happened {
            left *= 1.0 - 1.0 / waiting;
            if 1.0 - left >= q - 1e-9 {
                return Some(wait.time);
            }
        }
        waiting -= 1.0;
    }
    None
}
