//! Where chance comes from: one stream of random numbers per user and purpose, and draws from distributions that
//! come out the same on every machine (own arithmetic on `ChaCha12`, logarithms from `libm`, never the platform's).

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::UserId;
use crate::scenario::{DeviceKind, Distribution, Share};

/// What a stream is for. Each purpose has its own, so that, say, another habit moves no arrival.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Devices = 0,
    Mailbox = 1,
    Arrivals = 2,
    Messages = 3,
    PhonePolls = 4,
    Fates = 5,
    Sittings = 6,
    Online = 7,
    Ages = 8,
    TabletPolls = 9,
    NotebookPolls = 10,
    Outages = 11,
    Threads = 12,
    Class = 13,
    Writing = 14,
    Folders = 15,
    Filing = 16,
}

impl Purpose {
    /// The jitter of a device's timer.
    pub(super) const fn polls(device: DeviceKind) -> Self {
        match device {
            DeviceKind::Phone => Self::PhonePolls,
            DeviceKind::Tablet => Self::TabletPolls,
            DeviceKind::Notebook => Self::NotebookPolls,
        }
    }
}

/// A stream of chance.
pub(super) struct Chance(ChaCha12Rng);

impl Chance {
    /// The stream of a user and purpose under a seed.
    pub(super) fn new(seed: u64, user: UserId, purpose: Purpose) -> Self {
        let mut key = *b"mailgauge plan 1................";
        key[24..].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha12Rng::from_seed(key);
        rng.set_stream(u64::from(user.0) << 8 | purpose as u64);
        Self(rng)
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// From 0 up to, not including, 1: a multiple of 2^-53.
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with the probability of a share.
    pub(super) fn hits(&mut self, share: Share) -> bool {
        self.unit() < share.get()
    }

    /// A number below `count`, 0 if there is none.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.bits()) * count as u128) >> 64) as usize
    }

    /// Exponential with this mean.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -libm::log1p(-self.unit()) * mean
    }

    /// From `low` to `high`, uniform.
    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(self.exponential(2.0));
        radius * libm::cos(self.uniform(0.0, std::f64::consts::TAU))
    }

    /// A value of a distribution; never below 0.
    pub(super) fn draw(&mut self, distribution: &Distribution) -> f64 {
        match distribution {
            Distribution::Constant(value) => *value,
            Distribution::Exponential { mean } => self.exponential(*mean),
            Distribution::Lognormal { median, sigma } => median * libm::exp(sigma * self.normal()),
            // 1 - unit() is never 0.
            Distribution::Pareto { least, shape } => {
                least * libm::pow(1.0 - self.unit(), -1.0 / shape)
            }
            Distribution::Uniform { low, high } => self.uniform(*low, *high),
            Distribution::Table(rows) => self.pick(rows).copied().unwrap_or_default(),
            Distribution::Mixture(parts) => match self.pick(parts) {
                Some(part) => self.draw(part),
                None => 0.0,
            },
        }
    }

    /// A row by its share; the last one takes what rounding leaves.
    pub(super) fn pick<'a, T>(&mut self, rows: &'a [(T, f64)]) -> Option<&'a T> {
        let mut left = self.unit();
        for (value, share) in rows {
            left -= share;
            if left < 0.0 {
                return Some(value);
            }
        }
        rows.iter()
            .rev()
            .find(|(_, share)| *share > 0.0)
            .map(|(value, _)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::SizePreset;

    const DRAWS: usize = 100_000;

    /// Sorted.
    fn drawn(distribution: &Distribution) -> Vec<f64> {
        let mut chance = Chance::new(1, UserId(0), Purpose::Messages);
        let mut values: Vec<f64> = (0..DRAWS).map(|_| chance.draw(distribution)).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn is_near(found: f64, wanted: f64, tolerance: f64, what: &str) {
        let off = (found / wanted - 1.0).abs();
        assert!(off < tolerance, "{what}: {found}, not {wanted}");
    }

    /// Mean and median over many draws are those of the textbook.
    #[test]
    fn every_family_has_its_mean_and_its_median() {
        let mixture = Distribution::Mixture(vec![
            (Distribution::Constant(1.0), 0.25),
            (
                Distribution::Uniform {
                    low: 2.0,
                    high: 6.0,
                },
                0.75,
            ),
        ]);
        for (distribution, mean, median) in [
            (Distribution::Constant(7.0), 7.0, 7.0),
            (
                Distribution::Exponential { mean: 10.0 },
                10.0,
                10.0 * 2.0_f64.ln(),
            ),
            (
                Distribution::Lognormal {
                    median: 12.0,
                    sigma: 1.0,
                },
                12.0 * 0.5_f64.exp(),
                12.0,
            ),
            (
                Distribution::Pareto {
                    least: 2.0,
                    shape: 3.0,
                },
                3.0,
                2.0 * 2.0_f64.powf(1.0 / 3.0),
            ),
            (
                Distribution::Uniform {
                    low: 2.0,
                    high: 18.0,
                },
                10.0,
                10.0,
            ),
            (
                Distribution::Table(vec![(1.0, 0.2), (5.0, 0.5), (20.0, 0.3)]),
                8.7,
                5.0,
            ),
            (mixture, 3.25, 2.0 + 4.0 / 3.0),
        ] {
            let values = drawn(&distribution);
            let name = format!("{distribution:?}");
            is_near(values.iter().sum::<f64>() / DRAWS as f64, mean, 0.02, &name);
            is_near(values[DRAWS / 2], median, 0.02, &name);
            is_near(distribution.mean(), mean, 1e-9, &name);
        }
    }

    /// Median and 99th percentile from the sources' own tables: `SPECmail2001` has 89.1 % up to 10 KB and 99.1 % up to
    /// 100 KB, so that both lie on a step; the others follow from their parts.
    #[test]
    fn sizes_are_those_of_their_preset() {
        for (preset, mean, median, p99) in [
            (SizePreset::Spec2001, 24_530.0, 3_000.0, 100_000.0),
            (
                SizePreset::SunHeavy,
                79_200.0,
                1_000.0 + 4_000.0 * 0.5 / 0.65,
                1_800_000.0,
            ),
            (SizePreset::Office75, 74_350.0, 13_850.0, 1_385_000.0),
        ] {
            let values = drawn(&preset.distribution());
            let name = preset.to_string();
            is_near(values.iter().sum::<f64>() / DRAWS as f64, mean, 0.03, &name);
            is_near(values[DRAWS / 2], median, 0.03, &name);
            is_near(values[DRAWS * 99 / 100], p99, 0.03, &name);
        }
    }
}
