//! Records of a key establishment of NTS, of any kind and length, and bytes after them: refused by name or an agreement,
//! whose name a terminal may have; what was said of a part stands when more comes.

#![no_main]

use clockfit::wire::NtsAgreement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<(u8, bool, Vec<u8>)>, Vec<u8>, u16)| {
    let (records, rest, cut) = input;
    let mut bytes = Vec::new();
    for (kind, is_critical, body) in &records {
        // Types that are known, and some that are not.
        let kind = u16::from(kind % 10) | u16::from(*is_critical) << 15;
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        bytes.extend(kind.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(body);
    }
    bytes.extend(rest);
    let whole = NtsAgreement::read(&bytes, true);
    match &whole {
        Ok(None) => panic!("nothing more comes"),
        Ok(Some(agreed)) => {
            assert!((1..=bytes.len() / 5).contains(&agreed.cookies));
            if let Some(name) = &agreed.server {
                assert!(name.len() < 256 && name.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
    let part = bytes.get(..usize::from(cut)).unwrap_or(&bytes);
    match NtsAgreement::read(part, false) {
        Ok(None) => {}
        said => assert_eq!(said, whole),
    }
});
