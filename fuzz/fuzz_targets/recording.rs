//! Any bytes, read as a recording: no panic, no memory by their own claim, and what is accepted can
//! be written and read again to the same campaign. It is the same read in blocks of a few bytes, by
//! several threads, and from a file; and any bytes are unpacked or refused.
#![no_main]

use clockfit::recording::{ReadReport, Reader, RecordingError, Writer, read_from};
use clockfit::sample::{Campaign, Tee};
use libfuzzer_sys::fuzz_target;

/// More names of unknown kinds than this would be memory by the input's claim.
const UNKNOWN_KINDS: usize = 64;
/// So small that a line spans several, and a few lines are more than one batch.
const BLOCK_BYTES: usize = 50;

fn read(data: &[u8], block: Option<usize>) -> Result<(Campaign, ReadReport), RecordingError> {
    let mut reader = Reader::new(data, "input")?;
    if let Some(bytes) = block {
        reader = reader.with_block_bytes(bytes);
    }
    let mut campaign = Campaign::new(reader.header().clone());
    let report = reader.read_into(&mut campaign)?;
    Ok((campaign, report))
}

fuzz_target!(|data: &[u8]| {
    let from_file = read_from(data, "input");
    let Ok((campaign, report)) = read(data, None) else {
        return;
    };
    let kept = campaign.sources.len() + campaign.notes.len();
    let samples: usize = campaign.sources.iter().map(|s| s.samples.len()).sum();
    assert!(kept + samples <= data.len());
    assert!(report.unknown_kinds.len() <= UNKNOWN_KINDS);

    let in_blocks = read(data, Some(BLOCK_BYTES)).expect("a recording in any blocks");
    assert_eq!(in_blocks, (campaign.clone(), report.clone()));
    let from_file = from_file.expect("a recording from a file as well");
    assert_eq!((from_file.campaign, from_file.report), in_blocks);

    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, "memory", &campaign.header);
    let mut again = Campaign::new(campaign.header.clone());
    Reader::new(data, "input")
        .and_then(|reader| reader.read_into(&mut Tee(vec![&mut again, &mut writer])))
        .expect("memory can be read");
    assert!(writer.failure().is_none());
    drop(writer);
    assert_eq!(again, campaign);

    let (again, report) = read(&bytes, None).expect("what was written is a recording");
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(again, campaign);
});
