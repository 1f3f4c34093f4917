//! Tests with noise of a known kind: that it is identified, that its degrees of freedom are as
//! calculated, and that intervals hold the truth as often as they say. All from fixed seeds.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "small numbers of runs, and noise that is scaled to fit"
)]

use super::*;

/// Units of a standard deviation of the noise: enough for rounding not to show.
const UNIT: f64 = 1e6;

/// SplitMix64, and normal numbers from it by the method of Box and Muller.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / 2f64.powi(53)
    }

    fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    fn white(&mut self, points: usize) -> Vec<f64> {
        (0..points).map(|_| self.normal()).collect()
    }

    /// Half a summation of white noise (Kasdin 1995), from after `warm` points on.
    fn flicker(&mut self, points: usize, warm: usize) -> Vec<f64> {
        let weights: Vec<f64> = std::iter::successors(Some((1.0, 0.5)), |(weight, k)| {
            Some((weight * k / (k + 0.5), k + 1.0))
        })
        .map(|(weight, _)| weight)
        .take(points + warm)
        .collect();
        let white = self.white(points + warm);
        let at = |i: usize| {
            let past = white[..=i].iter().rev();
            past.zip(&weights).map(|(w, weight)| w * weight).sum()
        };
        (warm..points + warm).map(at).collect()
    }

    fn phases(&mut self, noise: Noise, points: usize) -> Phases<'static> {
        let phases: Vec<f64> = match noise {
            Noise::WhitePm => self.white(points),
            Noise::FlickerPm => self.flicker(points, 300),
            Noise::WhiteFm => summed(&self.white(points)),
            Noise::FlickerFm => {
                // A point is read off every few steps: the frequency flickers between them, too.
                let fine = summed(&self.flicker(4 * points, 300));
                fine.into_iter().step_by(4).collect()
            }
            Noise::RandomWalkFm => {
                // What the frequency walks within a step moves the phase, too: by half of it on
                // average, and with a variance of 1/12 on its own.
                let steps = self.white(points);
                let frequency = summed(&steps);
                let step = |(step, frequency): (&f64, &f64)| {
                    frequency - step / 2.0 + self.normal() / 12f64.sqrt()
                };
                summed(&steps.iter().zip(&frequency).map(step).collect::<Vec<_>>())
            }
        };
        let whole = |phase: &f64| (phase * UNIT).round() as i64;
        Phases::from(phases.iter().map(whole).collect::<Vec<i64>>())
    }
}

fn summed(steps: &[f64]) -> Vec<f64> {
    let add = |sum: &mut f64, step: &f64| {
        *sum += step;
        Some(*sum)
    };
    steps.iter().scan(0.0, add).collect()
}

/// Mean and variance of the deviation squared say how many degrees of freedom it has.
#[test]
fn degrees_of_freedom_are_those_of_simulated_noise() {
    const POINTS: usize = 64;
    let statistics = [
        Statistic::Adev,
        Statistic::Oadev,
        Statistic::Mdev,
        Statistic::Hdev,
        Statistic::Ohdev,
        Statistic::Totdev,
    ];
    for noise in Noise::ALL {
        let runs = if noise == Noise::FlickerFm {
            1_000
        } else {
            2_000
        };
        let mut random = Random(7);
        let mut squares = vec![Vec::new(); 2 * statistics.len()];
        for _ in 0..runs {
            let phases = random.phases(noise, POINTS);
            let cases = statistics.iter().flat_map(|s| [(*s, 2), (*s, 8)]);
            for ((statistic, m), squares) in cases.zip(&mut squares) {
                let point = single(&phases, statistic, m).unwrap();
                squares.push(point.in_phase_unit().unwrap().powi(2));
            }
        }
        let cases = statistics.iter().flat_map(|s| [(*s, 2), (*s, 8)]);
        for ((statistic, m), squares) in cases.zip(squares) {
            let Some(calculated) = edf(statistic, noise, POINTS, m) else {
                assert_eq!(statistic, Statistic::Totdev);
                continue;
            };
            let n = squares.len() as f64;
            let mean = squares.iter().sum::<f64>() / n;
            let variance = squares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n;
            let simulated = 2.0 * mean * mean / variance;
            // The variance of chi-square of k degrees of freedom, from n of them, has a relative
            // standard deviation of sqrt((2 + 12/k) / n).
            let tolerance = 3.0 * ((2.0 + 12.0 / calculated) / n).sqrt();
            let off = simulated / calculated - 1.0;
            assert!(
                off.abs() < tolerance,
                "{noise:?} {statistic:?} {m}: {simulated} for {calculated}"
            );
        }
    }
}

#[test]
fn simulated_noise_is_identified() {
    for noise in Noise::ALL {
        let mut random = Random(11);
        // From 125 points flicker is told from white noise by chance.
        let flickers = matches!(noise, Noise::FlickerPm | Noise::FlickerFm);
        let factors: &[usize] = if flickers { &[1, 2] } else { &[1, 2, 4] };
        for m in factors.iter().copied() {
            let runs = 20;
            let hits = (0..runs)
                .map(|_| random.phases(noise, 500))
                .filter(|phases| identify(phases, m) == Some(noise));
            let hits = hits.count();
            assert!(hits >= 15, "{noise:?} at {m}: {hits} of {runs}");
        }
    }
}

#[test]
fn noise_is_identified_around_gaps_and_under_a_frequency_offset() {
    for noise in Noise::ALL {
        let whole = Random(3).phases(noise, 600);
        let gaps = whole
            .clone()
            .with_gap(0..3)
            .with_gap(100..130)
            .with_gap(400..401);
        assert_eq!(identify(&gaps, 1), Some(noise));
        let offset = |i: usize| whole.get(i).unwrap() + 50_000_000 * i as i64 - (1 << 60);
        let moved = Phases::from((0..600).map(offset).collect::<Vec<i64>>());
        assert_eq!(identify(&moved, 1), Some(noise));
    }
}

#[test]
fn too_little_is_not_identified() {
    let white = Random(5).phases(Noise::WhitePm, 31);
    assert_eq!(identify(&white, 1), Some(Noise::WhitePm));
    assert_eq!(identify(&white, 2), None);
    assert_eq!(identify(&white, 0), None);
    assert_eq!(identify(&white.clone().with_gap(30..31), 1), None);
    assert_eq!(identify(&white.with_gap(15..16), 1), None);
    assert_eq!(identify(&Phases::from(vec![4; 100]), 1), None);
    assert_eq!(identify(&Phases::from(Vec::new()), 1), None);
    // Alternating phases are steeper than white: the steepest kind there is.
    let steep: Vec<i64> = (0..100).map(|i| i % 2).collect();
    assert_eq!(identify(&Phases::from(steep), 1), Some(Noise::WhitePm));
}

/// White PM of standard deviation s has a true Allan deviation of sqrt(3) s / tau.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let mut random = Random(23);
    for (level, share) in [(Level::P95, 0.95), (Level::P68_3, 0.683)] {
        let runs = 1_000;
        let holds = |_: &usize| {
            let phases = random.phases(Noise::WhitePm, 50);
            let point = oadev(&phases, 5).unwrap();
            let interval = point.interval(1.0, Noise::WhitePm, level).unwrap();
            let truth = 3f64.sqrt() * UNIT / 5.0;
            interval.lower < truth && truth < interval.upper
        };
        let held = (0..runs).filter(holds).count() as f64 / runs as f64;
        // Three standard deviations of a share of 1000 runs are 2 to 4.4 %.
        let tolerance = 3.0 * (share * (1.0 - share) / runs as f64).sqrt();
        assert!((held - share).abs() < tolerance, "{level:?}: {held}");
    }
}
