//! Packet delay variation (RFC 5481): how much packets of one path differ in delay.

/// PDV of RFC 5481 section 4.2: each delay less the smallest of all, in their unit. What is left is
/// time in queues, as far as the fastest packet met none. Differences saturate.
///
/// ```
/// use clockfit::stats::pdv;
/// assert_eq!(pdv(&[30, 20, 90]), [10, 0, 70]);
/// assert!(pdv(&[]).is_empty());
/// ```
pub fn pdv(delays: &[i64]) -> Vec<i64> {
    let least = delays.iter().copied().min().unwrap_or(0);
    delays.iter().map(|d| d.saturating_sub(least)).collect()
}

/// IPDV of RFC 5481 section 4.1: each delay less the one before, in the order of time, so one fewer
/// than there are delays. A lost packet is left out, and the two around it are compared. Differences
/// saturate.
///
/// ```
/// use clockfit::stats::ipdv;
/// assert_eq!(ipdv(&[30, 20, 90]), [-10, 70]);
/// assert!(ipdv(&[30]).is_empty());
/// ```
pub fn ipdv(delays: &[i64]) -> Vec<i64> {
    let later = delays.iter().skip(1);
    let pairs = delays.iter().zip(later);
    pairs.map(|(d, later)| later.saturating_sub(*d)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_extremes_saturate() {
        assert_eq!(pdv(&[i64::MIN, i64::MAX]), [0, i64::MAX]);
        assert_eq!(ipdv(&[i64::MIN, i64::MAX, -2]), [i64::MAX, -i64::MAX - 1]);
    }

    proptest! {
        /// Steps between delays are steps between variations, and nothing is below the least.
        #[test]
        fn both_tell_the_same_story(delays in prop::collection::vec(-1_000i64..1_000_000, 1..60)) {
            let above = pdv(&delays);
            prop_assert_eq!(above.iter().min(), Some(&0));
            prop_assert_eq!(ipdv(&above), ipdv(&delays));
            let sum: i64 = ipdv(&delays).iter().sum();
            prop_assert_eq!(delays[0] + sum, delays[delays.len() - 1]);
        }
    }
}
