//! Any bytes: they parse or are refused by name; what parses is written back byte for byte, and
//! no conversion of its fields panics.

#![no_main]

use clockfit::time::{TimeDelta, Timestamp};
use clockfit::wire::{Extension, NtpShort, NtpTimestamp, Packet, Rounding};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (i64, &[u8])| {
    let (pivot, bytes) = (Timestamp::from_nanos(input.0), input.1);
    let packet = match Packet::parse(bytes) {
        Ok(packet) => packet,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(!error.rejection().name().is_empty());
            return;
        }
    };

    let mut written = Vec::new();
    packet.write(&mut written);
    assert_eq!(written, bytes);

    let mut fields = Vec::new();
    for field in packet.extensions() {
        assert_eq!(Extension::new(field.kind(), field.value()), Ok(field));
        field.write(&mut fields);
    }
    let again = Packet::new(packet.header, &fields, packet.authenticator());
    assert_eq!(again, Ok(packet));

    let header = packet.header;
    for stamp in [
        header.reference,
        header.origin,
        header.receive,
        header.transmit,
    ] {
        convert(stamp, pivot);
    }
    for short in [header.root_delay, header.root_dispersion] {
        assert!(NtpShort::from_delta(short.to_delta()) >= short);
    }
    let info = header.server_info();
    assert!(!info.root_distance().is_negative());
    assert!(info.precision_error() >= TimeDelta::NANOSECOND);
    assert!(info.reference_id.describe(info.stratum).is_ascii());
    let _ = (header.kiss_code(), header.server_stamps(pivot));
});

/// The two directed roundings enclose the stamp, and each nanosecond found survives the way back.
fn convert(stamp: NtpTimestamp, pivot: Timestamp) {
    let down = stamp.to_timestamp(pivot, Rounding::Down);
    let up = stamp.to_timestamp(pivot, Rounding::Up);
    let (Some(down), Some(up)) = (down, up) else {
        return;
    };
    let width = up.since(down);
    assert!(width == TimeDelta::ZERO || width == TimeDelta::NANOSECOND);
    for (there, back) in [
        (Rounding::Down, Rounding::Up),
        (Rounding::Up, Rounding::Down),
        (Rounding::Nearest, Rounding::Nearest),
    ] {
        let wire = NtpTimestamp::from_timestamp(down, there);
        assert_eq!(wire.to_timestamp(down, back), Some(down));
    }
}
