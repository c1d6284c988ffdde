//! Holm's correction (1979) for several tests at once, which needs to know nothing of how they hang together.

/// The p of each test, adjusted so that all that are at most 5 % together are wrong in at most 5 % of cases.
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut adjusted = vec![1.0; ps.len()];
    let mut floor = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let left = (ps.len() - rank) as f64;
        floor = floor.max((left * ps[index]).min(1.0));
        adjusted[index] = floor;
    }
    adjusted
}
