//! Histograms out of a log that anybody may have changed.

use std::io::{Cursor, Read as _};

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::metrics::HIGHEST_US;

/// Decodes histograms without trusting the lengths that they claim.
#[derive(Default)]
pub(super) struct Decoder {
    compressed: Vec<u8>,
    plain: Vec<u8>,
}

/// Octets of the header of an uncompressed V2 histogram: cookie, payload length, normalizing offset,
/// digits (4 each), lowest, highest, ratio (8 each).
const V2_HEADER: usize = 40;
/// A histogram of one day with three digits needs a tenth of this.
const V2_LIMIT: u64 = 4 * 1024 * 1024;
const DIGITS: u8 = 3;
/// Bounds grow in powers of two, so the highest is below twice the longest time.
const V2_HIGHEST: u64 = 2 * HIGHEST_US;

impl Decoder {
    /// The histogram that a line of the log holds.
    pub(super) fn decode(&mut self, encoded: &str) -> Result<Histogram<u64>, String> {
        self.compressed.clear();
        base64::engine::general_purpose::STANDARD
            .decode_vec(encoded, &mut self.compressed)
            .map_err(|e| format!("the histogram is not base64: {e}"))?;
        let body = self.compressed.get(8..).ok_or("the histogram is cut off")?;
        self.plain.clear();
        flate2::read::ZlibDecoder::new(body)
            .take(V2_LIMIT)
            .read_to_end(&mut self.plain)
            .map_err(|e| format!("the histogram does not inflate: {e}"))?;
        self.check_header()?;
        Deserializer::new()
            .deserialize(&mut Cursor::new(&self.plain))
            .map_err(|e| format!("not an HDR histogram: {e}"))
    }

    /// Only what this program writes is taken: from 1 µs, three digits, no longer than the octets that are there.
    fn check_header(&self) -> Result<(), String> {
        let word = |at: usize| {
            let octets = self.plain.get(at..at + 8)?;
            Some(u64::from_be_bytes(octets.try_into().ok()?))
        };
        let (Some(cookie_and_payload), Some(offset_and_digits), Some(lowest), Some(highest)) =
            (word(0), word(8), word(16), word(24))
        else {
            return Err("the histogram is cut off".to_owned());
        };
        let payload = cookie_and_payload & u64::from(u32::MAX);
        if payload as usize != self.plain.len().saturating_sub(V2_HEADER) {
            return Err(format!("the histogram claims {payload} octets of counts"));
        }
        if (offset_and_digits, lowest) != (u64::from(DIGITS), 1) || highest > V2_HIGHEST {
            return Err(
                "the histogram has other bounds or digits than this program writes".to_owned(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use hdrhistogram::serialization::{Serializer as _, V2Serializer};
    use proptest::prelude::*;

    use super::*;

    fn plain(values: &[u64]) -> Vec<u8> {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 2_047, DIGITS).unwrap();
        histogram.auto(true);
        for value in values {
            histogram.record(*value).unwrap();
        }
        let mut plain = Vec::new();
        V2Serializer::new()
            .serialize(&histogram, &mut plain)
            .unwrap();
        plain
    }

    fn encoded(plain: &[u8]) -> String {
        let mut compressed = vec![0; 8];
        let level = flate2::Compression::fast();
        let mut zlib = flate2::write::ZlibEncoder::new(&mut compressed, level);
        zlib.write_all(plain).unwrap();
        zlib.finish().unwrap();
        base64::engine::general_purpose::STANDARD.encode(compressed)
    }

    #[test]
    fn a_histogram_that_claims_more_than_it_has_is_refused_before_memory_is_taken() {
        let mut claims = plain(&[1, 2, 3]);
        claims[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        let error = Decoder::default().decode(&encoded(&claims)).unwrap_err();
        assert!(error.contains("4294967295"), "{error}");
    }

    proptest! {
        #[test]
        fn any_octets_are_a_histogram_or_an_error(
            values in prop::collection::vec(0..10_000_000_u64, 0..30),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        ) {
            let mut octets = plain(&values);
            for (at, octet) in &changes {
                let at = at.index(octets.len());
                octets[at] = *octet;
            }
            let decoded = Decoder::default().decode(&encoded(&octets));
            if let Ok(decoded) = &decoded {
                let mut sum = Histogram::<u64>::new_with_bounds(1, 2_047, 3).unwrap();
                sum.auto(true);
                prop_assert!(sum.add(decoded).is_ok());
            }
            if changes.is_empty() {
                prop_assert_eq!(decoded.unwrap().len(), values.len() as u64);
            }
        }
    }
}
