//! Any bytes as control messages: they parse or are refused by name, and the buffer they came in
//! matters only when it is full. What a reply is sent with reads back as where its request arrived.

#![no_main]

use std::net::IpAddr;

use clockfit::net::control::{Arrival, CONTROL_BUFFER, Control, ControlError, ReplyControl};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    interface: u32,
    local: IpAddr,
    capacity: usize,
    filled: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    parse(input.filled, input.capacity);
    reply_from(Arrival {
        interface: input.interface,
        local: input.local,
    });
});

fn parse(filled: &[u8], capacity: usize) {
    let with_room = Control::parse(filled, usize::MAX);
    assert_ne!(with_room, Err(ControlError::Full));
    let parsed = Control::parse(filled, capacity);
    if capacity > filled.len() {
        assert_eq!(parsed, with_room);
    } else {
        assert_eq!(parsed, Err(ControlError::Full));
    }
    if let Err(error) = parsed {
        assert!(!error.to_string().is_empty());
    }
}

fn reply_from(arrival: Arrival) {
    let message = ReplyControl::new().answer_from(arrival);
    let control = Control::parse(message.as_bytes(), CONTROL_BUFFER).unwrap();
    let link_local = matches!(arrival.local, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let read = Arrival {
        // Only a link-local address binds the reply to an interface; elsewhere the route decides.
        interface: if link_local { arrival.interface } else { 0 },
        local: arrival.local,
    };
    assert_eq!(
        control,
        Control {
            arrival: Some(read),
            ..Control::default()
        }
    );
    // The flags of a stamp stand behind it and change nothing of it.
    let stamped = message.stamp_transmit();
    let flags = ReplyControl::new().stamp_transmit();
    assert_eq!(
        stamped.as_bytes(),
        [message.as_bytes(), flags.as_bytes()].concat()
    );
}
