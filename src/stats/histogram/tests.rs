use super::super::{Probability, quantile, rank};
use super::*;
use hdrhistogram::serialization::{Deserializer, V2Serializer};
use proptest::prelude::*;

fn decode(text: &str) -> Histogram<u64> {
    let bytes = STANDARD.decode(text).unwrap();
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .unwrap()
}

fn of(values: &[i64]) -> SignedHistogram {
    let mut h = SignedHistogram::new();
    values.iter().for_each(|v| h.record(*v));
    h
}

/// The crate's own histogram of the same sizes.
fn plain_of(sizes: impl Iterator<Item = u64>) -> Histogram<u64> {
    let mut plain = Histogram::new(SIGNIFICANT_DIGITS).unwrap();
    plain.auto(true);
    sizes.for_each(|size| plain.record(size).unwrap());
    plain
}

/// The counts of an encoding that was read.
fn holding(read: &Histogram<u64>) -> SignedHistogram {
    let mut h = SignedHistogram::new();
    for step in read.iter_recorded() {
        let size = read.lowest_equivalent(step.value_iterated_to());
        h.record_n(i64::try_from(size).unwrap(), step.count_at_value());
    }
    h
}

/// A log that the Java implementation wrote must read here with the counts it has there, so
/// that what is written here reads there.
#[test]
fn reads_what_another_implementation_wrote() {
    let log = include_str!("../../../tests/data/jHiccup-2.0.7S.logV2.hlog");
    let lines = log
        .lines()
        .filter(|l| l.starts_with(|c: char| c.is_ascii_digit()));
    let mut total = SignedHistogram::new();
    let mut read = 0;
    for line in lines {
        let half = decode(line.rsplit(',').next().unwrap());
        let held = holding(&half);
        let encoded = held.encode().unwrap();
        assert_eq!(encoded.zero + decode(&encoded.positive).len(), half.len());
        total.merge(&held);
        read += 1;
    }
    assert_eq!((read, total.count()), (62, 48_761));
    assert_eq!(total.buckets().last().unwrap().highest, 1_796_210_687);
    let [p99_9] = total.at_ranks([rank(48_761, Probability::P99_9)]);
    assert_eq!(p99_9.unwrap().highest, 1_745_879_039);
}

#[test]
fn the_ends_of_the_range_are_kept_and_what_is_beyond_is_counted() {
    let h = of(&[i64::MIN, -i64::MAX, i64::MAX, 1, -1, 0]);
    assert_eq!((h.count(), h.saturated()), (6, 1));
    let buckets: Vec<_> = h.buckets().collect();
    assert_eq!(buckets[0].count, 2);
    assert_eq!(buckets[0].lowest, -i64::MAX);
    assert_eq!(buckets.last().unwrap().highest, i64::MAX);
    assert_eq!(
        buckets[1..4]
            .iter()
            .map(|b| (b.lowest, b.count))
            .collect::<Vec<_>>(),
        [(-1, 1), (0, 1), (1, 1)]
    );
    assert!(h.encode().is_ok());
}

#[test]
fn an_empty_histogram_has_no_quantile() {
    assert_eq!(SignedHistogram::new().quantile(Probability::P50), None);
    assert!(SignedHistogram::new().encode().is_ok());
}

fn any_size() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0u32..63).prop_map(|(v, shift)| v >> shift)
}

/// One number of the counts of a V2 encoding: ZigZag LEB128, of which a ninth byte has no mark of an
/// end (HdrHistogram, "ZigZag LEB128-64b9B").
fn varint(bytes: &mut &[u8]) -> i64 {
    let mut value = 0u64;
    for n in 0..9 {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        if n == 8 {
            value |= u64::from(*first) << 56;
            break;
        }
        value |= u64::from(first & 0x7f) << (7 * n);
        if first & 0x80 == 0 {
            break;
        }
    }
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// The numbers behind the header of an encoding: a count, or how many buckets are empty, negated.
fn numbers(encoding: &[u8]) -> Vec<i64> {
    let mut bytes = &encoding[40..];
    let mut numbers = Vec::new();
    while !bytes.is_empty() {
        numbers.push(varint(&mut bytes));
    }
    numbers
}

/// The smallest value of the bucket at an index, for three digits from 1 on: 2048 single values, then
/// for each power of two 1024 that are twice as wide as those before.
fn lowest_at(index: u64) -> u64 {
    let power = (index / 1_024).saturating_sub(1);
    (index - power * 1_024) << power
}

#[derive(serde::Deserialize)]
struct Vector {
    inner: String,
    lowest: u64,
    highest: u64,
    total: u64,
    buckets: usize,
    sum_of_lowest: u64,
    first: Vec<(u64, u64)>,
    last: Vec<(u64, u64)>,
    highest_equivalent_of_quantiles: Vec<(u32, u64)>,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../../tests/data/hdr_v2_vectors.json")).unwrap()
}

impl Vector {
    /// The bytes before compression, with the length that is meant: that of the counts, as Java
    /// writes it and this crate expects. Whoever wrote these counted the 40 bytes of the header too,
    /// and nothing else in them is different.
    fn inner(&self) -> Vec<u8> {
        let mut inner = STANDARD.decode(&self.inner).unwrap();
        let length = u32::try_from(inner.len()).unwrap();
        assert_eq!(inner[4..8], length.to_be_bytes());
        inner[4..8].copy_from_slice(&(length - 40).to_be_bytes());
        inner
    }

    fn read(&self) -> Histogram<u64> {
        Deserializer::new()
            .deserialize(&mut self.inner().as_slice())
            .unwrap()
    }
}

#[test]
fn every_count_of_the_published_vectors_is_read() {
    for vector in vectors() {
        let read = vector.read();
        assert_eq!(
            (read.low(), read.sigfig(), read.len()),
            (vector.lowest, 3, vector.total)
        );
        assert_eq!(read.high(), vector.highest);
        let got: Vec<(u64, u64)> = read
            .iter_recorded()
            .map(|step| {
                (
                    read.lowest_equivalent(step.value_iterated_to()),
                    step.count_at_value(),
                )
            })
            .collect();
        let (mut index, mut truth) = (0, Vec::new());
        for number in numbers(&vector.inner()) {
            match number {
                ..0 => index += number.unsigned_abs(),
                0 => index += 1,
                1.. => {
                    truth.push((lowest_at(index), number.unsigned_abs()));
                    index += 1;
                }
            }
        }
        assert!(
            got == truth,
            "{} buckets, {} read by hand",
            got.len(),
            truth.len()
        );
        assert_eq!(got.len(), vector.buckets);
        assert!(got.starts_with(&vector.first) && got.ends_with(&vector.last));
        assert_eq!(
            got.iter().map(|(x, n)| x * n).sum::<u64>(),
            vector.sum_of_lowest
        );
        let held = holding(&read);
        for (parts, highest) in vector.highest_equivalent_of_quantiles {
            let q = Probability::from_parts(parts).unwrap();
            let [found] = held.at_ranks([rank(held.count(), q)]);
            assert_eq!(found.unwrap().highest.unsigned_abs(), highest, "{q:?}");
        }
    }
}

/// Compared before compression: how zlib packs bytes may change with its version. Whoever wrote these
/// counted a single empty bucket as a run of one, where Java and this crate write a zero; both are
/// read alike.
#[test]
fn the_published_vectors_are_written_as_they_were() {
    let plain = |half: &Histogram<u64>| {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(half, &mut bytes).unwrap();
        bytes
    };
    let alike = |bytes: &[u8]| -> Vec<i64> {
        let single = |number| if number == -1 { 0 } else { number };
        numbers(bytes).into_iter().map(single).collect()
    };
    for vector in vectors() {
        let (truth, written) = (vector.inner(), plain(&vector.read()));
        assert_eq!(written[..40], truth[..40]);
        assert_eq!(written.len(), truth.len());
        assert!(numbers(&written) == alike(&truth));
        // What is kept here has a range of its own, but the same counts in the same bytes.
        let held = holding(&vector.read());
        let snug = plain(&decode(&held.encode().unwrap().positive));
        assert!(snug[40..] == written[40..]);
    }
}

/// Of a log with tags the lines with and without one hold the same histograms.
#[test]
fn reads_a_log_with_tags() {
    let log = include_str!("../../../tests/data/tagged-Log.logV2.hlog");
    let (mut plain, mut tagged) = (SignedHistogram::new(), SignedHistogram::new());
    for line in log.lines().filter(|line| !line.starts_with(['#', '"'])) {
        let is_tagged = line.starts_with("Tag=A,");
        let of = if is_tagged { &mut tagged } else { &mut plain };
        of.merge(&holding(&decode(line.rsplit(',').next().unwrap())));
    }
    assert_eq!(plain.count() + tagged.count(), 32_290);
    assert_eq!(plain.encode(), tagged.encode());
}

proptest! {
    // A histogram up to 2^63 has 55 000 buckets on either side, and encoding looks at each.
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn merging_is_recording_in_any_order(
        a in prop::collection::vec(any_size(), 0..60),
        b in prop::collection::vec(any_size(), 0..60),
    ) {
        let (ha, hb) = (of(&a), of(&b));
        let (mut ab, mut ba) = (ha.clone(), hb.clone());
        ab.merge(&hb);
        ba.merge(&ha);
        let both: Vec<i64> = b.into_iter().rev().chain(a).collect();
        prop_assert_eq!(ab.encode(), ba.encode());
        prop_assert_eq!(ab.encode(), of(&both).encode());
    }

    #[test]
    fn quantiles_are_within_a_thousandth(
        mut values in prop::collection::vec(any_size(), 1..100),
        q in 0u32..=10_000,
    ) {
        let q = Probability::from_parts(q).unwrap();
        values.sort_unstable();
        let exact = quantile(&values, q).unwrap();
        let got = of(&values).quantile(q).unwrap();
        prop_assert!(got.abs_diff(exact) <= exact.unsigned_abs() / 1_000, "{got} for {exact}");
    }

    #[test]
    fn encoding_keeps_every_count(values in prop::collection::vec(any_size(), 0..60)) {
        let h = of(&values);
        let encoded = h.encode().unwrap();
        let sizes = |sign: i64| {
            let of_sign = values.iter().filter(move |v| v.signum() == sign);
            of_sign.map(|v| v.unsigned_abs().min(LARGEST))
        };
        prop_assert_eq!(decode(&encoded.negative), plain_of(sizes(-1)));
        prop_assert_eq!(decode(&encoded.positive), plain_of(sizes(1)));
        let zeros = values.iter().filter(|v| **v == 0).count();
        prop_assert_eq!(usize::try_from(encoded.zero), Ok(zeros));
    }

    #[test]
    fn any_ranks_at_once_are_those_of_the_buckets_in_order(
        values in prop::collection::vec(any_size(), 0..60),
        ranks in prop::array::uniform8(0u64..70),
    ) {
        let h = of(&values);
        let each: Vec<Bucket> = h
            .buckets()
            .flat_map(|bucket| std::iter::repeat_n(bucket, usize::try_from(bucket.count).unwrap()))
            .collect();
        let at = |rank: u64| each.get(usize::try_from(rank.checked_sub(1)?).ok()?).copied();
        prop_assert_eq!(h.at_ranks(ranks), ranks.map(at));
        prop_assert!(each.is_sorted_by(|a, b| a == b || a.highest < b.lowest));
        prop_assert_eq!(each.len(), values.len());
    }
}
