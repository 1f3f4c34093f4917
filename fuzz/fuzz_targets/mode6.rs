//! Datagrams as the answer of an ntpd to one question, in pieces: passed over, refused by name, or one answer that is
//! bounded, of the bytes that came; its associations and variables can be looked for.

#![no_main]

use clockfit::wire::{
    ControlAnswers, ControlOpcode, ControlRequest, ControlSelection, control_associations,
    control_variable,
};
use libfuzzer_sys::fuzz_target;

/// Bytes of an answer that are kept.
const MOST: usize = 32 * 1024;

fuzz_target!(|input: (bool, u16, u16, Vec<(u8, Vec<u8>)>)| {
    let (is_status, sequence, association, pieces) = input;
    let opcode = match is_status {
        true => ControlOpcode::ReadStatus,
        false => ControlOpcode::ReadVariables,
    };
    let request = ControlRequest {
        opcode,
        sequence,
        association,
    };
    let mut answers = ControlAnswers::to(request);
    let asked = request.to_bytes();
    let mut came = 0;
    for (bits, rest) in pieces {
        // Most are answers to this request, so that pieces meet; what remains is theirs.
        let mut datagram = asked.to_vec();
        datagram[1] |= bits & 0xe0 ^ 0x80;
        datagram.truncate(8);
        datagram.extend(&rest);
        came += rest.len();
        match answers.take(&datagram) {
            Ok(None) => {}
            Ok(Some(whole)) => {
                assert!(whole.data.len() <= MOST.min(came));
                let pairs = control_associations(&whole.data).count();
                assert_eq!(pairs, whole.data.len() / 4);
                let name = ControlSelection::of_status(whole.status).name();
                assert!(!name.is_empty());
                if let Some(value) = control_variable(&whole.data, "srcadr") {
                    assert!(value.len() <= whole.data.len());
                }
                break;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                break;
            }
        }
    }
});
