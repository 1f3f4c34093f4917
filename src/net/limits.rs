//! Descriptors: one connected socket a server needs as many.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Fewer descriptors are allowed than a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{needed} file descriptors are needed, one for each address, but only {allowed} are allowed: \
     raise the limit (ulimit -n {needed}) or measure fewer servers at a time"
)]
pub struct DescriptorShortage {
    /// How many the run needs.
    pub needed: u64,
    /// How many the hard limit allows.
    pub allowed: u64,
}

/// Makes sure that `needed` descriptors may be open, raising the soft limit up to the hard one.
pub fn reserve_descriptors(needed: u64) -> Result<(), DescriptorShortage> {
    let mut limit = getrlimit(Resource::Nofile);
    // No limit reads as None.
    if limit.current.is_none_or(|soft| soft >= needed) {
        return Ok(());
    }
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    if allowed < needed {
        return Err(DescriptorShortage { needed, allowed });
    }
    limit.current = Some(needed);
    setrlimit(Resource::Nofile, limit).map_err(|_| DescriptorShortage {
        needed,
        allowed: getrlimit(Resource::Nofile).current.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_more_than_the_hard_limit_says_both_numbers() {
        let Some(hard) = getrlimit(Resource::Nofile).maximum else {
            return;
        };
        let shortage = reserve_descriptors(hard + 1).unwrap_err();
        assert_eq!(
            shortage,
            DescriptorShortage {
                needed: hard + 1,
                allowed: hard
            }
        );
        assert!(shortage.to_string().contains(&(hard + 1).to_string()));
    }
}
