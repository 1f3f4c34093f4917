//! Any bytes, read as a foreign recording of any format, or as a column of numbers: no panic, no memory
//! by their own claim, and what is accepted can be written as a recording and read again to the same
//! campaign.
#![no_main]

use clockfit::recording::import::columns::Column;
use clockfit::recording::import::{Format, Importer};
use clockfit::recording::{Reader, Writer};
use clockfit::sample::{AT_ERROR_FLOOR, Campaign, Tee};
use libfuzzer_sys::fuzz_target;

/// More names of unknown kinds than this would be memory by the input's claim.
const UNKNOWN_KINDS: usize = 64;

fuzz_target!(|input: (u8, Option<u8>, &[u8])| {
    let (choice, decimals, data) = input;
    if let Some(format) = Format::ALL.get(usize::from(choice) % (Format::ALL.len() + 1)) {
        import(*format, data);
        if let Some(known) = Format::recognise(data) {
            import(known, data);
        }
    } else if let Ok(column) = Column::read(data, "input", decimals) {
        assert!(column.len() <= data.len() + 1);
        assert_eq!(column.iter().flatten().count() + column.gaps(), column.len());
    }
});

fn import(format: Format, data: &[u8]) {
    let Ok(importer) = Importer::new(format, data, "input") else {
        return;
    };
    let header = importer.header().clone();
    let mut campaign = Campaign::new(header.clone());
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, "memory", &header);
    let report = importer
        .read_into(&mut Tee(vec![&mut campaign, &mut writer]))
        .expect("memory can be read");
    assert!(writer.failure().is_none());
    drop(writer);

    // One note says what was imported.
    let kept = campaign.sources.len() + campaign.notes.len() - 1;
    let samples: usize = campaign.sources.iter().map(|s| s.samples.len()).sum();
    assert!(kept + samples <= data.len());
    assert!(report.unknown_kinds.len() <= UNKNOWN_KINDS);
    for sample in campaign.sources.iter().flat_map(|s| s.samples.iter()) {
        assert!(sample.at_error >= AT_ERROR_FLOOR);
        assert!(!sample.exchange.error.is_negative());
    }

    let reader = Reader::new(bytes.as_slice(), "memory").expect("what was written is a recording");
    let mut again = Campaign::new(reader.header().clone());
    let report = reader.read_into(&mut again).expect("memory can be read");
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(again, campaign);
}
