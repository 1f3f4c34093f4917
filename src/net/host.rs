use crate::sample::Environment;
/// x
pub fn environment() -> Environment {
    Environment::default()
}
