//! Any bytes, read as a packet capture: no panic, no memory by their own claim, and what is accepted
//! can be written as a recording and read again to the same campaign.
#![no_main]

use clockfit::recording::import::pcap::{Capture, CaptureError};
use clockfit::recording::{Reader, Writer};
use clockfit::sample::{Campaign, Tee};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let capture = match Capture::open(data, "input") {
        Ok(capture) => capture,
        Err(error) => {
            assert!(!matches!(error, CaptureError::Read { .. }));
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let header = capture.header().clone();
    let mut campaign = Campaign::new(header.clone());
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, "memory", &header);
    let report = capture
        .read_into(&mut Tee(vec![&mut campaign, &mut writer]))
        .expect("memory can be read");
    assert!(writer.failure().is_none());
    drop(writer);

    // Each packet is used once: in a sample, which takes two, as lost, as rejected, or not at all.
    let samples: u64 = campaign.sources.iter().map(|s| s.samples.len() as u64).sum();
    let ended: u64 = campaign.sources.iter().map(|s| s.sent()).sum();
    let unused: u64 = report.unused.values().sum();
    assert!(ended + samples + unused <= report.packets);
    assert!(report.packets <= data.len() as u64 / 16 + 1);
    assert!(campaign.sources.len() as u64 <= report.packets);
    assert!(report.describe().iter().all(|line| !line.is_empty()));

    let reader = Reader::new(bytes.as_slice(), "memory").expect("what was written is a recording");
    let mut again = Campaign::new(reader.header().clone());
    let report = reader.read_into(&mut again).expect("memory can be read");
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(again, campaign);
});
