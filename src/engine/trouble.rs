//! When a run is of no use any more, seen from its gauges.

use super::log::Gauges;

/// After so many refused logins without a single one that was let in, the run is of no use.
const REFUSED_LOGINS: u64 = 10;
/// After so many sessions in a row that could not be had, the target counts as gone.
const LOST_IN_A_ROW: u64 = 20;

/// Why the run is of no use any more.
pub(super) fn trouble(gauges: &Gauges, devices: u64) -> Option<String> {
    let Gauges {
        logins,
        refused_logins,
        lost_in_a_row,
        ..
    } = *gauges;
    if logins == 0 && refused_logins >= REFUSED_LOGINS.min(devices.max(1)) {
        return Some(format!(
            "the target refuses every login ({refused_logins} so far): are the accounts and passwords right?"
        ));
    }
    (lost_in_a_row >= LOST_IN_A_ROW).then(|| {
        format!("the target no longer answers: {lost_in_a_row} sessions in a row could not be had")
    })
}

#[cfg(test)]
mod tests {
    use super::trouble;
    use crate::engine::log::Gauges;

    #[test]
    fn a_run_goes_on_as_long_as_anybody_is_let_in() {
        let mut gauges = Gauges {
            refused_logins: 9,
            ..Gauges::default()
        };
        assert_eq!(trouble(&gauges, 100), None);
        gauges.refused_logins = 10;
        assert!(trouble(&gauges, 100).is_some_and(|why| why.contains("refuses every login")));
        gauges.logins = 1;
        assert_eq!(trouble(&gauges, 100), None);
    }

    #[test]
    fn a_small_population_that_is_refused_is_noticed_too() {
        let gauges = Gauges {
            refused_logins: 3,
            ..Gauges::default()
        };
        assert!(trouble(&gauges, 3).is_some());
    }

    #[test]
    fn a_target_that_does_not_answer_any_more_is_gone() {
        let gauges = Gauges {
            logins: 500,
            lost_in_a_row: 20,
            ..Gauges::default()
        };
        assert!(trouble(&gauges, 3).is_some_and(|why| why.contains("no longer answers")));
    }
}
