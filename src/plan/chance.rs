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
            Distribution::Uniform { low, high } => self.uniform(*low, *high),
            Distribution::Table(rows) => self.pick(rows).copied().unwrap_or_default(),
            Distribution::Mixture(parts) => match self.pick(parts) {
                Some(part) => self.draw(part),
                None => 0.0,
            },
        }
    }

    /// A row by its share; the last one takes what rounding leaves.
    fn pick<'a, T>(&mut self, rows: &'a [(T, f64)]) -> Option<&'a T> {
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
