//! Any bytes, read as a recording: no panic, no memory by their own claim, and what is accepted can
//! be written and read again to the same campaign.
#![no_main]

use clockfit::recording::{Reader, Writer};
use clockfit::sample::{Campaign, Tee};
use libfuzzer_sys::fuzz_target;

/// More names of unknown kinds than this would be memory by the input's claim.
const UNKNOWN_KINDS: usize = 64;

fuzz_target!(|data: &[u8]| {
    let Ok(reader) = Reader::new(data, "input") else {
        return;
    };
    let header = reader.header().clone();
    let mut campaign = Campaign::new(header.clone());
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, "memory", &header);
    let report = reader
        .read_into(&mut Tee(vec![&mut campaign, &mut writer]))
        .expect("memory can be read");
    assert!(writer.failure().is_none());
    drop(writer);

    let kept = campaign.sources.len() + campaign.notes.len();
    let samples: usize = campaign.sources.iter().map(|s| s.samples.len()).sum();
    assert!(kept + samples <= data.len());
    assert!(report.unknown_kinds.len() <= UNKNOWN_KINDS);

    let reader = Reader::new(bytes.as_slice(), "memory").expect("what was written is a recording");
    let mut again = Campaign::new(reader.header().clone());
    let report = reader.read_into(&mut again).expect("memory can be read");
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(again, campaign);
});
