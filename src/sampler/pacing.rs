//! When the next request leaves: spaced to see what is there, and polite to strangers.

use std::net::IpAddr;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::sample::FIRST_REQUESTS;
use crate::time::TimeDelta;

/// Requests a public server gets in quick succession, the size of chrony's `iburst` and of the
/// clock filter (RFC 5905 NSTAGE).
const POLITE_BURST: u64 = FIRST_REQUESTS;
/// The least between two of them: RFC 5905's burst spacing (BTIME).
const POLITE_BURST_SPACING: TimeDelta = TimeDelta::from_secs(2);
/// The least between two requests after that: RFC 5905's lowest poll interval that servers accept
/// without question (2^4 s).
const POLITE_SPACING: TimeDelta = TimeDelta::from_secs(16);
/// The random part of a polite interval, as a share of its fixed part.
const POLITE_RANDOM_SHARE: f64 = 0.1;

/// The random part of an interval is cut off at this multiple of its mean, so that a run of a given
/// count ends in predictable time (it happens to 0.03 % of the intervals).
const LONGEST_RANDOM: f64 = 8.0;

/// The longest interval that kiss codes can lead to: 2^10 s, the usual upper poll limit.
const SLOWEST: TimeDelta = TimeDelta::from_secs(1024);

/// How often a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// With this mean interval; zero: as soon as an earlier request has been answered.
    Mean(TimeDelta),
    /// A burst of 8 two seconds apart first, which no server takes for too much, then the same.
    Eased(TimeDelta),
    /// For servers of others: a burst of 8 two seconds apart, then every 16 s, or with this mean
    /// interval where that is slower.
    Polite(TimeDelta),
}

impl Pace {
    /// The pace for `address` if `interval` is wanted between requests: polite to an address that
    /// anybody may own.
    pub fn towards(address: IpAddr, interval: TimeDelta, own_servers: bool) -> Self {
        if own_servers || is_local(address) {
            Self::Mean(interval)
        } else {
            Self::Polite(interval)
        }
    }

    /// The same pace, begun as a client begins that a server does not know yet.
    #[must_use]
    pub fn eased(self) -> Self {
        match self {
            Self::Mean(mean) => Self::Eased(mean),
            polite => polite,
        }
    }

    /// Whether requests go out less often than the interval asked for.
    pub fn is_slower_than_asked(self) -> bool {
        matches!(self, Self::Polite(asked) if asked < POLITE_SPACING)
    }

    /// The interval requests settle to.
    pub fn interval(self) -> TimeDelta {
        match self {
            Self::Mean(mean) | Self::Eased(mean) => mean,
            Self::Polite(asked) => asked.max(POLITE_SPACING),
        }
    }
}

/// Whether `address` is loopback, private (RFC 1918), link-local or unique-local (RFC 4193): a
/// network that the person who asks can be expected to know.
pub fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The intervals of one server, one after the other.
#[derive(Clone, Debug)]
pub struct Pacer {
    pace: Pace,
    sent: u64,
    /// Set by kiss codes, and never lowered again.
    slowed: TimeDelta,
}

impl Pacer {
    /// The intervals of a server that has not been asked yet.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            sent: 0,
            slowed: TimeDelta::ZERO,
        }
    }

    /// Whether requests follow answers without a gap.
    pub fn is_unspaced(&self) -> bool {
        self.pace == Pace::Mean(TimeDelta::ZERO) && self.slowed == TimeDelta::ZERO
    }

    /// One request is about to leave: the time until the one after it.
    ///
    /// A fixed floor plus an exponential part, so that requests do not fall into step with load
    /// that repeats, and yet are never too close.
    pub fn gap(&mut self, rng: &mut StdRng) -> TimeDelta {
        self.sent += 1;
        let is_first = self.sent < POLITE_BURST;
        let (floor, random_mean) = match self.pace {
            Pace::Eased(mean) if is_first => {
                let floor = POLITE_BURST_SPACING.max(mean).max(self.slowed);
                (floor, floor.as_secs_f64() * POLITE_RANDOM_SHARE)
            }
            Pace::Mean(mean) | Pace::Eased(mean) => {
                let mean = mean.max(self.slowed);
                let half = TimeDelta::from_nanos(mean.as_nanos() / 2);
                (half, half.as_secs_f64())
            }
            Pace::Polite(asked) => {
                let least = if is_first {
                    POLITE_BURST_SPACING
                } else {
                    POLITE_SPACING
                };
                let floor = least.max(asked).max(self.slowed);
                (floor, floor.as_secs_f64() * POLITE_RANDOM_SHARE)
            }
        };
        floor + exponential(random_mean, rng)
    }

    /// Somebody else sends this server's first request: returns how long ours has to wait for it.
    pub fn make_room(&mut self) -> TimeDelta {
        match self.pace {
            Pace::Mean(_) => TimeDelta::ZERO,
            Pace::Eased(_) | Pace::Polite(_) => {
                self.sent += 1;
                POLITE_BURST_SPACING
            }
        }
    }

    /// The server asked for fewer requests: doubles the interval for good, and returns it.
    pub fn slow_down(&mut self) -> TimeDelta {
        let current = self
            .pace
            .interval()
            .max(self.slowed)
            .max(TimeDelta::from_secs(1));
        self.slowed = current.times(2).min(SLOWEST.max(self.pace.interval()));
        self.slowed
    }
}

/// An exponentially distributed time with this mean, by inversion.
fn exponential(mean_secs: f64, rng: &mut StdRng) -> TimeDelta {
    let uniform: f64 = rng.random(); // [0, 1)
    let multiple = (-(1.0 - uniform).ln()).min(LONGEST_RANDOM);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float to integer cast saturates"
    )]
    TimeDelta::from_nanos((mean_secs * multiple * 1e9) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn only_addresses_of_known_networks_are_asked_quickly() {
        for local in [
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.123",
            "fe80::1",
            "fd00:ec2::123",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_local(local.parse().unwrap()), "{local}");
        }
        for public in [
            "192.0.2.1",
            "172.32.0.1",
            "100.64.0.1",
            "2001:db8::1",
            "8.8.8.8",
            "0.0.0.0",
            "::ffff:192.0.2.1",
            "ff02::1",
            "224.0.1.1",
            "255.255.255.255",
        ] {
            assert!(!is_local(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn a_public_server_is_never_asked_faster_than_a_burst_of_8_then_16_s() {
        let pace = Pace::towards(
            "192.0.2.1".parse().unwrap(),
            TimeDelta::from_millis(5),
            false,
        );
        assert!(pace.is_slower_than_asked());
        for seed in 0..50 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut pacer = Pacer::new(pace);
            let gaps: Vec<_> = (0..40).map(|_| pacer.gap(&mut rng)).collect();
            assert!(
                gaps[..7].iter().all(|g| *g >= TimeDelta::from_secs(2)),
                "{gaps:?}"
            );
            assert!(
                gaps[7..].iter().all(|g| *g >= TimeDelta::from_secs(16)),
                "{gaps:?}"
            );
        }
    }

    #[test]
    fn the_mean_is_what_was_asked_and_half_of_it_the_least() {
        let asked = TimeDelta::from_millis(5);
        let mut rng = StdRng::seed_from_u64(7);
        let mut pacer = Pacer::new(Pace::Mean(asked));
        let gaps: Vec<_> = (0..20_000)
            .map(|_| pacer.gap(&mut rng).as_nanos())
            .collect();
        let mean = gaps.iter().sum::<i64>() / 20_000;
        assert!((4_900_000..5_100_000).contains(&mean), "{mean}");
        assert!(gaps.iter().all(|g| (2_500_000..=22_500_000).contains(g)));
    }

    #[test]
    fn an_eased_pace_begins_as_politely_and_then_keeps_its_mean() {
        let pace = Pace::Mean(TimeDelta::from_millis(100)).eased();
        let mut rng = StdRng::seed_from_u64(3);
        let mut pacer = Pacer::new(pace);
        let gaps: Vec<_> = (0..4_000).map(|_| pacer.gap(&mut rng)).collect();
        assert!(gaps[..7].iter().all(|g| *g >= TimeDelta::from_secs(2)));
        let rest: i64 = gaps[7..].iter().map(|g| g.as_nanos()).sum();
        assert!(
            (95_000_000..105_000_000).contains(&(rest / 3_993)),
            "{rest}"
        );
        assert!(!pacer.is_unspaced());
        let polite = Pace::Polite(TimeDelta::ZERO);
        assert_eq!(polite.eased(), polite);
    }

    #[test]
    fn kiss_codes_slow_down_for_good_up_to_a_limit() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut pacer = Pacer::new(Pace::Mean(TimeDelta::from_millis(5)));
        assert_eq!(pacer.slow_down(), TimeDelta::from_secs(2));
        assert_eq!(pacer.slow_down(), TimeDelta::from_secs(4));
        assert!((0..100).all(|_| pacer.gap(&mut rng) >= TimeDelta::from_secs(2)));
        for _ in 0..20 {
            pacer.slow_down();
        }
        assert_eq!(pacer.slow_down(), TimeDelta::from_secs(1024));
        let mut polite = Pacer::new(Pace::Polite(TimeDelta::ZERO));
        assert_eq!(polite.slow_down(), TimeDelta::from_secs(32));
        assert!(polite.gap(&mut rng) >= TimeDelta::from_secs(32));
    }

    #[test]
    fn an_interval_of_zero_has_no_gaps() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut pacer = Pacer::new(Pace::Mean(TimeDelta::ZERO));
        assert!((0..100).all(|_| pacer.gap(&mut rng) == TimeDelta::ZERO));
    }
}
