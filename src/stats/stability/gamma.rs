//! The regularised incomplete gamma function and its inverse, for quantiles of chi-square.
//!
//! P(a, x) is the probability that a gamma variable of shape a is below x, Q(a, x) = 1 - P(a, x);
//! chi-square of nu degrees of freedom is twice one of shape nu/2. Equations are those of the NIST
//! Digital Library of Mathematical Functions (DLMF), chapters 5 and 8.

use std::f64::consts::TAU;

/// Shapes from which on Stirling's series with the terms below is right to the last bits.
const STIRLING_FROM: f64 = 16.0;

/// Terms that no longer move a sum of doubles.
const NEGLIGIBLE: f64 = 1e-17;

/// A bound on work. Some multiple of the root of the shape is enough, and shapes are half a number of
/// points.
const MOST_TERMS: u32 = 1_000_000;

/// A bound on work. Three to ten steps are enough, and more only for shapes below 1/10.
const MOST_STEPS: u32 = 200;

/// The longest step in ln x: the slope may vanish where the tail is all or nothing.
const LONGEST_STEP: f64 = 2.0;

/// After a step this short the next one would be its square.
const CLOSE: f64 = 1e-10;

/// Which tail of the distribution a probability is of. A small one would be lost as 1 - p.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stats) enum Tail {
    Lower,
    Upper,
}

/// The x that chi-square of `degrees` degrees of freedom, any positive number, leaves in a tail with
/// probability `p`, which is above 0 and below 1.
pub(in crate::stats) fn chi_square(tail: Tail, p: f64, degrees: f64) -> f64 {
    2.0 * inverse(tail, p, degrees / 2.0)
}

/// The x of which P(a, x) or Q(a, x) is `p`.
///
/// ln P and ln Q are concave in u = ln x, so Newton's method in u comes ever closer to the root from
/// the side on which the curve is steep, wherever it begins.
fn inverse(tail: Tail, p: f64, a: f64) -> f64 {
    let mut u = a.ln();
    for _ in 0..MOST_STEPS {
        let x = u.exp();
        // The derivative of P by u.
        let slope = a * leading(a, x);
        let (lower, upper) = tails(a, x);
        let (step, lost) = match tail {
            Tail::Lower => ((lower / p).ln() * lower / slope, -LONGEST_STEP),
            Tail::Upper => ((p / upper).ln() * upper / slope, LONGEST_STEP),
        };
        // So far out in the tail that it is empty: back to where the weight is.
        let step = if step.is_nan() { lost } else { step };
        u -= step.clamp(-LONGEST_STEP, LONGEST_STEP);
        if step.abs() < CLOSE {
            break;
        }
    }
    u.exp()
}

/// P(a, x) and Q(a, x). The smaller of the two is right in all of its digits, unless it is next to the
/// middle, where nothing is lost.
fn tails(a: f64, x: f64) -> (f64, f64) {
    if x < a + 1.0 {
        let lower = leading(a, x) * series(a, x);
        (lower, 1.0 - lower)
    } else {
        let upper = leading(a, x) * a * fraction(a, x);
        (1.0 - upper, upper)
    }
}

/// 1 + x/(a+1) + x^2/((a+1)(a+2)) + ... (DLMF 8.7.1)
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..MOST_TERMS {
        term *= x / (a + f64::from(k));
        sum += term;
        if term < sum * NEGLIGIBLE {
            break;
        }
    }
    sum
}

/// 1/(x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - ...))) (DLMF 8.9.2, every other step), by Lentz's
/// method. With x above a+1 no denominator comes near zero.
fn fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut d = 1.0 / b;
    let mut c = f64::INFINITY;
    let mut value = d;
    for k in 1..MOST_TERMS {
        let k = f64::from(k);
        let numerator = k * (a - k);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

/// x^a e^-x / Gamma(a+1).
fn leading(a: f64, x: f64) -> f64 {
    if a >= STIRLING_FROM {
        // x^a e^-x is taken relative to its largest value, at x = a: the exponent stays small.
        let away = (x - a) / a;
        let exponent = a * (away - away.ln_1p());
        return (-exponent - stirling_error(a)).exp() / (TAU * a).sqrt();
    }
    let (mut shifted, mut product) = (a, 1.0);
    while shifted < STIRLING_FROM {
        shifted += 1.0;
        product *= shifted;
    }
    let ln_gamma = shifted * (shifted.ln() - 1.0) + (TAU * shifted).ln() / 2.0;
    let ln_gamma = ln_gamma + stirling_error(shifted) - product.ln();
    (a * x.ln() - x - ln_gamma).exp()
}

/// ln Gamma(a+1) less Stirling's formula for it (DLMF 5.11.1).
fn stirling_error(a: f64) -> f64 {
    let y = 1.0 / (a * a);
    let terms = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| sum * y + term) / a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(got: f64, wanted: f64, tolerance: f64, what: &str) {
        let off = (got / wanted - 1.0).abs();
        assert!(
            off <= tolerance,
            "{what}: {got:e} for {wanted:e}, off by {off:e}"
        );
    }

    /// Abramowitz and Stegun, table 26.8: percentage points of chi-square, with 6 digits.
    #[test]
    fn reproduces_published_percentage_points() {
        for (degrees, upper, wanted) in [
            (1.0, 0.05, 3.84146),
            (1.0, 0.995, 392_704e-10),
            (2.0, 0.05, 5.99147),
            (5.0, 0.95, 1.145476),
            (10.0, 0.025, 20.4831),
            (10.0, 0.05, 18.3070),
            (30.0, 0.975, 16.7908),
            (100.0, 0.975, 74.2219),
            (100.0, 0.025, 129.561),
        ] {
            let got = chi_square(Tail::Upper, upper, degrees);
            assert_near(got, wanted, 5e-6, &format!("{degrees} {upper}"));
        }
    }

    /// Degrees of freedom, and the x that leaves 0.025 below, 0.025 above, 0.0005 below and 0.0005 above:
    /// from the series of P with 50 digits, halving intervals.
    const DIGITS: &str = "
        0.1 1.063132377982856E-32 1.134347523507718 1.114775096375751E-66 6.575327655910980
        0.5 5.273202591259992E-7 3.433235299960776 8.437122366389947E-14 9.971537321409225
        1.0 0.0009820691171752559 5.023886187314889 3.926991331029225E-7 12.11566514639718
        2.5 0.1186229421000635 8.392295266912966 0.005059167422665157 16.50891950869578
        7.0 1.689869180677355 16.01276427462932 0.4848749910269359 26.01776770901476
        31.0 17.53873858147549 48.23188959445196 11.38868148428406 63.58201074656496
        33.0 19.04666150317512 50.72508006628123 12.57630926136875 66.40251131854071
        100.0 74.22192747492373 129.5611971858366 59.89565798656429 153.1669550816672
        666.2222 596.5910243301789 739.6411688113251 552.6194388631146 792.922278480158
        10000.0 9724.718377389798 10279.07017988759 9541.190857495951 10471.91215762660
    ";

    #[test]
    fn reproduces_every_digit() {
        let rows = DIGITS.lines().filter(|line| !line.trim().is_empty());
        for row in rows.clone() {
            let numbers: Vec<f64> = row.split_whitespace().map(|n| n.parse().unwrap()).collect();
            let [degrees, wanted @ ..] = &numbers[..] else {
                panic!("{row}");
            };
            let cases = [0.025, 0.0005]
                .into_iter()
                .flat_map(|p| [(Tail::Lower, p), (Tail::Upper, p)]);
            for ((tail, p), wanted) in cases.zip(wanted) {
                let got = chi_square(tail, p, *degrees);
                assert_near(got, *wanted, 2e-13, &format!("{degrees} {tail:?} {p}"));
            }
        }
        assert_eq!(rows.count(), 10);
    }

    /// With two degrees of freedom the distribution is exponential, with four P has a closed form too.
    #[test]
    fn agrees_with_closed_forms() {
        for p in [1e-100, 1e-12, 0.001, 0.025, 0.3, 0.5, 0.841, 0.999] {
            let lower = chi_square(Tail::Lower, p, 2.0);
            assert_near(lower, -2.0 * (-p).ln_1p(), 1e-12, &format!("lower {p}"));
            let upper = chi_square(Tail::Upper, p, 2.0);
            assert_near(upper, -2.0 * p.ln(), 1e-12, &format!("upper {p}"));
        }
        for x in [0.01f64, 0.7, 3.0, 3.1, 9.0, 80.0] {
            let q = (-x).exp() * (1.0 + x);
            assert_near(tails(2.0, x).1, q, 1e-14, &format!("{x}"));
        }
    }

    #[test]
    fn tails_are_the_whole_whatever_the_shape() {
        for a in [0.01, 0.7, 3.0, 15.9, 16.1, 333.0, 1e5, 5e6] {
            for x in [
                a / 3.0,
                a * 0.99,
                a,
                a + 0.999,
                a + 1.001,
                a * 1.01,
                a * 2.0,
            ] {
                let (lower, upper) = tails(a, x);
                assert!((0.0..=1.0).contains(&lower) && (0.0..=1.0).contains(&upper));
            }
            // Both ways of calculating meet.
            let below = tails(a, a + 1.0 - 1e-9).0;
            let above = tails(a, a + 1.0).0;
            assert!(
                (0.0..1e-9).contains(&(above - below)),
                "{a}: {below} {above}"
            );
            // They are each other's inverse.
            for p in [0.025, 0.5, 0.975] {
                let x = inverse(Tail::Lower, p, a);
                assert_near(tails(a, x).0, p, 1e-11, &format!("{a} {p}"));
                assert_near(
                    inverse(Tail::Upper, 1.0 - p, a),
                    x,
                    1e-11,
                    &format!("{a} {p}"),
                );
            }
        }
    }
}
