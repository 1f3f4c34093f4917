//! [`Lagged`]: sums of products of a series with itself some steps later, in whole numbers.

/// A series of whole numbers whose products with itself `lag` steps later can be summed.
pub(super) trait Lagged {
    /// How many numbers.
    fn count(&self) -> usize;

    /// Their sum.
    fn total(&self) -> u64;

    /// The number at `index`, 0 beyond the end.
    fn value(&self, index: usize) -> u64;

    /// The sum over i of x_i x_(i + lag).
    fn products(&self, lag: usize) -> u128;

    /// How many steps of the machine one lag takes, about.
    fn work(&self) -> usize;

    /// Sums of [`BLOCK`] numbers each; a shorter block at the end is left out.
    fn blocks(&self) -> Sums;
}

/// How many numbers make one of the next coarser series: the bits of a word.
pub(super) const BLOCK: usize = 64;

/// A series of yes and no, 64 to a word, the first in the lowest bit.
pub(super) struct Bits {
    words: Vec<u64>,
    count: usize,
    ones: u64,
}

impl Bits {
    /// Whether `holds` for each of `values`.
    pub(super) fn of(values: &[i64], holds: impl Fn(i64) -> bool) -> Self {
        let word = |chunk: &[i64]| {
            let bits = chunk.iter().enumerate();
            bits.fold(0, |word, (n, x)| word | (u64::from(holds(*x)) << n))
        };
        // Whole words have a length that the compiler knows, which makes them twice as fast.
        let (whole, rest) = values.as_chunks::<BLOCK>();
        let mut words: Vec<u64> = whole.iter().map(|chunk| word(chunk)).collect();
        words.extend(rest.chunks(BLOCK).map(word));
        let ones = words.iter().map(|word| u64::from(word.count_ones())).sum();
        Self {
            words,
            count: values.len(),
            ones,
        }
    }
}

impl Lagged for Bits {
    fn count(&self) -> usize {
        self.count
    }

    fn total(&self) -> u64 {
        self.ones
    }

    fn value(&self, index: usize) -> u64 {
        let word = self.words.get(index / BLOCK).copied().unwrap_or(0);
        (word >> (index % BLOCK)) & 1
    }

    /// The bits that x and x shifted by `lag` have in common. Beyond the end all bits are 0.
    fn products(&self, lag: usize) -> u128 {
        let shift = lag % BLOCK;
        let later = self.words.get(lag / BLOCK..).unwrap_or(&[]);
        let low = later.iter().map(|word| word >> shift);
        // A shift by all 64 bits takes two: by 63 and by 1.
        let high = later
            .get(1..)
            .unwrap_or(&[])
            .iter()
            .map(|word| (word << 1) << (BLOCK - 1 - shift));
        let both = self.words.iter().zip(low).zip(high);
        let mut sum: u64 = both
            .map(|((now, low), high)| u64::from((now & (low | high)).count_ones()))
            .sum();
        // The last word has none after it.
        let last = later.len().checked_sub(1).and_then(|n| self.words.get(n));
        if let (Some(now), Some(later)) = (last, later.last()) {
            sum += u64::from((now & (later >> shift)).count_ones());
        }
        u128::from(sum)
    }

    fn work(&self) -> usize {
        self.words.len()
    }

    fn blocks(&self) -> Sums {
        let whole = self.words.iter().take(self.count / BLOCK);
        Sums(whole.map(|word| u64::from(word.count_ones())).collect())
    }
}

/// A series of sums.
pub(super) struct Sums(Vec<u64>);

impl Lagged for Sums {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    fn value(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    fn products(&self, lag: usize) -> u128 {
        let later = self.0.get(lag..).unwrap_or(&[]);
        let each = self.0.iter().zip(later);
        each.map(|(now, later)| u128::from(*now) * u128::from(*later))
            .sum()
    }

    fn work(&self) -> usize {
        self.0.len()
    }

    fn blocks(&self) -> Sums {
        let blocks = self.0.chunks_exact(BLOCK);
        Sums(blocks.map(|block| block.iter().sum()).collect())
    }
}

/// N^2 times the sum over i of (x_i - m)(x_(i+k) - m), where m is the mean of all N, for k = 0, 1, 2
/// and so on to N - 1. Sums of whole numbers, so exact: for N up to 2^40 they fit.
pub(super) fn covariances(series: &impl Lagged) -> impl Iterator<Item = i128> {
    let count = series.count();
    let wide = |n: usize| i128::try_from(n).unwrap_or(i128::MAX);
    let total = i128::from(series.total());
    // Sums over the first and over the last N - k: what stands on either side of a product.
    let (mut first, mut last) = (total, total);
    (0..count).map(move |lag| {
        if let Some(dropped) = lag.checked_sub(1) {
            first -= i128::from(series.value(count - lag));
            last -= i128::from(series.value(dropped));
        }
        let products = i128::try_from(series.products(lag)).unwrap_or(i128::MAX);
        let (n, pairs) = (wide(count), wide(count - lag));
        n * n * products - n * total * (first + last) + pairs * total * total
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// N^2 times the sum, from its definition.
    fn by_definition(values: &[i128], lag: usize) -> i128 {
        let n = values.len() as i128;
        let total: i128 = values.iter().sum();
        let pairs = values.iter().zip(&values[lag..]);
        pairs.map(|(a, b)| (n * a - total) * (n * b - total)).sum()
    }

    fn agrees(series: &impl Lagged, values: &[i128]) {
        assert_eq!(series.count(), values.len());
        assert_eq!(i128::from(series.total()), values.iter().sum::<i128>());
        let got: Vec<i128> = covariances(series).collect();
        let truth: Vec<i128> = (0..values.len())
            .map(|k| by_definition(values, k))
            .collect();
        assert_eq!(got, truth);
    }

    proptest! {
        #[test]
        fn covariances_are_what_they_are_defined_as(
            values in prop::collection::vec(0i64..3, 0..300),
        ) {
            let bits = Bits::of(&values, |x| x < 1);
            let truth: Vec<i128> = values.iter().map(|x| i128::from(*x < 1)).collect();
            agrees(&bits, &truth);
            let sums: Vec<i128> = truth.chunks_exact(BLOCK).map(|b| b.iter().sum()).collect();
            agrees(&bits.blocks(), &sums);
        }

        #[test]
        fn blocks_of_blocks_add_up(bits in prop::collection::vec(any::<bool>(), 0..20_000)) {
            let values: Vec<i64> = bits.iter().map(|b| i64::from(*b)).collect();
            let coarse = Bits::of(&values, |x| x == 1).blocks().blocks();
            let truth: Vec<u64> = values
                .chunks_exact(BLOCK * BLOCK)
                .map(|block| block.iter().map(|x| x.unsigned_abs()).sum())
                .collect();
            prop_assert_eq!(coarse.0, truth);
        }
    }
}
