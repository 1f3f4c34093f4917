//! Who stamps: from what was asked for to what this system can.

use anyhow::{Context, bail};

use super::args::{RunArgs, Timestamps};
use super::units::Correction;
use crate::net::hardware::{Corrections, HardwareError, How};
use crate::net::nic::{NicError, TakeOver};
use crate::net::{StampedSocket, Stamping, resolve};
use crate::sample::Note;
use crate::sampler::{Hardware, SamplerError};

/// Who stamps; and for `auto`, why not the kernel.
pub(super) fn stamping(wanted: Timestamps) -> anyhow::Result<(Stamping, Option<Note>)> {
    if wanted == Timestamps::User {
        return Ok((Stamping::User, None));
    }
    match (StampedSocket::stamps_available(Stamping::Kernel), wanted) {
        (Ok(()), _) => Ok((Stamping::Kernel, None)),
        (Err(error), Timestamps::Kernel) => Err(error).context(
            "no kernel timestamps on this system (--timestamps auto or user does without)",
        ),
        (Err(error), _) => {
            let note = Note::StampsUnavailable {
                error: error.to_string(),
            };
            Ok((Stamping::User, Some(note)))
        }
    }
}

/// Whether and how cards stamp. A correction that no card could get is a slip, and would be missed
/// without a word.
pub(super) fn hardware(args: &RunArgs) -> anyhow::Result<Option<Hardware>> {
    let how = match (args.timestamps, args.take_over_nic) {
        (Timestamps::Hardware, false) => How::Set(TakeOver::No),
        (Timestamps::Hardware, true) => How::Set(TakeOver::Yes),
        (_, true) => bail!("--take-over-nic goes with --timestamps hardware alone"),
        (Timestamps::Auto, false) => How::AsSet,
        (Timestamps::Kernel | Timestamps::User, false) => {
            if !args.tx_correction.is_empty() || !args.rx_correction.is_empty() {
                bail!(
                    "--tx-correction and --rx-correction are for stamps of network cards: they go with \
                     --timestamps auto or hardware"
                );
            }
            return Ok(None);
        }
    };
    let corrections = args.tx_correction.iter().chain(&args.rx_correction);
    for interface in corrections.filter_map(|c| c.interface.as_deref()) {
        resolve::interface_index(interface).context("--tx-correction, --rx-correction")?;
    }
    let listed = |given: &[Correction]| given.iter().map(|c| (c.interface.clone(), c.by)).collect();
    let corrections = Corrections {
        transmit: listed(&args.tx_correction),
        receive: listed(&args.rx_correction),
    };
    Ok(Some(Hardware { how, corrections }))
}

/// A run that cannot begin, and which option would let it.
pub(super) fn explained(error: SamplerError) -> anyhow::Error {
    let in_use = matches!(
        error,
        SamplerError::Hardware(HardwareError::Setting(NicError::InUse { .. }))
    );
    let error = anyhow::Error::new(error);
    if in_use {
        error.context(
            "a network card is in use (--take-over-nic overwrites its setting for this run; \
             --timestamps auto uses what is set)",
        )
    } else {
        error
    }
}
