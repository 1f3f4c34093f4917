//! A packet capture as a recording like any other.

use std::env;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use clockfit::recording::import::pcap::Capture;
use clockfit::recording::{Reader, Writer};
use clockfit::sample::{Campaign, Sink, Tee};

/// Hands the events of a capture to what `sink` makes of its header.
#[expect(
    clippy::unwrap_used,
    reason = "clippy knows test functions, not the helpers between them"
)]
fn import<'a>(path: &str, sink: impl FnOnce(&Capture<BufReader<File>>) -> Box<dyn Sink + 'a>) {
    let input = BufReader::new(File::open(path).unwrap());
    let capture = Capture::open(input, path).unwrap();
    let mut sink = sink(&capture);
    let report = capture.read_into(&mut *sink).unwrap();
    assert!(report.is_whole(), "{report:?}");
}

#[test]
fn what_was_captured_can_be_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import/pcap");
    for name in ["any.pcap", "interleaved.pcapng"] {
        let path = folder.join(name).display().to_string();
        let mut file = Vec::new();
        let mut campaign = Campaign::default();
        import(&path, |capture| {
            campaign.header = capture.header().clone();
            let writer = Writer::new(&mut file, "memory", capture.header());
            Box::new(Both(&mut campaign, writer))
        });
        let reader = Reader::new(file.as_slice(), "memory").unwrap();
        let mut again = Campaign::new(reader.header().clone());
        let report = reader.read_into(&mut again).unwrap();
        assert!(report.is_whole(), "{report:?}");
        assert_eq!(again, campaign);
        assert!(again.sources.iter().all(|source| source.samples.len() > 10));
    }
}

/// A campaign and a file at once.
struct Both<'a>(&'a mut Campaign, Writer<&'a mut Vec<u8>>);

impl Sink for Both<'_> {
    fn event(&mut self, event: &clockfit::sample::Event) {
        Tee(vec![self.0, &mut self.1]).event(event);
    }
}

/// Writes the capture CLOCKFIT_CAPTURE as the recording CLOCKFIT_RECORDING; `scripts/tests/capture.sh`
/// compares it with what was measured meanwhile.
#[test]
#[ignore = "needs a capture, and a second program that looks at the recording"]
fn record() {
    let file = |name| env::var(name).unwrap_or_else(|_| panic!("{name} names no file"));
    import(&file("CLOCKFIT_CAPTURE"), |capture| {
        let path = file("CLOCKFIT_RECORDING");
        Box::new(Writer::create(Path::new(&path), true, capture.header()).unwrap())
    });
}
